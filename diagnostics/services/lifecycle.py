"""The life of a diagnosis in the worker: claim, record, fail, retry, sweep.

Each move is one conditional UPDATE on (id, status, attempt), so a late or doubled message changes nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.policy import Permission, require
from diagnostics import risk
from diagnostics.models import Diagnosis, Heatmap, ModelVersion, Prediction
from diagnostics.reasons import Reason, sentence
from diagnostics.services.queue import messages_waiting, publish, publish_on_commit
from diagnostics.states import IllegalMove, Status, check_move
from ml.contract import ModelResult, Outcome

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from accounts.actor import Actor

log = logging.getLogger(__name__)
ANSWERED = (Outcome.PREDICTED, Outcome.ABSTAINED)
# A queued diagnosis whose message seems lost is published again after this time.
REPUBLISH_AFTER = dt.timedelta(seconds=20)
PUBLISHED_AT_ONCE = 1000
OUTCOME_FIELDS = (
    "status", "message", "reason_code", "risk_level", "risk_reasons", "finished_at", "lease_until",
)  # fmt: skip


class StoredFileMissing(Exception):  # named after what happened
    """The storage does not give back a file that it accepted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one attempt of one diagnosis, until its lease ends."""

    diagnosis_id: uuid.UUID
    attempt: int
    storage_name: str


def claim(*, diagnosis_id: uuid.UUID | str, attempt: int, worker: str) -> Claim | None:
    """Move queued -> running; None if another worker has it, or the message is of an old attempt."""
    now = timezone.now()
    claimed = Diagnosis.objects.filter(pk=diagnosis_id, attempt=attempt, status=Status.QUEUED).update(
        status=Status.RUNNING,
        started_at=now,
        lease_until=now + dt.timedelta(seconds=settings.DIAGNOSIS_LEASE_S),
        worker=worker,
        message="The models are reading the trace.",
    )
    if not claimed:
        return None
    pk, stored = Diagnosis.objects.values_list("pk", "upload__storage_name").get(pk=diagnosis_id)
    return Claim(pk, attempt, stored)


def stored_bytes(claimed: Claim) -> bytes:
    """The uploaded file. Raises StoredFileMissing if the storage does not give it."""
    try:
        with default_storage.open(claimed.storage_name, "rb") as file:
            return file.read()
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # each storage back end raises its own
        raise StoredFileMissing(str(error)) from error


@transaction.atomic(savepoint=False)
def record_result(
    claimed: Claim, results: Sequence[ModelResult], *, contracts: Mapping[str, dict[str, Any]]
) -> Diagnosis | None:
    """Store predictions, heatmaps, risk and state in one transaction; None if the attempt no longer holds the claim.

    `contracts` maps a model's name to its model.json.
    """
    diagnosis = _locked(claimed)
    if diagnosis is None:
        return None
    for result in results:
        _store_prediction(diagnosis, result, contracts[result.model])
    answered = [result for result in results if result.outcome in ANSWERED]
    level, reasons = risk.assess(results)
    after = Status.COMPLETED if answered else Status.REFUSED
    check_move(diagnosis.status, after)
    told = next(iter([*answered, *results]), None)
    diagnosis.status = after
    diagnosis.message = told.message if told else sentence(Reason.NO_MODEL)
    diagnosis.reason_code = (told.reason_code or "") if told else Reason.NO_MODEL.value
    diagnosis.risk_level, diagnosis.risk_reasons = level or "", reasons
    diagnosis.finished_at, diagnosis.lease_until = timezone.now(), None
    diagnosis.save(update_fields=OUTCOME_FIELDS)
    audit.record(
        audit.Action.ANALYSE,
        obj=diagnosis,
        patient_id=diagnosis.patient_id,
        detail={"attempt": claimed.attempt, "status": after.value, "models": [r.model for r in results]},
    )
    return diagnosis


def _locked(claimed: Claim) -> Diagnosis | None:
    return (
        Diagnosis.objects.select_for_update()
        .filter(pk=claimed.diagnosis_id, attempt=claimed.attempt, status=Status.RUNNING)
        .first()
    )


def _store_prediction(diagnosis: Diagnosis, result: ModelResult, contract: dict[str, Any]) -> None:
    version, _ = ModelVersion.objects.only("pk").get_or_create(  # the contract is long
        name=result.model,
        version=result.version,
        weights_sha256=result.weights_sha256,
        defaults={"contract": contract},
    )
    prediction = Prediction.objects.create(
        diagnosis=diagnosis,
        attempt=diagnosis.attempt,
        model_version=version,
        outcome=result.outcome.value,
        label=result.label or "",
        confidence=result.confidence,
        probabilities=result.probabilities,
        prediction_set=list(result.prediction_set),
        threshold=result.threshold,
        reason_code=result.reason_code or "",
        message=result.message,
        duration_ms=result.duration_ms,
        input_sha256=result.input_sha256,
        code_version=result.code_version,
        device=result.device,
    )
    if result.heatmap_png is not None:
        Heatmap.objects.create(prediction=prediction, png=result.heatmap_png)


@transaction.atomic
def record_failure(claimed: Claim, *, reason: Reason, technical_detail: str) -> None:
    """Move running -> failed, and back to queued while attempts are left."""
    diagnosis = _locked(claimed)
    if diagnosis is not None:
        _fail(diagnosis, reason, technical_detail)
        if diagnosis.attempt < settings.DIAGNOSIS_MAX_ATTEMPTS:
            _requeue(diagnosis)


def _fail(diagnosis: Diagnosis, reason: Reason, technical_detail: str) -> None:
    check_move(diagnosis.status, Status.FAILED)
    diagnosis.status, diagnosis.reason_code = Status.FAILED, reason.value
    diagnosis.message = sentence(reason, attempts=diagnosis.attempt)
    diagnosis.technical_detail = (
        f"{diagnosis.technical_detail}\nattempt {diagnosis.attempt}: {technical_detail}".strip()
    )
    diagnosis.finished_at, diagnosis.lease_until = timezone.now(), None
    diagnosis.save()
    audit.record(
        audit.Action.ANALYSE,
        obj=diagnosis,
        patient_id=diagnosis.patient_id,
        outcome=audit.Outcome.FAILED,
        detail={"attempt": diagnosis.attempt, "reason_code": reason.value},
    )


def _requeue(diagnosis: Diagnosis) -> None:
    check_move(diagnosis.status, Status.QUEUED)
    diagnosis.status, diagnosis.attempt = Status.QUEUED, diagnosis.attempt + 1
    diagnosis.queued_at, diagnosis.finished_at, diagnosis.reason_code = timezone.now(), None, ""
    diagnosis.message = "Waiting for a worker, once more."
    diagnosis.save()
    publish_on_commit(diagnosis)


@transaction.atomic
def retry(actor: Actor, *, diagnosis_id: uuid.UUID) -> Diagnosis:
    """Run a failed diagnosis again, as a person asked.

    Raises:
        PermissionDenied, Diagnosis.DoesNotExist, IllegalMove: not allowed, not the actor's, not failed.
    """
    require(actor, Permission.RETRY_DIAGNOSIS)
    diagnosis = Diagnosis.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=diagnosis_id)
    if diagnosis.status != Status.FAILED:
        raise IllegalMove(Status(diagnosis.status), Status.QUEUED)
    _requeue(diagnosis)
    audit.record(audit.Action.UPDATE, obj=diagnosis, patient_id=diagnosis.patient_id, detail={"retry": True})
    return diagnosis


@transaction.atomic
def take_back(*, worker: str, before: dt.datetime) -> int:
    """Take back what a worker of this name was running before it started anew; how many. Worker names are unique."""
    return _take_back(
        Diagnosis.objects.filter(worker=worker, started_at__lt=before), "the worker was started again"
    )


def _take_back(lost: QuerySet[Diagnosis], why: str) -> int:
    taken_back = 0
    for diagnosis in lost.filter(status=Status.RUNNING).select_for_update(skip_locked=True):
        taken_back += 1
        _fail(diagnosis, Reason.WORKER_LOST, f"{diagnosis.worker}: {why}")
        if diagnosis.attempt < settings.DIAGNOSIS_MAX_ATTEMPTS:
            _requeue(diagnosis)
    return taken_back


@transaction.atomic
def sweep() -> dict[str, int]:
    """Take back attempts whose lease ran out, and publish again what seems to have lost its message.

    Several sweepers at once do no harm: rows are locked, locked ones skipped.
    """
    now = timezone.now()
    taken_back = _take_back(Diagnosis.objects.filter(lease_until__lt=now), "the lease ran out")
    return {"taken_back": taken_back, "published_again": _publish_missing(now)}


def _publish_missing(now: dt.datetime) -> int:
    """Publish the oldest waiting diagnoses again, as many as the queue has too few messages; how many.

    A long queue is no loss: without the count, each sweep over a backlog would double it.
    """
    queued = Diagnosis.objects.filter(status=Status.QUEUED)
    overdue = queued.filter(queued_at__lt=now - REPUBLISH_AFTER)
    missing = (queued.count() - messages_waiting()) if overdue.exists() else 0
    if missing <= 0:
        return 0
    waiting = overdue.select_for_update(skip_locked=True).order_by("queued_at")[
        : min(missing, PUBLISHED_AT_ONCE)
    ]
    published = []
    for diagnosis in waiting:
        if not publish(diagnosis.pk, diagnosis.attempt):
            break
        published.append(diagnosis.pk)
    Diagnosis.objects.filter(pk__in=published).update(queued_at=now)
    return len(published)
