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
from benchmarks.processes import Round
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


class Platform:
    """The running platform."""

    def __init__(self, env: dict[str, str], address: str) -> None:
        patient, key = prepare(env)
        self._url, self._form = f"{address}/api/v1/uploads/", {"patient": patient}
        self._headers = {"Authorization": f"Bearer {key}"}
        self._database = Database(env["DATABASE_OWNER_URL"])
        self.programs: dict[str, subprocess.Popen[bytes]] = {}

    def _post(self, batch: list[tuple[str, bytes]]) -> None:
        files = [("files", (name, data, "image/png")) for name, data in batch]
        answer = requests.post(self._url, data=self._form, files=files, headers=self._headers, timeout=300)
        assert answer.status_code == 201, answer.text

    def analyse(self, pictures: dict[str, bytes]) -> Round:
        """From the first upload to the last completed diagnosis with its heatmap."""
        items = list(pictures.items())
        worked, began = processes.cpu_seconds(), time.perf_counter()
        with ThreadPoolExecutor(2) as clients:
            list(clients.map(self._post, [items[i : i + BATCH] for i in range(0, len(items), BATCH)]))
        while self._database.rows(OPEN)[0][0]:
            time.sleep(0.02)
        return Round(len(items), time.perf_counter() - began, worked, processes.cpu_seconds())

    def answers(self) -> dict[str, dict[str, Any]]:
        """Label and probabilities of every picture so far, and whether it was completed with a heatmap."""
        return {
            name: {
                "label": label,
                "probabilities": probabilities,
                "complete": status == "completed" and heatmap,
            }
            for name, status, label, probabilities, heatmap in self._database.rows(RESULTS)
        }

    def memory(self) -> dict[str, Any]:
        """Of web, worker and beat."""
        return {name: processes.memory_mb(process) for name, process in self.programs.items()}


@contextlib.contextmanager
def running(env: dict[str, str], logs: Path, *, workers: int) -> Iterator[Platform]:
    """Web, worker and beat, ready."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    options = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    pool = ["-Q", "gpu,cpu,io", "--pool", "prefork", "-c", str(workers)]
    worker = [*CELERY, "worker", "-n", "bench@bench", *pool, *options]
    beat = [*CELERY, "beat", "--schedule", str(logs / "beat"), "--pidfile", "", "--loglevel", "WARNING"]
    platform = Platform(env, address)
    with contextlib.ExitStack() as stack:
        for name, command, ready in (
            ("web", web_command(port), lambda: processes.answers(f"{address}/health/live")),
            ("worker", worker, lambda: processes.answers(f"{address}/health/ready")),
            ("beat", beat, lambda: True),
        ):
            log = logs / f"{name}.log"
            platform.programs[name] = stack.enter_context(
                processes.program(command, env=env, log=log, ready=ready)
            )
        yield platform
