"""Measures this platform's whole path: REST upload in batches, gunicorn, Celery worker, sweeper, PostgreSQL."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg2
import requests

from benchmarks import processes
from deploy.commands import web_command
from deploy.valkey import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH = 50
CELERY = (sys.executable, "-m", "celery", "-A", "cardiocare_site")
SEED = """
import datetime as dt, django; django.setup()
from accounts.actor import acting_as
from accounts.models import User
from accounts.roles import SYSTEM, Role
from accounts.services.api_keys import create_api_key
from patients.models import CareTeamMember, Patient
with acting_as(SYSTEM):
    doctor = User.objects.create_user("bench", password=None, role=Role.DOCTOR)
    patient = Patient.objects.create(mrn="BENCH", given_name="B", family_name="ench", birth_date=dt.date(1950, 1, 1), sex="female")
    CareTeamMember.objects.create(patient=patient, user=doctor)
    print(patient.pk, create_api_key(user=doctor, scopes=["uploads:write"])[1])
"""
RESULTS = """SELECT u.original_name, d.status, p.label, p.probabilities, h.png IS NOT NULL
    FROM diagnostics_upload u JOIN diagnostics_diagnosis d ON d.upload_id = u.id
    LEFT JOIN diagnostics_prediction p ON p.diagnosis_id = d.id LEFT JOIN diagnostics_heatmap h ON h.prediction_id = p.id"""
OPEN = "SELECT count(*) FROM diagnostics_diagnosis WHERE status IN ('queued', 'running')"


class Database:
    """A look into the platform's tables as the system."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT set_config('cardiocare.role', 'system', false)")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())


def prepare(env: dict[str, str]) -> tuple[str, str]:
    """Migrate, make a doctor with one patient; returns the patient's id and an API key."""
    owner = env | {"DATABASE_ROLE": "owner"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=owner, check=True)
    settings = env | {"DJANGO_SETTINGS_MODULE": "cardiocare_site.settings"}
    done = subprocess.run(
        [sys.executable, "-c", SEED], env=settings, check=True, capture_output=True, text=True
    )
    patient, key = done.stdout.split()
    return patient, key


@contextlib.contextmanager
def running(
    env: dict[str, str], logs: Path, *, workers: int
) -> Iterator[tuple[str, dict[str, subprocess.Popen[bytes]]]]:
    """Web, worker and beat, ready; yields the address and the processes."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    options = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    worker = [
        *CELERY,
        "worker",
        "-n",
        "bench@bench",
        "-Q",
        "gpu,cpu,io",
        "--pool",
        "prefork",
        "-c",
        str(workers),
        *options,
    ]
    beat = [*CELERY, "beat", "--schedule", str(logs / "beat"), "--pidfile", "", "--loglevel", "WARNING"]
    with contextlib.ExitStack() as stack:
        start = lambda name, command, ready: stack.enter_context(  # noqa: E731  # one line, three times
            processes.program(command, env=env, log=logs / f"{name}.log", ready=ready)
        )
        started = {
            "web": start("web", web_command(port), lambda: processes.answers(f"{address}/health/live"))
        }
        started["worker"] = start("worker", worker, lambda: processes.answers(f"{address}/health/ready"))
        start("beat", beat, lambda: True)
        yield address, started


def measure(
    env: dict[str, str], pictures: dict[str, bytes], warm_up: dict[str, bytes], *, logs: Path, workers: int
) -> dict[str, Any]:
    """Images per second from the first upload to the last completed diagnosis with its heatmap.

    Returns:
        `seconds`, `per_second`, `cpu_ms_per_image`, `upload_seconds` (until the last answer to an upload), `memory`, and `answers` by name.
    """
    patient, key = prepare(env)
    database = Database(env["DATABASE_OWNER_URL"])

    with running(env, logs, workers=workers) as (address, started):

        def post(batch: list[tuple[str, bytes]]) -> None:
            answer = requests.post(
                f"{address}/api/v1/uploads/",
                data={"patient": patient},
                files=[("files", (name, data, "image/png")) for name, data in batch],
                headers={"Authorization": f"Bearer {key}"},
                timeout=300,
            )
            assert answer.status_code == 201, answer.text

        def finish(files: dict[str, bytes]) -> tuple[float, float]:
            items = list(files.items())
            began = time.perf_counter()
            with ThreadPoolExecutor(2) as clients:
                list(clients.map(post, [items[i : i + BATCH] for i in range(0, len(items), BATCH)]))
            uploaded = time.perf_counter() - began
            while database.rows(OPEN)[0][0]:
                time.sleep(0.02)
            return uploaded, time.perf_counter() - began

        finish(warm_up)
        worked = processes.cpu_seconds()
        uploaded, seconds = finish(pictures)
        worked_since = processes.cpu_seconds()
        memory = {name: processes.memory_mb(process) for name, process in started.items()}
    results = {row[0]: row[1:] for row in database.rows(RESULTS)}
    unanswered = [name for name in pictures if results[name][0] != "completed" or not results[name][3]]
    return {
        "seconds": seconds,
        "upload_seconds": uploaded,
        "per_second": len(pictures) / seconds,
        "cpu_ms_per_image": processes.cpu_per_image(worked, worked_since, len(pictures)),
        "memory": memory,
        "unanswered": unanswered,
        "answers": {
            name: {"label": results[name][1], "probabilities": results[name][2]} for name in pictures
        },
    }
