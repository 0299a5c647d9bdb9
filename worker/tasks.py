"""Celery tasks. Each takes ids only, calls a service or two, and may be delivered twice or late without harm."""

from __future__ import annotations

import logging

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded

from diagnostics.reasons import Reason
from diagnostics.services import lifecycle
from worker import suite
from worker.context import system_task

log = logging.getLogger(__name__)


@shared_task(name="worker.run_diagnosis", bind=True)
def run_diagnosis(self: Task, *, diagnosis_id: str, attempt: int) -> None:
    """Queued -> running -> completed, refused or failed. The attempt that lost its claim changes nothing."""
    with system_task():
        claimed = lifecycle.claim(diagnosis_id=diagnosis_id, attempt=attempt, worker=str(self.request.hostname))
    if claimed is None:
        log.info("diagnosis %s attempt %s is not to be run (again)", diagnosis_id, attempt)
        return
    try:
        results = suite.analyse(lifecycle.stored_bytes(claimed))
        with system_task():
            lifecycle.record_result(claimed, results, contracts=suite.contracts())
    except Exception as error:  # whatever it is, the diagnosis must not stay running
        log.exception("diagnosis %s attempt %s failed", diagnosis_id, attempt)
        with system_task():
            lifecycle.record_failure(claimed, reason=reason_of(error), technical_detail=repr(error))


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
