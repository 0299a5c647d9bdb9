"""`python -m deploy exec -- python -m benchmarks.imports`: 10,000 rows of 12 quantities become records and diagnoses; writes a result file.

From the upload of the file to the last recorded row and the last answer of the clinical models, with the patient's level, by the pages
as a browser asks for them (in this process), a worker with two processes and beat, on PostgreSQL with row-level security as the
application's role. Once each row is of another patient, once of 100 patients, who are assessed with their last row. Processor time is
measured beside the clock, because it hardly changes when something else keeps the machine busy.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime as dt
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import psycopg2

from benchmarks.__main__ import RESULTS, machine
from benchmarks.processes import cpu_seconds, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from accounts.models import User

ROWS, TARGET_S = 10_000, 60.0
# Nine quantities of the heart-failure record (age and sex come from the patient) and three vital signs: limits, or words.
QUANTITIES: dict[str, tuple[int, int] | tuple[str, str]] = {
    "anaemia": ("no", "yes"), "creatinine_phosphokinase (U/L)": (30, 3000), "diabetes": ("no", "yes"),
    "ejection_fraction (%)": (15, 60), "high_blood_pressure": ("yes", "no"), "platelets (10³/µL)": (100, 400),
    "serum_creatinine (µmol/L)": (55, 350), "serum_sodium (mmol/L)": (125, 145), "smoking": ("never", "smokes"),
    "systolic_pressure (mmHg)": (105, 180), "diastolic_pressure (mmHg)": (55, 95), "weight (kg)": (50, 110),
}  # fmt: skip
CELERY = (sys.executable, "-m", "celery", "-A", "cardiocare_site")
ASKED_EVERY_S = 1.0  # as the page does
GIVEN_UP_AFTER_S = 900.0


def table(mrns: list[str], rows: int) -> bytes:
    """A table as a study exports it, of made-up people; the rows of one patient lie a day apart."""
    rng = random.Random(1)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["mrn", "measured_at", *QUANTITIES])
    first = dt.datetime(2020, 1, 1, 9, 30, tzinfo=dt.UTC)
    for row in range(rows):
        at = first + dt.timedelta(days=row // len(mrns))
        values = [
            rng.randint(low, high)
            if isinstance(low, int) and isinstance(high, int)
            else rng.choice((low, high))
            for low, high in QUANTITIES.values()
        ]
        writer.writerow([mrns[row % len(mrns)], at.strftime("%Y-%m-%d %H:%M"), *values])
    return stream.getvalue().encode()


def people(name: str, count: int) -> tuple[User, list[str]]:
    """A doctor with `count` patients."""
    from accounts.actor import acting_as
    from accounts.models import User
    from accounts.roles import SYSTEM, Role
    from patients.models import CareTeamMember, Patient

    with acting_as(SYSTEM):
        doctor = User.objects.create_user(name, password=None, role=Role.DOCTOR)
        patients = Patient.objects.bulk_create(
            [
                Patient(
                    mrn=f"{name}-{number:05d}",
                    given_name="G",
                    family_name=name,
                    birth_date=dt.date(1935 + number % 40, 1, 1),
                    sex=("female", "male")[number // 40 % 2],
                )
                for number in range(count)
            ],
            batch_size=2000,
        )
        CareTeamMember.objects.bulk_create(
            [CareTeamMember(patient=patient, user=doctor) for patient in patients], batch_size=2000
        )
    with contextlib.closing(psycopg2.connect(os.environ["DATABASE_OWNER_URL"])) as connection:
        connection.cursor().execute("ANALYZE")  # as PostgreSQL does by itself within a minute
        connection.commit()
    return doctor, [patient.mrn for patient in patients]


def walk(client: Client, data: bytes) -> dict[str, float]:
    """Seconds of each part, and when from pressing the button on the last row was recorded and the last answer stored."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.urls import reverse

    from patients.clinical.table import guess

    times, began = {}, time.perf_counter()
    answer = client.post(
        reverse("patients:imports"), {"table": SimpleUploadedFile("t.csv", data, "text/csv")}
    )
    assert answer.status_code == 302, answer.content
    page = answer["Location"]
    times["upload"] = time.perf_counter() - began
    client.get(page)
    guessed = guess(("mrn", "measured_at", *QUANTITIES))  # what the page has chosen
    client.post(page, {f"column-{index}": place for index, place in enumerate(guessed)})
    client.get(page)
    times["check"] = time.perf_counter() - began - times["upload"]
    pressed = time.perf_counter()
    assert client.post(f"{page}record/", {"take_unusual": "on"}).status_code == 302
    progress = reverse("diagnostics:import-progress", args=[page.rstrip("/").split("/")[-1]])
    while "HX-Refresh" not in (answer := client.get(f"{progress}?running=1")):
        recorded, aim = map(int, re.findall(r'value="(\d+)" max="(\d+)"', answer.content.decode())[0])
        if recorded == aim:
            times.setdefault("recorded", time.perf_counter() - pressed)
        assert time.perf_counter() - pressed < GIVEN_UP_AFTER_S, answer.content
        time.sleep(ASKED_EVERY_S)
    times.setdefault("recorded", time.perf_counter() - pressed)
    times["answered"] = time.perf_counter() - pressed
    times["total"] = time.perf_counter() - began
    return times


def measure(name: str, *, rows: int, patients: int) -> dict[str, Any]:
    """One table, recorded and assessed; every row must have been."""
    from django.test import Client

    doctor, mrns = people(name, patients)
    client = Client(SERVER_NAME="localhost")
    client.force_login(doctor, backend="accounts.backends.CardioCareBackend")
    data = table(mrns, rows)
    worked, own = cpu_seconds(), time.process_time()
    times = walk(client, data)
    done = cpu_seconds() | {"web": time.process_time()}
    before = worked | {"web": own}
    parts = {role: 1000 * (seconds - before.get(role, 0.0)) / rows for role, seconds in done.items()}
    return {
        "patients": patients,
        **checked(doctor, rows=rows, patients=patients),
        "seconds": {part: round(value, 1) for part, value in times.items()},
        "cpu_ms_per_row": {"total": round(sum(parts.values()), 2)}
        | {role: round(ms, 2) for role, ms in sorted(parts.items())},
    }


def checked(doctor: User, *, rows: int, patients: int) -> dict[str, int]:
    """What is stored: every row, and one answered diagnosis and one level of each patient."""
    from accounts.actor import acting_as
    from accounts.roles import SYSTEM
    from diagnostics.models import Diagnosis, PatientRisk
    from patients.models import ClinicalValue, ValueImportRow

    with acting_as(SYSTEM):
        found = {
            "rows": ValueImportRow.objects.filter(table__created_by=doctor, verdict="recorded").count(),
            "values": ClinicalValue.objects.filter(entered_by=doctor).count(),
            "diagnoses": Diagnosis.objects.filter(
                upload__uploaded_by=doctor, status="completed", attempt=1
            ).count(),
            "levels": PatientRisk.objects.filter(patient__care_team__user=doctor)
            .exclude(level="unknown")
            .count(),
        }
    assert found == {
        "rows": rows,
        "values": rows * len(QUANTITIES),
        "diagnoses": patients,
        "levels": patients,
    }, found
    return found


@contextlib.contextmanager
def workers(count: int) -> Iterator[None]:
    """A worker with so many processes, warm, and beat."""
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cardiocare-bench-")))
        options = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
        pool = ["-n", "bench@bench", "-Q", "gpu,cpu,io", "--pool", "prefork", "-c", str(count)]
        beat = [*CELERY, "beat", "--schedule", str(logs / "beat"), "--pidfile", "", "--loglevel", "WARNING"]
        env = dict(os.environ)
        for name, command, ready in (
            ("worker", [*CELERY, "worker", *pool, *options], heard_of_a_worker),
            ("beat", beat, lambda: True),
        ):
            stack.enter_context(program(command, env=env, log=logs / f"{name}.log", ready=ready))
        yield


def heard_of_a_worker() -> bool:
    """Whether a worker has announced itself, which it does when its models are loaded."""
    from accounts.actor import acting_as
    from accounts.roles import SYSTEM
    from diagnostics.models import WorkerNode

    with acting_as(SYSTEM):
        return WorkerNode.objects.exists()


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the table (default {ROWS})")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")
    options = parser.parse_args()
    began = machine()
    owner = os.environ | {"DATABASE_ROLE": "owner"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=owner, check=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cardiocare_site.settings")
    django.setup()
    with workers(options.workers):
        result = {
            "machine": began,
            "worker_processes": options.workers,
            "target_seconds": TARGET_S,
            "each_row_another_patient": measure("many", rows=options.rows, patients=options.rows),
            "hundred_patients": measure("few", rows=options.rows, patients=min(100, options.rows)),
        }
    text = json.dumps(result, indent=2)
    print(text)
    if options.rows == ROWS:
        (RESULTS / "imports.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
