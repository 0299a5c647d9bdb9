"""PostgreSQL stopped in the middle of a diagnosis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from deploy.environment import Secrets
from deploy.postgres import PostgresServer
from deploy.processes import wait_until
from tests import images
from tests.workers import PATIENCE_S, SMALL, Service, Services

if TYPE_CHECKING:
    from collections.abc import Iterator

# Others' people may be there already.
SEED = """
import uuid, django; django.setup()
from tests import factories
from tests.processes.steps import beat
doctor = factories.user(username=uuid.uuid4().hex)
row = factories.diagnosis(factories.patient(team=(doctor,), mrn=doctor.username), doctor, data=beat(1))
print(row.pk, row.upload.storage_name)
"""
PUBLISH = """
import sys, django; django.setup()
from diagnostics.services.queue import publish
assert publish([(sys.argv[1], int(sys.argv[2]))])
"""


class OtherDatabase:
    """A PostgreSQL server of these tests' own, migrated, and a look inside it."""

    def __init__(self, directory: Path) -> None:
        self.server = PostgresServer(directory, secrets=Secrets.random(), durable=True)
        self.server.start()
        self.urls = {"DATABASE_URL": self.server.app_url, "DATABASE_OWNER_URL": self.server.owner_url}
        self.env = os.environ | SMALL | self.urls
        self.run(["manage.py", "migrate", "--verbosity", "0"], DATABASE_ROLE="owner")

    def serve(self, services: Services) -> None:
        """Let a test's processes use this database with that test's files."""
        if not self.server.running():
            self.server.start()
        services.env |= self.urls | {"DJANGO_SETTINGS_MODULE": "cardiocare_site.settings"}
        self.env = services.env

    def run(self, arguments: list[str], **env: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.env | env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def row(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """One row, read or written as the system; None while the server is away."""
        try:
            connection = psycopg2.connect(self.server.owner_url)
        except psycopg2.OperationalError:
            return None
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT set_config('cardiocare.role', 'system', true)")
            cursor.execute(query, values)
            found = cursor.fetchone()
        connection.close()
        return found

    def status(self, pk: str) -> tuple[Any, ...] | None:
        return self.row("SELECT status, attempt FROM diagnostics_diagnosis WHERE id = %s", pk)

    def answers(self, pk: str) -> tuple[Any, ...] | None:
        """How many predictions, heatmaps and completed-analysis audit events."""
        return self.row(
            "SELECT (SELECT count(*) FROM diagnostics_prediction WHERE diagnosis_id = %(id)s),"
            " (SELECT count(*) FROM diagnostics_heatmap h JOIN diagnostics_prediction p ON p.id = h.prediction_id"
            "  WHERE p.diagnosis_id = %(id)s),"
            " (SELECT count(*) FROM accounts_auditevent WHERE object_id = %(id)s::text AND action = 'analyse'"
            "  AND outcome = 'allowed')".replace("%(id)s", "%s"),
            pk, pk, pk,
        )  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherDatabase]:
    """Made once: that takes longer than the tests."""
    database = OtherDatabase(tmp_path_factory.mktemp("elsewhere") / "postgres")
    yield database
    database.server.stop()


@pytest.fixture
def other(services: Services, elsewhere: OtherDatabase) -> OtherDatabase:
    """The database that the test's processes use instead of the test's own."""
    elsewhere.serve(services)
    return elsewhere


class HeldThere:
    """A diagnosis in that database, held in its middle by a pipe in place of its file."""

    def __init__(self, other: OtherDatabase, media: Path) -> None:
        self.pk, name = other.run(["-c", SEED]).split()
        self.path = media / name
        self.data = self.path.read_bytes()
        self.path.unlink()
        os.mkfifo(self.path)

    def wait_running(self, other: OtherDatabase, worker: Service) -> int:
        other.run(["-c", PUBLISH, self.pk, "1"])
        worker.wait(lambda: other.status(self.pk) == ("running", 1), "it runs")
        return os.open(self.path, os.O_WRONLY)

    def release(self, pipe: int) -> None:
        assert os.write(pipe, self.data) == len(self.data)
        os.close(pipe)

    def put_back(self) -> None:
        self.path.unlink()
        self.path.write_bytes(self.data)


def test_a_result_waits_for_the_database_to_come_back(
    services: Services, other: OtherDatabase, media: Path
) -> None:
    worker = services.worker()
    held = HeldThere(other, media)
    pipe = held.wait_running(other, worker)
    other.server.kill()
    held.release(pipe)
    other.server.start()
    worker.wait(lambda: other.status(held.pk) == ("completed", 1), "the result is recorded")
    assert other.answers(held.pk) == (1, 1, 1)
    worker.wait(lambda: (other.row("SELECT max(last_seen) > now() - interval '5 s' FROM diagnostics_workernode") or (0,))[0],
                "the heartbeat is back")  # fmt: skip


def test_what_could_not_be_recorded_is_swept_and_run_again(
    services: Services, other: OtherDatabase, media: Path
) -> None:
    worker = services.worker()
    services.beat()
    held = HeldThere(other, media)
    pipe = held.wait_running(other, worker)
    other.server.stop()
    held.release(pipe)
    worker.wait(lambda: "its loss could not be recorded" in worker.text(), "the worker gives up")
    held.put_back()
    other.server.start()
    updated = other.row(
        "UPDATE diagnostics_diagnosis SET lease_until = now() WHERE id = %s AND status = 'running' RETURNING attempt",
        held.pk,
    )
    assert updated == (1,)
    worker.wait(lambda: other.status(held.pk) == ("completed", 2), "it is run again")
    assert other.answers(held.pk) == (1, 1, 1)


def test_an_upload_is_either_accepted_and_kept_or_answered_with_503(
    services: Services, other: OtherDatabase
) -> None:
    import requests

    address = services.web()
    seed = (
        "import uuid, django; django.setup()\nfrom tests import factories\nfrom accounts.services.api_keys import create_api_key\n"
        "from accounts.actor import acting_as\nfrom accounts.roles import SYSTEM\n"
        "doctor = factories.user(username=uuid.uuid4().hex); patient = factories.patient(team=(doctor,), mrn=doctor.username)\n"
        "with acting_as(SYSTEM): print(patient.pk, create_api_key(user=doctor, scopes=['uploads:write'])[1])"
    )
    patient, key = other.run(["-c", seed]).split()

    def post(number: int) -> requests.Response:
        return requests.post(
            f"{address}/api/v1/uploads/",
            data={"patient": patient},
            files={"files": ("a.png", images.png(seed=number), "image/png")},
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )

    before = other.row("SELECT count(*) FROM diagnostics_upload") or (0,)
    assert post(1).status_code == 201
    other.server.stop()
    away = post(2)
    assert (away.status_code, away.json()["reason_code"]) == (503, "database_unavailable")
    other.server.start()
    assert wait_until(lambda: post(3).status_code == 201, timeout_s=PATIENCE_S)
    assert other.row("SELECT count(*) FROM diagnostics_upload") == (before[0] + 2,)
