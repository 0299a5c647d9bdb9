"""`python -m deploy exec -- python -m benchmarks.dicom`: the speed of STOW-RS, and of the first frame.

Writes a result file.

One message of 500 CT-sized slices (512 x 512, 16 bits) to a real web server with PostgreSQL and row-level security, as an integration's
key; the memory of the server's processes at their highest after 50 and after 500. Then the first frame of a film of 2500 x 2048 pixels
and of a slice, from the request to the last byte.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import psutil
import requests

from benchmarks.__main__ import RESULTS, machine
from deploy.commands import web_command
from deploy.processes import spawn, stop, wait_until
from deploy.valkey import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from patients.models import Patient

SLICES, FEW, TARGET_PER_S, TARGET_FRAME_MS, FRAMES = 500, 50, 50.0, 300.0, 10
BOUNDARY = "benchmark"
TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def people() -> tuple[str, Patient]:
    """An integration's key and a patient of its care team."""
    from accounts.actor import acting_as
    from accounts.models import User
    from accounts.models.api_key import Scope
    from accounts.roles import SYSTEM, Role
    from accounts.services.api_keys import create_api_key
    from patients.models import CareTeamMember, Patient

    with acting_as(SYSTEM):
        pacs = User.objects.create_user(f"pacs-{uuid.uuid4().hex[:8]}", password=None, role=Role.INTEGRATION)
        patient = Patient.objects.create(
            mrn=uuid.uuid4().hex[:12],
            given_name="G",
            family_name="F",
            birth_date=dt.date(1950, 1, 1),
            sex="female",
        )
        CareTeamMember.objects.create(patient=patient, user=pacs)
        _, key = create_api_key(user=pacs, scopes=[Scope.UPLOADS_WRITE, Scope.STUDIES_READ])
    return key, patient


def slices(count: int) -> Iterator[NDArray[Any]]:
    """Slices of a body as a CT gives them, each another."""
    import numpy as np

    noise = np.random.default_rng(1).integers(0, 4096, size=(512, 512), dtype=np.uint16)
    return (np.roll(noise, number, axis=0) for number in range(count))


def film() -> NDArray[Any]:
    """A drawn chest film of 2500 x 2048 pixels with noise."""
    import numpy as np
    from PIL import Image

    from ml.datasets.simulated_chest import draw_chest

    drawn = Image.fromarray(draw_chest(seed=3, ratio=0.5).grey).resize((2048, 2500))
    noise = np.random.default_rng(1).normal(0.0, 16.0, size=(2500, 2048))
    return np.clip(np.asarray(drawn) * 16.0 + noise, 0, 4095).astype(np.uint16)


def message(folder: Path, patient: Patient, name: str, frames: Iterable[NDArray[Any]]) -> Path:
    """A study as one message, on the disk."""
    from tests import dicoms

    path = folder / f"{name}.multipart"
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            made = dicoms.dataset(patient, study=name + str(patient.pk), number=number, Modality="CT")
            made.StudyDescription = name
            dicoms.pixels(made, frame)
            file.write(f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode())
            file.write(dicoms.written(made))
        file.write(f"\r\n--{BOUNDARY}--\r\n".encode())
    return path


@contextlib.contextmanager
def server(logs: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A web server of its own; its address and its main process."""
    port = free_port()
    with (logs / f"web-{port}.log").open("wb") as output:
        process = spawn(web_command(port), env=dict(os.environ), output=output)
    url = f"http://127.0.0.1:{port}"
    try:
        if not wait_until(lambda: _answers(url), timeout_s=60, every_s=0.1):
            raise RuntimeError((logs / f"web-{port}.log").read_text(encoding="utf-8"))
        yield url, psutil.Process(process.pid)
    finally:
        stop(process)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/live", timeout=30).ok
    except requests.RequestException:
        return False


def highest_mb(process: psutil.Process) -> float:
    """The most memory that one process of the server has had, megabytes."""
    lines = [
        line
        for one in process.children(recursive=True)
        for line in Path(f"/proc/{one.pid}/status").read_text(encoding="utf-8").splitlines()
        if line.startswith("VmHWM")
    ]
    return max(int(line.split()[1]) for line in lines) / 1000.0


def processor_s(process: psutil.Process) -> float:
    """Seconds of processor time that the server has taken, its start included."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def store(url: str, key: str, path: Path, count: int) -> float:
    """Seconds that a message takes; every instance must have been filed."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": TYPE}
    began = time.perf_counter()
    with path.open("rb") as body:
        answer = requests.post(f"{url}/api/dicomweb/studies", data=body, headers=headers, timeout=600)
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.text[:500]
    assert len(answer.json()["00081199"]["Value"]) == count
    return took


def first_frame_ms(url: str, key: str, *, of: str) -> list[float]:
    """Milliseconds of each of some requests for the picture of an instance."""
    headers = {"Authorization": f"Bearer {key}"}
    found = requests.get(f"{url}/api/dicomweb/instances?StudyDescription={of}", headers=headers, timeout=60)
    address = found.json()[0]["00081190"]["Value"][0]
    times = []
    for _ in range(FRAMES):
        began = time.perf_counter()
        picture = requests.get(f"{address}/rendered", headers=headers | {"Accept": "image/png"}, timeout=60)
        times.append(1000.0 * (time.perf_counter() - began))
        assert picture.ok, picture.text
    return times


def run() -> dict[str, Any]:
    """Measure; the whole result."""
    began = {"date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "machine": machine()}
    key, patient = people()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        memory, seconds = {}, {}
        for count in (FEW, SLICES):
            path = message(folder, patient, f"study-{count}", slices(count))
            size = path.stat().st_size
            with server(folder) as (url, process):
                seconds[count] = store(url, key, path, count)
                memory[count] = highest_mb(process)
                cpu_s = processor_s(process)
        one = message(folder, patient, "film", [film()])
        with server(folder) as (url, _):
            store(url, key, one, 1)
            frames = first_frame_ms(url, key, of="film")
    per_s = SLICES / seconds[SLICES]
    return began | {
        "instances": SLICES,
        "message_mb": round(size / 1e6, 1),
        "seconds": round(seconds[SLICES], 2),
        "instances_per_s": round(per_s, 1),
        "server_cpu_ms_per_instance": round(1000.0 * cpu_s / SLICES, 1),
        "target_per_s": TARGET_PER_S,
        "highest_mb": {str(count): round(mb, 1) for count, mb in memory.items()},
        "first_frame_ms": {
            "first": round(frames[0], 1),
            "median": round(statistics.median(frames), 1),
            "slowest": round(max(frames), 1),
        },
        "target_frame_ms": TARGET_FRAME_MS,
        "met": per_s >= TARGET_PER_S and max(frames) <= TARGET_FRAME_MS,
    }


def main() -> int:
    """Run, print and store; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dicom", description=__doc__)
    parser.add_argument("--dry", action="store_true", help="write no result file")
    options = parser.parse_args()
    owner = os.environ | {"DATABASE_ROLE": "owner"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=owner, check=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cardiocare_site.settings")
    django.setup()
    result = run()
    if not options.dry:
        path = RESULTS / "dicom.json"
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
