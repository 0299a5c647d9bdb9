"""The life of a diagnosis in the worker: claim, record, fail, retry, sweep.

Each move is one conditional UPDATE on (id, status, attempt), so a late or doubled message changes nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.bulk import insert_many, update_many
from accounts.policy import Permission, require
from diagnostics import opinions, patient_risk, risk
from diagnostics.models import Diagnosis, Heatmap, ModelVersion, PatientRisk, Prediction
from diagnostics.reasons import Reason, sentence
from diagnostics.risk_clinical import assess_clinical
from diagnostics.risk_page import assess_page
from diagnostics.risk_recording import assess_recording
from diagnostics.services.claims import OF_FILE, Claim, ClaimLost
from diagnostics.services.findings import store_findings
from diagnostics.services.patient_risk import update_patient_risk
from diagnostics.services.queue import (
    in_messages,
    messages_waiting,
    own_limit_s,
    publish,
    publish_on_commit,
    time_limit_s,
)
from diagnostics.states import IllegalMove, Status, check_move
from ml.contract import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from accounts.actor import Actor
    from ml.contract import Analysis, ModelResult, RecordingFindings

log = logging.getLogger(__name__)
ANSWERED = (Outcome.PREDICTED, Outcome.ABSTAINED)
# A queued diagnosis whose message seems lost is published again after this time.
REPUBLISH_AFTER = dt.timedelta(seconds=20)
PUBLISHED_AT_ONCE = 1000
OUTCOME_FIELDS = (
    "status", "message", "reason_code", "risk_level", "risk_reasons", "models_disagree", "evidence_kind", "red_flags", "finished_at",
    "lease_until",
)  # fmt: skip


def claim(attempts: Sequence[tuple[uuid.UUID | str, int]], *, worker: str) -> list[Claim]:
    """Move queued -> running; without those that another worker has, or whose message is of an old attempt.

    Args:
        attempts: diagnosis ids with the number of the attempt.
        worker: unique name of the worker.
    """
    wanted = {uuid.UUID(str(diagnosis_id)): attempt for diagnosis_id, attempt in attempts}
    waiting = (
        Diagnosis.objects.select_for_update(of=("self",))
        .filter(pk__in=wanted, status=Status.QUEUED)
        .order_by("pk")  # two workers with the same message lock in the same order
        .values_list("pk", "attempt", *(f"upload__{name}" for name in OF_FILE), "second_opinions")
    )
    with transaction.atomic(savepoint=False):
        claims = [Claim(*row) for row in waiting if wanted[row[0]] == row[1]]
        now = timezone.now()
        if claims:
            limit_s = max(time_limit_s(one.media_type) for one in claims)
            Diagnosis.objects.filter(pk__in=[one.diagnosis_id for one in claims]).update(
                status=Status.RUNNING,
                progress=0,
                started_at=now,
                lease_until=now + dt.timedelta(seconds=limit_s + settings.DIAGNOSIS_GRACE_S),
                worker=worker,
                message="The models are reading the trace.",
            )
    return claims


def note_progress(claimed: Claim, *, percent: int, step: str) -> None:
    """Tell how far a running attempt is.

    Raises:
        ClaimLost: the attempt was taken back; whatever it finds is no longer wanted.
    """
    held = Diagnosis.objects.filter(
        pk=claimed.diagnosis_id, attempt=claimed.attempt, status=Status.RUNNING
    ).update(progress=percent, message=f"{step}, {percent} % done.")
    if not held:
        raise ClaimLost(f"attempt {claimed.attempt} of {claimed.diagnosis_id} was taken back")


@transaction.atomic(savepoint=False)
def record_results(
    answers: Mapping[Claim, Analysis], *, contracts: Mapping[str, dict[str, Any]]
) -> list[Diagnosis]:
    """Store answers, heatmaps, risk, state and patients' levels in one transaction; without attempts that no longer hold their claim.

    Args:
        answers: what every model answered, by claim.
        contracts: a model's model.json by its name.
    """
    diagnoses = {row.pk: row for row in _locked(answers)}
    held = {claim: answer for claim, answer in answers.items() if claim.diagnosis_id in diagnoses}
    _store_predictions(held, contracts)
    for claim, answer in held.items():
        _conclude(diagnoses[claim.diagnosis_id], claim, answer, contracts)
        if answer.findings is not None:
            store_findings(diagnoses[claim.diagnosis_id], claim.attempt, answer.findings)
    update_many(list(diagnoses.values()), OUTCOME_FIELDS)
    update_patient_risk((row.patient_id for row in diagnoses.values()), cause=PatientRisk.Cause.RESULT)
    return list(diagnoses.values())


def _locked(claims: Iterable[Claim]) -> list[Diagnosis]:
    """The diagnoses whose claim still holds, locked."""
    attempts = {claim.diagnosis_id: claim.attempt for claim in claims}
    running = Diagnosis.objects.select_for_update().filter(pk__in=attempts, status=Status.RUNNING)
    return [row for row in running.order_by("pk") if row.attempt == attempts[row.pk]]


def _conclude(
    diagnosis: Diagnosis, claimed: Claim, answer: Analysis, contracts: Mapping[str, dict[str, Any]]
) -> None:
    """Set state, message and risk of a diagnosis whose models have answered."""
    results = answer.results
    decides = opinions.deciding(results)
    answered = [result for result in decides if result.outcome in ANSWERED]
    level, reasons = assess_clinical(results, contracts) if claimed.is_clinical else _risk(answer, contracts)
    after = Status.COMPLETED if answered else Status.REFUSED
    check_move(diagnosis.status, after)
    told = next(iter([*answered, *decides]), None)
    diagnosis.status = after
    diagnosis.message = told.message if told else sentence(Reason.NO_MODEL)
    diagnosis.reason_code = (told.reason_code or "") if told else Reason.NO_MODEL.value
    diagnosis.risk_level, diagnosis.risk_reasons = level or "", reasons
    diagnosis.models_disagree = opinions.contested(results)
    diagnosis.evidence_kind = patient_risk.kind_of(claimed.media_type, [result.model for result in results])
    diagnosis.red_flags = _red_flags(diagnosis, decides, answer.findings)
    diagnosis.finished_at, diagnosis.lease_until = timezone.now(), None
    audit.record(
        audit.Action.ANALYSE,
        obj=diagnosis,
        patient_id=diagnosis.patient_id,
        detail={"attempt": claimed.attempt, "status": after.value, "models": [r.model for r in results]},
    )


def _risk(
    answer: Analysis, contracts: Mapping[str, dict[str, Any]]
) -> tuple[risk.RiskLevel | None, list[str]]:
    """Level and reasons by the rules of a picture of a heartbeat, a page or a recording."""
    always = {result.model: _in_every_set(contracts[result.model]) for result in answer.results}
    if answer.findings is None:
        return risk.assess(opinions.deciding(answer.results), in_every_set=always)
    if "page" in answer.findings.summary:
        return assess_page(answer.findings.summary, answer.results, in_every_set=always)
    return assess_recording(answer.findings.summary, answer.results)


def _in_every_set(contract: Mapping[str, Any]) -> frozenset[str]:
    """Labels that a model's prediction sets always hold, because it had too few examples to fit when to leave them out."""
    least: Mapping[str, float] = contract.get("conformal", {}).get("min_probability", {})
    return frozenset(label for label, share in least.items() if share <= 0.0)


def _red_flags(
    diagnosis: Diagnosis, decides: Sequence[ModelResult], findings: RecordingFindings | None
) -> list[str]:
    """Codes of what cannot wait."""
    found = patient_risk.red_flags(
        # The superclass MI of those beside the models may be old, whatever else makes the level High.
        labels=[result.label or "" for result in decides if result.model not in opinions.BESIDE],
        level=diagnosis.risk_level,
        episodes=findings.summary["measures"]["episodes"] if findings is not None else (),
    )
    return [flag.value for flag in found]


def _store_predictions(answers: Mapping[Claim, Analysis], contracts: Mapping[str, dict[str, Any]]) -> None:
    pairs = [(claim, result) for claim, answer in answers.items() for result in answer.results]
    versions = {model: _version(model, contracts[model[0]]) for model in {_model(r) for _, r in pairs}}
    predictions = [_prediction(claim, result, versions[_model(result)]) for claim, result in pairs]
    insert_many(predictions)
    Heatmap.objects.bulk_create(
        Heatmap(prediction=prediction, png=result.heatmap_png)
        for prediction, (_, result) in zip(predictions, pairs, strict=True)
        if result.heatmap_png is not None
    )


def _model(result: ModelResult) -> tuple[str, str, str]:
    return result.model, result.version, result.weights_sha256


def _version(model: tuple[str, str, str], contract: dict[str, Any]) -> ModelVersion:
    name, version, weights_sha256 = model
    row, _ = ModelVersion.objects.only("pk").get_or_create(  # the contract is long
        name=name, version=version, weights_sha256=weights_sha256, defaults={"contract": contract}
    )
    return row


def _prediction(claimed: Claim, result: ModelResult, version: ModelVersion) -> Prediction:
    return Prediction(
        diagnosis_id=claimed.diagnosis_id,
        attempt=claimed.attempt,
        model_version=version,
        outcome=result.outcome.value,
        label=result.label or "",
        confidence=result.confidence,
        probabilities=result.probabilities,
        prediction_set=list(result.prediction_set),
        threshold=result.threshold,
        reason_code=result.reason_code or "",
        message=result.message,
        explanation=result.explanation,
        duration_ms=result.duration_ms,
        input_sha256=result.input_sha256,
        code_version=result.code_version,
        device=result.device,
    )


@transaction.atomic
def record_failure(claimed: Claim, *, reason: Reason, technical_detail: str) -> None:
    """Move running -> failed, and back to queued while attempts are left."""
    for diagnosis in _locked([claimed]):
        _fail(diagnosis, reason, technical_detail)
        if diagnosis.attempt < settings.DIAGNOSIS_MAX_ATTEMPTS:
            requeue(diagnosis)


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


def requeue(diagnosis: Diagnosis) -> None:
    """Count the attempt up and queue it; part of the caller's transaction. Raises IllegalMove."""
    check_move(diagnosis.status, Status.QUEUED)
    diagnosis.status, diagnosis.attempt = Status.QUEUED, diagnosis.attempt + 1
    diagnosis.queued_at, diagnosis.finished_at, diagnosis.reason_code = timezone.now(), None, ""
    diagnosis.progress = 0
    diagnosis.message = "Waiting for a worker, once more."
    diagnosis.save()
    publish_on_commit([diagnosis])


@transaction.atomic
def retry(actor: Actor, *, diagnosis_id: uuid.UUID) -> Diagnosis:
    """Run a failed diagnosis again, as a person asked, with the deciding model alone: a second opinion may be what failed.

    Raises:
        PermissionDenied, Diagnosis.DoesNotExist, IllegalMove: not allowed, not the actor's, not failed.
    """
    require(actor, Permission.RETRY_DIAGNOSIS)
    diagnosis = Diagnosis.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=diagnosis_id)
    if diagnosis.status != Status.FAILED:
        raise IllegalMove(Status(diagnosis.status), Status.QUEUED)
    diagnosis.second_opinions = False
    requeue(diagnosis)
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
            requeue(diagnosis)
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
    """Publish the oldest waiting diagnoses again whose message must be lost; how many.

    A long queue is no loss: the queue is first come, first served, so only what a younger one has overtaken is lost there.
    """
    overdue = Diagnosis.objects.filter(status=Status.QUEUED, queued_at__lt=now - REPUBLISH_AFTER)
    if overdue.exists() and messages_waiting():
        running = Diagnosis.objects.filter(status=Status.RUNNING)
        youngest = running.aggregate(youngest=Max("queued_at"))["youngest"]
        overdue = overdue.filter(queued_at__lt=youngest - REPUBLISH_AFTER) if youngest else overdue.none()
    waiting = overdue.select_for_update(skip_locked=True, of=("self",)).select_related("upload")
    published = []
    for together in in_messages(waiting.order_by("queued_at")[:PUBLISHED_AT_ONCE]):
        attempts = [(diagnosis.pk, diagnosis.attempt) for diagnosis in together]
        if not publish(attempts, limit_s=own_limit_s(together[0])):
            break
        published += [diagnosis.pk for diagnosis in together]
    Diagnosis.objects.filter(pk__in=published).update(queued_at=now)
    return len(published)
