"""Sending diagnoses to the workers. PostgreSQL is the truth: a message that is lost is sent again by the sweeper."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from celery import current_app
from django.conf import settings
from django.db import transaction

if TYPE_CHECKING:
    import uuid

    from diagnostics.models import Diagnosis

log = logging.getLogger(__name__)
RUN_DIAGNOSIS = "worker.run_diagnosis"
# After a failure the broker is not asked for so long: a batch of 50 files must not wait 50 times for it.
BROKER_REST_S = 3.0
_rest_until = 0.0


def publish(diagnosis_id: uuid.UUID, attempt: int) -> bool:
    """Tell the workers; ids only. False, and a log line, when the broker is away."""
    global _rest_until  # noqa: PLW0603  # one broker per process
    if time.monotonic() < _rest_until:
        return False
    try:
        current_app.send_task(RUN_DIAGNOSIS, kwargs={"diagnosis_id": str(diagnosis_id), "attempt": attempt})
    except Exception:  # noqa: BLE001  # kombu, redis and the socket raise unrelated types
        _rest_until = time.monotonic() + BROKER_REST_S
        log.warning("broker unavailable; diagnosis %s and what follows wait for the sweeper", diagnosis_id)
        return False
    return True


def publish_on_commit(diagnosis: Diagnosis) -> None:
    """Publish once the surrounding transaction has committed."""
    diagnosis_id, attempt = diagnosis.pk, diagnosis.attempt
    transaction.on_commit(lambda: publish(diagnosis_id, attempt), robust=True)


def messages_waiting() -> int:
    """How many messages the diagnosis queue holds; 0 if it is empty, gone or cannot be asked."""
    try:
        with current_app.pool.acquire(block=True, timeout=2) as broker, broker.channel() as channel:
            return int(channel.queue_declare(settings.DIAGNOSIS_QUEUE, passive=True).message_count)
    except Exception:  # noqa: BLE001  # the same; and a queue that nobody has declared yet
        return 0
