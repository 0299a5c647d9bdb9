"""Celery tasks. Each takes ids only, calls a service or two, and may be delivered twice or late without harm."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING

from celery import Task, shared_task
from django.conf import settings

from accounts.roles import SYSTEM
from diagnostics.imaging import deidentified, deliveries, refusals, studies
from diagnostics.services import imported, leftovers, lifecycle, monitoring
from diagnostics.services.claims import ClaimLost, StoredFileMissing
from diagnostics.services.inspection import Refused
from patients.services.value_imports import tell_workers
from worker import diagnosing
from worker.context import persistently, system_task
from worker.node import watched

if TYPE_CHECKING:
    from diagnostics.models import StudyExport

log = logging.getLogger(__name__)


@shared_task(name="worker.run_diagnoses", bind=True, Request="worker.request:DiagnosesRequest")
def run_diagnoses(self: Task, *, attempts: list[tuple[str, int]]) -> None:
    """Queued -> running -> completed, refused or failed. An attempt that lost its claim changes nothing.

    While the database is away it waits a few seconds, then leaves the rest to the lease and the sweeper.
    """
    limit_s = (self.request.timelimit or [None, None])[1] or self.app.conf.task_soft_time_limit
    deadline = time.monotonic() + limit_s
    claims = persistently(lambda: lifecycle.claim(attempts, worker=str(self.request.hostname)))
    mine = {(str(claim.diagnosis_id), claim.attempt) for claim in claims}
    for diagnosis_id, attempt in attempts:
        if (diagnosis_id, attempt) not in mine:
            log.info("diagnosis %s attempt %s is not to be run (again)", diagnosis_id, attempt)
    with watched(claims, limit_s=limit_s):
        diagnosing.run(claims, deadline=deadline)


@shared_task(name="worker.sweep_diagnoses")
def sweep_diagnoses() -> None:
    """Take back lost attempts and publish lost messages again."""
    with system_task():
        swept = lifecycle.sweep()
    if any(swept.values()):
        log.info("sweep: %s", swept)


@shared_task(name="worker.sweep_studies")
def sweep_studies() -> None:
    """Complete studies of which nothing more came, which queues their diagnoses, and note those that are diagnosed."""
    with system_task():
        swept = studies.sweep_studies()
    if any(swept.values()):
        log.info("studies: %s", swept)


@shared_task(name="worker.run_imports")
def run_imports() -> None:
    """One step of every table that is being recorded, each a transaction; the next steps have a message of their own.

    Other work comes in between, and a worker that is lost loses one step, which the next sweep does again.
    """
    with system_task():
        waiting = imported.waiting()
    left = [_step_of(import_id) for import_id in waiting]  # of every import one step
    if any(left):
        tell_workers()


def _step_of(import_id: uuid.UUID) -> bool:
    try:
        with system_task():
            return imported.step(import_id)
    except Refused as refused:
        log.warning("import %s waits: %s", import_id, refused)
        return False


@shared_task(name="worker.watch_models")
def watch_models() -> None:
    """Say in the log when a model gives nearly always one answer; the administrators' page says it too."""
    with system_task():
        for alarm in monitoring.one_sided(SYSTEM):
            log.warning("%s", alarm)


@shared_task(name="worker.remove_leftovers")
def remove_leftovers() -> None:
    """Remove files that a process which was killed has left where files arrive."""
    removed = leftovers.remove()
    if removed:
        log.warning("%s leftovers of killed processes were removed", removed)


@shared_task(name="worker.forget_refusals")
def forget_refusals() -> None:
    """Forget which files were refused longer ago than it is kept."""
    with system_task():
        refusals.remove_old()


@shared_task(name="worker.send_results")
def send_results() -> None:
    """Send to the archive what is due, one result after the other."""
    with system_task():
        waiting = deliveries.due()
    for delivery_id in waiting:
        with system_task():
            claimed = deliveries.claim(delivery_id)
        if claimed is None:
            continue
        status, message = deliveries.deliver(claimed)
        with system_task():
            deliveries.note(claimed, status, message)
        log.info("delivery %s: %s", delivery_id, status)


@shared_task(
    name="worker.export_studies",
    soft_time_limit=settings.RECORDING_TIME_LIMIT_S,
    time_limit=settings.RECORDING_TIME_LIMIT_S + settings.DIAGNOSIS_GRACE_S,
)
def export_studies() -> None:
    """Make the copies without identity that were asked for, one after the other, and remove old ones."""
    with system_task():
        deidentified.tidy()
        waiting = deidentified.due()
    for export_id in waiting:
        with system_task():
            claimed = deidentified.claim(export_id)
        if claimed is not None:
            _export(claimed)


def _export(claimed: StudyExport) -> None:
    def told(done: int) -> None:
        with system_task():
            deidentified.progressed(claimed, done)

    with system_task():
        objects = deidentified.objects_of(claimed)
    try:
        made = deidentified.make(claimed, objects, told=told)
    except ClaimLost:
        log.warning("export %s was taken back while it was made", claimed.pk)
    except (StoredFileMissing, OSError):
        log.exception("export %s cannot be made now", claimed.pk)
        with system_task():
            deidentified.note_failed(claimed)
    else:
        with system_task():
            deidentified.note_made(claimed, made)
        log.info("export %s: %s objects", claimed.pk, made.written)
