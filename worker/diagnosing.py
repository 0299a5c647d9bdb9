"""Running the diagnoses of one message: read, analyse, record together what belongs together."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from typing import TYPE_CHECKING, TypeAlias

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError

from diagnostics.reasons import Reason
from diagnostics.services import claims, lifecycle
from diagnostics.services.findings import SignalStore, discard_unless_kept
from ml.contract import Analysis
from worker import suite
from worker.context import persistently

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from diagnostics.services.claims import Claim

Answer: TypeAlias = Analysis | Exception
log = logging.getLogger(__name__)
HELD_BACK_S = 1.0
PROGRESS_EVERY_S = 1.0


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
    clinical = [claim for claim in claims if claim.is_clinical]
    answers: dict[Claim, Answer] = of_values(clinical, deadline=deadline) if clinical else {}
    since = time.monotonic()
    for claim in claims:
        if claim in answers:
            continue
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
        answer = _of_kind(claim)
        if time.monotonic() > deadline:
            raise SoftTimeLimitExceeded  # a decoder may have caught it and called the file unreadable
    except claims.ClaimLost:
        return Analysis(results=())  # recording it changes nothing
    except Exception as error:  # whatever it is, the diagnosis must not stay running
        log.exception("diagnosis %s attempt %s failed", claim.diagnosis_id, claim.attempt)
        return error
    return answer


def _of_kind(claim: Claim) -> Analysis:
    if claim.is_imaging:
        return of_image(claim)
    return of_picture(claim) if claim.is_picture else of_recording(claim)


def of_image(claim: Claim) -> Analysis:
    """What the models of X-rays answer."""
    with claims.stored_file(claim) as path:
        return suite.analyse_imaging(path)


def of_values(claims_: Sequence[Claim], *, deadline: float) -> dict[Claim, Answer]:
    """What the clinical models and scores answer to all of these at once; one by one where that fails, so that one fails alone."""
    try:
        if time.monotonic() > deadline:
            raise SoftTimeLimitExceeded
        files = [claims.stored_bytes(claim) for claim in claims_]
        return dict(zip(claims_, suite.analyse_clinical(files), strict=True))
    except Exception as error:  # the same
        if len(claims_) > 1:
            return {
                one: answer
                for claim in claims_
                for one, answer in of_values([claim], deadline=deadline).items()
            }
        log.exception("diagnosis %s attempt %s failed", claims_[0].diagnosis_id, claims_[0].attempt)
        return {claims_[0]: error}


def of_picture(claim: Claim) -> Analysis:
    """What the models of pictures answer; of a 12-lead page its leads and pictures are kept."""
    kept: list[SignalStore] = []

    def store(name: str, data: bytes) -> None:
        if not kept:  # most pictures show one heartbeat and keep nothing: the storage is not asked for them
            kept.append(SignalStore(claim))
        kept[0](name, data)

    data = claims.stored_bytes(claim)
    try:
        answer = suite.analyse(data, second_opinions=claim.second_opinions, store=store)
    except BaseException:
        for signal in kept:
            signal.discard()
        raise
    return _kept_under(answer, kept[0].prefix) if kept else answer


def of_recording(claim: Claim) -> Analysis:
    """What the models of recordings answer; the signal is kept for the viewer on the way."""
    signal, told = SignalStore(claim), Told(claim)
    try:
        with claims.stored_file(claim) as path:
            answer = suite.analyse_recording(
                path, fs=claim.sampling_rate_hz, unit=claim.unit or None, progress=told, store=signal
            )
    except BaseException:
        signal.discard()
        raise
    return _kept_under(answer, signal.prefix)


def _kept_under(answer: Analysis, prefix: str) -> Analysis:
    """The same answer with the place of what was kept."""
    if answer.findings is None:
        return answer
    layout = answer.findings.signal | {"prefix": prefix}
    return dataclasses.replace(answer, findings=dataclasses.replace(answer.findings, signal=layout))


class Told:
    """Passes the progress of an analysis on, about once a second. Raises ClaimLost when nobody waits for it any more."""

    def __init__(self, claim: Claim) -> None:
        self._claim, self._last = claim, 0.0

    def __call__(self, part: float, step: str) -> None:
        """Called by the analysis as often as it likes."""
        if time.monotonic() - self._last < PROGRESS_EVERY_S:
            return
        self._last = time.monotonic()
        percent = min(99, int(100 * part))
        persistently(lambda: lifecycle.note_progress(self._claim, percent=percent, step=step))


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
    for claim, answer in results.items():
        if answer.findings is not None:
            persistently(functools.partial(discard_unless_kept, claim))
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
    if isinstance(error, claims.StoredFileMissing):
        return Reason.FILE_MISSING
    return Reason.ANALYSIS_FAILED
