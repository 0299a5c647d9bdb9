"""Redis stopped, flushed, or away when files arrive: PostgreSQL knows what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
import requests

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from accounts.services.api_keys import create_api_key
from deploy.environment import Secrets
from deploy.valkey import ValkeyServer
from diagnostics.models import Diagnosis
from diagnostics.states import Status
from tests import factories
from tests.processes.steps import Held, assert_answered_once, beat, make_overdue, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from accounts.models import User
    from tests.workers import Services


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A broker of this test's own, to be stopped and flushed."""
    server = ValkeyServer(tmp_path / "valkey", secrets=Secrets.random(), durable=False)
    server.start()
    yield server
    server.stop()


def flush(broker: ValkeyServer) -> None:
    with redis.Redis.from_url(broker.url) as client:
        client.flushall()


def waiting(broker: ValkeyServer) -> int:
    with redis.Redis.from_url(broker.url) as client:
        return int(client.llen("gpu"))


def upload(address: str, doctor: User, *, files: int) -> list[Diagnosis]:
    """Upload images over the REST API; all of them have to be accepted."""
    patient = factories.patient(team=(doctor,))
    with acting_as(SYSTEM):
        _, key = create_api_key(user=doctor, scopes=["uploads:write"])
    answer = requests.post(
        f"{address}/api/v1/uploads/",
        data={"patient": str(patient.pk)},
        files=[("files", (f"{number}.png", beat(), "image/png")) for number in range(files)],
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    verdicts = answer.json()["files"]
    assert [verdict["accepted"] for verdict in verdicts] == [True] * files
    return [Diagnosis.objects.get(pk=verdict["diagnosis_id"]) for verdict in verdicts]


def test_queued_work_survives_a_flushed_broker(
    services: Services, broker: ValkeyServer, doctor: User
) -> None:
    services.env["REDIS_URL"] = broker.url
    rows = upload(services.web(), doctor, files=5)
    assert waiting(broker) == 1  # small files share a message
    flush(broker)
    worker = services.worker()
    services.beat()
    worker.wait(lambda: worker.text().count("sweep_diagnoses") > 1, "a sweep")
    assert {Diagnosis.objects.get(pk=row.pk).status for row in rows} == {
        Status.QUEUED
    }  # it may still be on its way
    make_overdue(*rows)
    settle(worker, *rows)
    for row in rows:
        assert_answered_once(row, attempt=1)


def test_uploads_are_accepted_while_the_broker_is_away_and_run_later(
    services: Services, broker: ValkeyServer, doctor: User
) -> None:
    services.env["REDIS_URL"] = broker.url
    worker = services.worker()
    services.beat()
    address = services.web()
    broker.stop()
    ready = requests.get(f"{address}/health/ready", timeout=60)
    assert (ready.status_code, ready.json()["missing"]) == (503, ["broker"])
    rows = upload(address, doctor, files=5)
    assert {row.status for row in rows} == {Status.QUEUED}
    broker.start()
    make_overdue(*rows)
    settle(worker, *rows)
    for row in rows:
        assert_answered_once(row, attempt=1)


def test_a_running_diagnosis_outlives_its_broker(
    services: Services, broker: ValkeyServer, doctor: User, media: Path
) -> None:
    services.env["REDIS_URL"] = broker.url
    worker = services.worker()
    services.beat()
    held = Held(doctor, media)
    make_overdue(held.row)  # the sweeper publishes it
    pipe = held.wait_running(worker)
    broker.kill()
    worker.wait(lambda: "Cannot connect to" in worker.text(), "the worker notices")
    held.release(pipe)
    settle(worker, held.row)
    broker.start()
    flush(broker)
    later = Held(doctor, media)
    later.put_back()
    make_overdue(later.row)
    settle(worker, later.row)
    for row in (held.row, later.row):
        assert_answered_once(row, attempt=1)


def test_a_backlog_is_not_published_twice(services: Services, broker: ValkeyServer, doctor: User) -> None:
    services.env["REDIS_URL"] = broker.url
    sweeper = services.worker(queues="io")
    rows = upload(services.web(), doctor, files=5)
    make_overdue(*rows)
    services.beat()
    sweeper.wait(lambda: sweeper.text().count("sweep_diagnoses") > 4, "two sweeps")
    assert waiting(broker) == 1  # small files share a message
    with redis.Redis.from_url(broker.url) as client:
        client.lpop("gpu")  # the message gets lost
    sweeper.wait(lambda: waiting(broker) == 1, "the missing one is published again")
    two_more = sweeper.text().count("sweep_diagnoses") + 4
    sweeper.wait(lambda: sweeper.text().count("sweep_diagnoses") > two_more, "two more sweeps")
    assert waiting(broker) == 1
