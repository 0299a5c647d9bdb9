"""The worker with each pool: what it loads, what it says about itself, and that it works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from diagnostics.models import WorkerNode
from diagnostics.services.queue import publish
from tests import factories
from tests.processes.steps import assert_answered_once, beat, settle

if TYPE_CHECKING:
    from accounts.models import User
    from tests.workers import Service, Services

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def loaded(process: psutil.Process, library: str) -> bool:
    """Whether the process has mapped a shared library whose path holds this text."""
    return library in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")


def analyse_two(worker: Service, doctor: User) -> None:
    patient = factories.patient(team=(doctor,))
    rows = [factories.diagnosis(patient, doctor, data=beat()) for _ in range(2)]
    for row in rows:
        assert publish([(row.pk, 1)])
    for row in settle(worker, *rows):
        assert_answered_once(row, attempt=1)


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
def test_each_pool_answers_without_tensorflow(services: Services, pool: str) -> None:
    worker = services.worker(pool=pool, processes=2)
    analyse_two(worker, factories.user())
    parent = psutil.Process(worker.process.pid)
    computing = worker.children() if pool == "prefork" else [parent]
    assert len(computing) == (2 if pool == "prefork" else 1)
    # A quick sibling may answer both before the other has loaded its models.
    worker.wait(
        lambda: all(loaded(process, "onnxruntime") for process in computing), "models in each process"
    )
    assert [loaded(process, "tensorflow") for process in [parent, *computing]] == [False] * (
        len(computing) + 1
    )


def test_a_worker_reports_its_queues_and_its_device(services: Services) -> None:
    worker = services.worker(queues="cpu,io")
    worker.wait(WorkerNode.objects.exists, "the first heartbeat")
    (node,) = WorkerNode.objects.all()
    assert (node.name, node.queues, node.has_gpu, node.alive) == ("test@test", ["cpu", "io"], False, True)
    assert node.device


def test_a_worker_that_takes_no_diagnoses_loads_no_model(services: Services) -> None:
    worker = services.worker(queues="io")
    services.beat()
    worker.wait(lambda: "sweep_diagnoses" in worker.text(), "a sweep")
    assert not loaded(worker.children()[0], "onnxruntime")
    assert not loaded(worker.children()[0], "tensorflow")
