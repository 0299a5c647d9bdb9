"""Sending diagnoses to the workers. PostgreSQL is the truth: a message that is lost is sent again by the sweeper."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from celery import current_app
from django.db import transaction

if TYPE_CHECKING:
    import uuid

    from diagnostics.models import Diagnosis

log = logging.getLogger(__name__)
RUN_DIAGNOSIS = "worker.run_diagnosis"


def publish(diagnosis_id: uuid.UUID, attempt: int) -> bool:
    """Tell the workers; ids only. False, and a log line, when the broker is away."""
    try:
        current_app.send_task(RUN_DIAGNOSIS, kwargs={"diagnosis_id": str(diagnosis_id), "attempt": attempt})
    except Exception:  # kombu, redis and the socket raise unrelated types
        log.warning("broker unavailable; diagnosis %s waits for the sweeper", diagnosis_id)
        return False
    return True


def publish_on_commit(diagnosis: Diagnosis) -> None:
    """Publish once the surrounding transaction has committed."""
    diagnosis_id, attempt = diagnosis.pk, diagnosis.attempt
    transaction.on_commit(lambda: publish(diagnosis_id, attempt), robust=True)
