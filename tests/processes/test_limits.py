"""An analysis that never ends is ended, with a reason."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from diagnostics.models import Prediction
from diagnostics.states import Status
from tests.processes.steps import Held, assert_answered_once, settle
from tests.workers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.models import User
    from tests.workers import Services


def test_a_diagnosis_over_the_soft_time_limit_fails_after_its_attempts(
    services: Services, doctor: User, media: Path
) -> None:
    worker = services.worker(DIAGNOSIS_TIME_LIMIT_S="6", DIAGNOSIS_MAX_ATTEMPTS="2")  # soft limit: 1 s
    held = Held(doctor, media)
    held.publish()
    (row,) = settle(worker, held.row)
    assert (row.status, row.reason_code, row.attempt) == (Status.FAILED, "time_limit", 2)
    assert row.message == "The analysis took too long and was ended. Run it again, or tell the administrator."
    assert row.technical_detail == "attempt 1: SoftTimeLimitExceeded()\nattempt 2: SoftTimeLimitExceeded()"
    assert not Prediction.objects.filter(diagnosis=row).exists()
    assert len(worker.children()) == 1


def test_a_child_that_does_not_react_is_killed_at_the_hard_limit(
    services: Services, doctor: User, media: Path
) -> None:
    worker = services.worker(DIAGNOSIS_MAX_ATTEMPTS="2")
    held = Held(doctor, media)
    held.publish(limit_s=8)  # soft limit: 3 s; the second attempt has all the time that it needs
    held.wait_running(worker)
    worker.children()[0].send_signal(signal.SIGSTOP)
    held.put_back()
    (row,) = settle(worker, held.row)
    assert_answered_once(row, attempt=2)
    assert row.technical_detail == "attempt 1: TimeLimitExceeded(8)"


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_a_worker_without_children_ends_itself_when_it_hangs(
    services: Services, doctor: User, media: Path, pool: str
) -> None:
    worker = services.worker(pool=pool, DIAGNOSIS_TIME_LIMIT_S="1", DIAGNOSIS_MAX_ATTEMPTS="1")
    held = Held(doctor, media)
    held.publish()
    worker.process.wait(PATIENCE_S)
    assert worker.process.returncode == -signal.SIGKILL, worker.text()
    held.row.refresh_from_db()
    assert (held.row.status, held.row.reason_code) == (Status.FAILED, "time_limit")
