"""Celery tasks. Each takes ids only, calls a service or two, and may be delivered twice or late without harm."""

from __future__ import annotations

import logging
import time

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError

from diagnostics.reasons import Reason
from diagnostics.services import lifecycle
from worker import suite
from worker.context import persistently, system_task
from worker.node import watched

log = logging.getLogger(__name__)


@shared_task(name="worker.run_diagnosis", bind=True, Request="worker.request:DiagnosisRequest")
def run_diagnosis(self: Task, *, diagnosis_id: str, attempt: int) -> None:
    """Queued -> running -> completed, refused or failed. The attempt that lost its claim changes nothing.

    While the database is away it waits a few seconds, then leaves the rest to the lease and the sweeper.
    """
    began = time.monotonic()
    claimed = persistently(
        lambda: lifecycle.claim(diagnosis_id=diagnosis_id, attempt=attempt, worker=str(self.request.hostname))
    )
    if claimed is None:
        log.info("diagnosis %s attempt %s is not to be run (again)", diagnosis_id, attempt)
        return
    try:
        with watched(claimed):
            results = suite.analyse(lifecycle.stored_bytes(claimed))
        if time.monotonic() - began > self.app.conf.task_soft_time_limit:
            raise SoftTimeLimitExceeded  # a decoder may have caught it and called the file unreadable
        persistently(lambda: lifecycle.record_result(claimed, results, contracts=suite.contracts()))
    except (OperationalError, InterfaceError):
        raise  # nothing can be recorded now: the worker's main process tries once more, then the lease runs out
    except Exception as error:  # whatever it is, the diagnosis must not stay running
        log.exception("diagnosis %s attempt %s failed", diagnosis_id, attempt)
        reason, detail = reason_of(error), repr(error)
        persistently(lambda: lifecycle.record_failure(claimed, reason=reason, technical_detail=detail))


def reason_of(error: Exception) -> Reason:
    """The reason code of an error in an analysis."""
    if isinstance(error, SoftTimeLimitExceeded):
        return Reason.TIME_LIMIT
    if isinstance(error, lifecycle.StoredFileMissing):
        return Reason.FILE_MISSING
    return Reason.ANALYSIS_FAILED


@shared_task(name="worker.sweep_diagnoses")
def sweep_diagnoses() -> None:
    """Take back lost attempts and publish lost messages again."""
    with system_task():
        swept = lifecycle.sweep()
    if any(swept.values()):
        log.info("sweep: %s", swept)
