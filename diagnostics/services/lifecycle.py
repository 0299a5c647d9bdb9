"""The life of a diagnosis in the worker: claim, record, fail, retry, sweep.

Each move is one conditional UPDATE on (id, status, attempt), so a late or doubled message changes nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.policy import Permission, require
from diagnostics import risk
from diagnostics.models import Diagnosis, Heatmap, ModelVersion, Prediction
from diagnostics.reasons import Reason, sentence
from diagnostics.services.queue import publish, publish_on_commit
from diagnostics.states import IllegalMove, Status, check_move
from ml.contract import ModelResult, Outcome

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from accounts.actor import Actor

log = logging.getLogger(__name__)
ANSWERED = (Outcome.PREDICTED, Outcome.ABSTAINED)
# A queued diagnosis whose message seems lost is published again after this time.
REPUBLISH_AFTER = dt.timedelta(seconds=20)


class StoredFileMissing(Exception):  # noqa: N818  # named after what happened
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
    diagnosis = Diagnosis.objects.select_related("upload").get(pk=diagnosis_id)
    return Claim(diagnosis.pk, attempt, diagnosis.upload.storage_name)


def stored_bytes(claimed: Claim) -> bytes:
    """The uploaded file. Raises StoredFileMissing if the storage does not give it."""
    try:
        with default_storage.open(claimed.storage_name, "rb") as file:
            return file.read()
    except Exception as error:  # each storage back end raises its own
        raise StoredFileMissing(str(error)) from error


@transaction.atomic
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
    told = (answered or list(results))[0] if results else None
    diagnosis.status = after
    diagnosis.message = told.message if told else "No model is installed for this kind of file."
    diagnosis.reason_code = (told.reason_code or "") if told else ""
    diagnosis.risk_level, diagnosis.risk_reasons = level or "", reasons
    diagnosis.finished_at, diagnosis.lease_until = timezone.now(), None
    diagnosis.save()
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
    version, _ = ModelVersion.objects.get_or_create(
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
    diagnosis.technical_detail = f"{diagnosis.technical_detail}\nattempt {diagnosis.attempt}: {technical_detail}".strip()
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
def sweep() -> dict[str, int]:
    """Take back attempts whose lease ran out, and publish again what seems to have lost its message.

    Several sweepers at once do no harm: rows are locked, locked ones skipped.
    """
    now = timezone.now()
    lost = Diagnosis.objects.select_for_update(skip_locked=True).filter(status=Status.RUNNING, lease_until__lt=now)
    taken_back = 0
    for diagnosis in lost:
        taken_back += 1
        _fail(diagnosis, Reason.WORKER_LOST, f"lease of {diagnosis.worker} ran out")
        if diagnosis.attempt < settings.DIAGNOSIS_MAX_ATTEMPTS:
            _requeue(diagnosis)
    waiting = list(
        Diagnosis.objects.select_for_update(skip_locked=True)
        .filter(status=Status.QUEUED, queued_at__lt=now - REPUBLISH_AFTER)
        .order_by("queued_at")[:1000]
    )
    published = 0
    for diagnosis in waiting:
        if not publish(diagnosis.pk, diagnosis.attempt):
            break
        published += 1
        Diagnosis.objects.filter(pk=diagnosis.pk).update(queued_at=now)
    return {"taken_back": taken_back, "published_again": published}
