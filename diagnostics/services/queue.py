"""Sending diagnoses to the workers. PostgreSQL is the truth: a message that is lost is sent again by the sweeper."""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING

from celery import current_app
from django.conf import settings
from django.db import transaction

from diagnostics.kinds import is_clinical, is_recording

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Iterator, Sequence

    from diagnostics.models import Diagnosis

log = logging.getLogger(__name__)
RUN_DIAGNOSES = "worker.run_diagnoses"
# One message carries several small files, whose claim and results then cost one transaction. More would gain little,
# and would keep a second worker idle: a full batch makes two messages.
MOST_TOGETHER = 25
MOST_BYTES_TOGETHER = 4_000_000
# Clinical values are answered in a few milliseconds each, all of a message at once.
MOST_CLINICAL_TOGETHER = 250
# Messages of a batch of clinical values come after all others (Redis: 0 comes first): who waits for one result need not wait for these.
AFTER_OTHERS = 9
# After a failure the broker is not asked for so long: a batch of 50 files must not wait 50 times for it.
BROKER_REST_S = 3.0
_rest_until = 0.0


def publish(attempts: Sequence[tuple[uuid.UUID, int]], *, limit_s: int | None = None) -> bool:
    """Tell the workers of attempts (diagnosis id, number) in one message. False, and a log line, when the broker is away.

    `limit_s` is the time that the message may take; the worker's own limit if None.
    """
    global _rest_until  # noqa: PLW0603  # one broker per process
    if time.monotonic() < _rest_until:
        return False
    message = {"attempts": [[str(diagnosis_id), attempt] for diagnosis_id, attempt in attempts]}
    # None said aloud: a process that knows the task would send its own limit along.
    limits = {"time_limit": limit_s, "soft_time_limit": max(1, limit_s - 5) if limit_s else None}
    try:
        priority = AFTER_OTHERS if len(attempts) > MOST_TOGETHER else 0
        current_app.send_task(RUN_DIAGNOSES, kwargs=message, priority=priority, **limits)
    except Exception:  # noqa: BLE001  # kombu, redis and the socket raise unrelated types
        _rest_until = time.monotonic() + BROKER_REST_S
        log.warning("broker unavailable; diagnosis %s and what follows wait for the sweeper", attempts[0][0])
        return False
    return True


def tell_on_commit(task: str) -> None:
    """Tell a worker, once the surrounding transaction has committed, that a task of small things finds something to do.

    Nothing is said of what it is: the task reads that from the database. Without a broker one of its regular runs finds it.
    """
    transaction.on_commit(functools.partial(_tell, task), robust=True)


def _tell(task: str) -> None:
    try:
        current_app.send_task(task, queue="io")
    except Exception:  # noqa: BLE001  # kombu, redis and the socket raise unrelated types
        log.warning("broker unavailable; what %s would find waits for its next regular run", task)


def publish_on_commit(diagnoses: Iterable[Diagnosis]) -> None:
    """Publish once the surrounding transaction has committed."""
    for together in in_messages(diagnoses):
        attempts = [(diagnosis.pk, diagnosis.attempt) for diagnosis in together]
        transaction.on_commit(
            functools.partial(publish, attempts, limit_s=own_limit_s(together[0])), robust=True
        )


def in_messages(diagnoses: Iterable[Diagnosis]) -> Iterator[list[Diagnosis]]:
    """Which diagnoses share a message.

    A second attempt goes alone: if its file ended a worker, it must not take others with it again. So does a recording,
    which takes its time. Pictures and clinical values do not share one.
    """
    together: list[Diagnosis] = []
    size = 0
    for diagnosis in diagnoses:
        if diagnosis.attempt > 1 or is_recording(diagnosis.upload.media_type):
            yield [diagnosis]
            continue
        if together and not _fits(together, size, diagnosis):
            yield together
            together, size = [], 0
        together.append(diagnosis)
        size += diagnosis.upload.size
    if together:
        yield together


def _fits(together: Sequence[Diagnosis], size: int, diagnosis: Diagnosis) -> bool:
    """Whether a further diagnosis may share the message of these, whose files have `size` bytes."""
    clinical = is_clinical(diagnosis.upload.media_type)
    if clinical != is_clinical(together[0].upload.media_type):
        return False
    most = MOST_CLINICAL_TOGETHER if clinical else MOST_TOGETHER
    return len(together) < most and size + diagnosis.upload.size <= MOST_BYTES_TOGETHER


def time_limit_s(media_type: str) -> int:
    """How long the analysis of such a file may take, seconds."""
    return settings.RECORDING_TIME_LIMIT_S if is_recording(media_type) else settings.DIAGNOSIS_TIME_LIMIT_S


def own_limit_s(diagnosis: Diagnosis) -> int | None:
    """The time limit that a message of this diagnosis has to carry; None where the worker's usual one will do."""
    if is_recording(diagnosis.upload.media_type):
        return time_limit_s(diagnosis.upload.media_type)
    return None


def messages_waiting() -> int:
    """How many messages the diagnosis queue holds; 0 if it is empty, gone or cannot be asked."""
    try:
        with current_app.pool.acquire(block=True, timeout=2) as broker, broker.channel() as channel:
            return int(channel.queue_declare(settings.DIAGNOSIS_QUEUE, passive=True).message_count)
    except Exception:  # noqa: BLE001  # the same; and a queue that nobody has declared yet
        return 0
