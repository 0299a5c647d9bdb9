"""kill -9 in the middle of a diagnosis; messages that come twice and late."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import psutil

from deploy.processes import wait_until
from diagnostics.models import Diagnosis, Prediction, WorkerNode
from diagnostics.states import Status
from tests import factories
from tests.processes.steps import Held, assert_answered_once, beat, expire_lease, settle
from tests.workers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.models import User
    from tests.workers import Service, Services


def test_a_killed_child_is_noticed_at_once_and_its_diagnosis_runs_again(
    live_worker: Service, doctor: User, media: Path
) -> None:
    held = Held(doctor, media)
    held.publish()
    held.wait_running(live_worker)
    for child in live_worker.children():
        child.kill()
    held.put_back()
    settle(live_worker, held.row)
    assert_answered_once(held.row, attempt=2)
    held.row.refresh_from_db()
    assert "attempt 1: WorkerLostError" in held.row.technical_detail


def test_a_killed_worker_takes_its_children_along_and_its_successor_goes_on(
    services: Services, doctor: User, media: Path
) -> None:
    worker = services.worker()
    held = Held(doctor, media)
    held.publish()
    held.wait_running(worker)
    children = worker.children()
    assert len(children) == 1
    worker.kill()
    assert psutil.wait_procs(children, timeout=PATIENCE_S)[1] == []
    assert Diagnosis.objects.get(pk=held.row.pk).status == Status.RUNNING
    held.put_back()
    settle(services.worker(), held.row)
    assert_answered_once(held.row, attempt=2)


def test_what_a_worker_held_that_never_comes_back_is_swept_when_its_lease_ends(
    services: Services, doctor: User, media: Path
) -> None:
    worker = services.worker("first")
    held = Held(doctor, media)
    held.publish()
    held.wait_running(worker)
    worker.kill()
    held.put_back()
    successor = services.worker("second")
    services.beat()
    successor.wait(lambda: "worker.sweep_diagnoses" in successor.text(), "a sweep")
    assert Diagnosis.objects.get(pk=held.row.pk).status == Status.RUNNING  # its lease still holds
    expire_lease(held.row)
    settle(successor, held.row)
    assert_answered_once(held.row, attempt=2)


def test_a_worker_that_keeps_dying_leaves_a_diagnosis_failed_with_a_reason(
    services: Services, doctor: User, media: Path
) -> None:
    worker = services.worker(DIAGNOSIS_MAX_ATTEMPTS="2")
    held = Held(doctor, media)
    held.publish()
    for attempt in (1, 2):
        held.wait_running(worker, attempt=attempt)
        worker.children()[0].kill()
        held.hold()
    (row,) = settle(worker, held.row)
    assert (row.status, row.reason_code, row.attempt) == (Status.FAILED, "worker_lost", 2)
    assert (
        row.message
        == "The analysis was interrupted 2 times and was given up. Run it again, or tell the administrator."
    )
    assert not Prediction.objects.filter(diagnosis=row).exists()


def test_a_message_delivered_three_times_runs_once(services: Services, doctor: User, media: Path) -> None:
    worker = services.worker(processes=2)
    held = Held(doctor, media)
    held.publish(times=3)
    pipe = held.wait_running(worker)
    worker.wait(lambda: worker.text().count("is not to be run (again)") == 2, "the other two are dropped")
    held.release(pipe)
    settle(worker, held.row)
    held.publish()
    worker.wait(lambda: worker.text().count("is not to be run (again)") == 3, "a late one is dropped")
    assert_answered_once(held.row, attempt=1)


def test_the_answer_of_an_attempt_that_was_taken_back_is_thrown_away(
    services: Services, doctor: User, media: Path
) -> None:
    worker = services.worker(processes=2)
    services.beat()
    held = Held(doctor, media)
    held.publish()
    slow = held.wait_running(worker)
    held.put_back()
    expire_lease(held.row)
    settle(worker, held.row)
    assert_answered_once(held.row, attempt=2)
    held.release(slow)  # the first attempt comes to its end only now
    worker.wait(lambda: worker.text().count("] succeeded in") >= 2, "the first attempt ends")
    held.publish(attempt=1)  # and a message of it comes late as well
    worker.wait(lambda: "attempt 1 is not to be run (again)" in worker.text(), "the late message is dropped")
    assert_answered_once(held.row, attempt=2)


def test_a_worker_asked_to_end_finishes_what_it_runs_and_says_goodbye(
    live_worker: Service, doctor: User, media: Path
) -> None:
    held = Held(doctor, media)
    held.publish()
    pipe = held.wait_running(live_worker)
    assert wait_until(lambda: WorkerNode.objects.alive().count() == 1, timeout_s=PATIENCE_S)
    live_worker.process.send_signal(signal.SIGTERM)
    assert wait_until(lambda: not WorkerNode.objects.exists(), timeout_s=PATIENCE_S)
    assert live_worker.alive()
    held.release(pipe)
    live_worker.process.wait(PATIENCE_S)
    assert_answered_once(held.row, attempt=1)
    assert not WorkerNode.objects.exists()


def test_many_diagnoses_on_two_processes_are_each_answered_once(services: Services, doctor: User) -> None:
    worker = services.worker(processes=2)
    patient = factories.patient(team=(doctor,))
    rows = [factories.diagnosis(patient, doctor, data=beat()) for _ in range(12)]
    from diagnostics.services.queue import publish

    for row in rows + rows:
        assert publish([(row.pk, 1)])
    settle(worker, *rows)
    for row in rows:
        assert_answered_once(row, attempt=1)
