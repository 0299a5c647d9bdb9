"""Running the diagnoses of one message: read, analyse, record together what belongs together."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeAlias

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError

from diagnostics.reasons import Reason
from diagnostics.services import lifecycle
from ml.contract import ModelResult
from worker import suite
from worker.context import persistently

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from diagnostics.services.lifecycle import Claim

Answer: TypeAlias = tuple[ModelResult, ...] | Exception
log = logging.getLogger(__name__)
HELD_BACK_S = 1.0


def run(claims: Sequence[Claim], *, deadline: float) -> None:
    """Bring every claim to its end; see `in_turns` for the deadline.

    Raises:
        OperationalError, InterfaceError: the database stayed away. Nothing more can be recorded from here.
    """
    for answers in in_turns(claims, deadline=deadline):
        record(answers)


def in_turns(claims: Sequence[Claim], *, deadline: float) -> Iterator[dict[Claim, Answer]]:
    """What came of each claim, handed on together but about once a second, so that whoever waits sees progress.

    Past the deadline (of the monotonic clock) the rest is not begun: a next attempt has a message and the time for itself.
    """
    answers: dict[Claim, Answer] = {}
    since = time.monotonic()
    for claim in claims:
        answers[claim] = analysed(claim, deadline=deadline)
        if time.monotonic() - since > HELD_BACK_S:
            yield answers
            answers, since = {}, time.monotonic()
    yield answers


def analysed(claim: Claim, *, deadline: float) -> Answer:
    """What the models answer, or the error that kept them from it."""
    try:
        if time.monotonic() > deadline:
            raise SoftTimeLimitExceeded
        results = suite.analyse(lifecycle.stored_bytes(claim))
        if time.monotonic() > deadline:
            raise SoftTimeLimitExceeded  # a decoder may have caught it and called the file unreadable
    except Exception as error:  # whatever it is, the diagnosis must not stay running
        log.exception("diagnosis %s attempt %s failed", claim.diagnosis_id, claim.attempt)
        return error
    return results


def record(answers: Mapping[Claim, Answer]) -> None:
    """Store answers in one transaction; what cannot be stored fails by itself and takes no other with it."""
    failures = {claim: answer for claim, answer in answers.items() if isinstance(answer, Exception)}
    results = {claim: answer for claim, answer in answers.items() if not isinstance(answer, Exception)}
    try:
        if results:
            persistently(lambda: lifecycle.record_results(results, contracts=suite.contracts()))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("the results of %s diagnoses could not be stored together", len(results))
        if len(results) == 1:
            failures |= dict.fromkeys(results, error)
        else:
            for claim, result in results.items():
                record({claim: result})
    for claim, failure in failures.items():
        fail(claim, failure)


def fail(claim: Claim, error: Exception) -> None:
    """Note that an attempt failed; it is queued again while attempts are left."""
    reason, detail = reason_of(error), repr(error)
    persistently(lambda: lifecycle.record_failure(claim, reason=reason, technical_detail=detail))


def reason_of(error: Exception) -> Reason:
    """The reason code of an error in an analysis."""
    if isinstance(error, SoftTimeLimitExceeded):
        return Reason.TIME_LIMIT
    if isinstance(error, lifecycle.StoredFileMissing):
        return Reason.FILE_MISSING
    return Reason.ANALYSIS_FAILED
