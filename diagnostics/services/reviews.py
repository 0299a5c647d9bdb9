"""A doctor's review, signature and amendment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models, transaction

from accounts import audit
from accounts.actor import elevated, person_id
from accounts.policy import Permission, require
from diagnostics.conditions.selectors import revisions_for
from diagnostics.kinds import is_clinical, is_recording
from diagnostics.models import Diagnosis, PatientRisk, Report, Review
from diagnostics.patient_risk import Kind
from diagnostics.plain_words import report_body, report_title
from diagnostics.risk import CHEST_RISK, TRACE_RISK, RiskLevel
from diagnostics.risk_clinical import LEVELS
from diagnostics.services.patient_risk import update_patient_risk
from diagnostics.states import Status, check_move

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from accounts.actor import Actor


class ReviewRefused(Exception):  # named after what happened
    """The review contradicts itself; the text says how, for the doctor."""


def labels_of(diagnosis: Diagnosis) -> dict[str, tuple[RiskLevel, str]]:
    """What a doctor can find: of a clinical record its level, of an imaging study what an X-ray shows, else what a trace shows."""
    if is_clinical(diagnosis.upload.media_type):
        return LEVELS
    return CHEST_RISK if diagnosis.evidence_kind == Kind.DICOM else TRACE_RISK


def what_is_asked(labels: Iterable[str]) -> str:
    """What a doctor chooses one of these labels for, in words."""
    if labels is LEVELS:
        return "the patient's risk"
    return "what the X-ray shows" if labels is CHEST_RISK else "what the trace shows"


@transaction.atomic
def review(  # the fields of a review
    actor: Actor,
    *,
    diagnosis_id: uuid.UUID,
    decision: str,
    label: str = "",
    override_reason: str = "",
    comment: str = "",
) -> Review:
    """Record that the doctor confirms or overrides. After signing, a further review begins an amendment.

    Raises:
        PermissionDenied, Diagnosis.DoesNotExist, IllegalMove: not allowed, not the actor's, not ready for review.
        ReviewRefused: no decision, confirming where no model answered, or overriding without label or reason.
    """
    require(actor, Permission.REVIEW)
    if decision not in Review.Decision.values:
        raise ReviewRefused("Choose whether you confirm or override the result.")
    diagnosis = Diagnosis.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=diagnosis_id)
    signed = diagnosis.status in {Status.SIGNED, Status.AMENDED}
    if not signed:
        check_move(diagnosis.status, Status.REVIEWED)
    models.prefetch_related_objects([diagnosis], "upload", "predictions__model_version")
    answer, labels = diagnosis.answer, labels_of(diagnosis)
    if decision == Review.Decision.CONFIRM:
        if not answer:
            raise ReviewRefused(
                "No model gave a label that could be confirmed. Override it with what you see."
            )
        label, override_reason, level = answer, "", diagnosis.risk_level
    else:
        if label not in labels:
            raise ReviewRefused(f"Choose {what_is_asked(labels)}.")
        if override_reason not in Review.OverrideReason.values:
            raise ReviewRefused("Choose why you disagree with the model.")
        if override_reason == Review.OverrideReason.OTHER and not comment.strip():
            raise ReviewRefused("Write in the comment why you disagree.")
        level = labels[label][0]
    row = Review.objects.create(
        diagnosis=diagnosis,
        reviewer_id=person_id(actor),
        decision=decision,
        label=label,
        risk_level=RiskLevel(level),
        override_reason=override_reason,
        comment=comment.strip(),
    )
    if not signed:
        diagnosis.status = Status.REVIEWED
        diagnosis.save(update_fields=["status"])
    audit.record(
        audit.Action.REVIEW,
        obj=diagnosis,
        patient_id=diagnosis.patient_id,
        detail={"decision": decision, "override_reason": override_reason},
    )
    _assess_patient(diagnosis, PatientRisk.Cause.REVIEW)
    return row


@transaction.atomic
def sign(actor: Actor, *, diagnosis_id: uuid.UUID) -> Report:
    """Sign the latest review, which makes the report that the patient reads; signing a later review amends it.

    Raises:
        PermissionDenied, Diagnosis.DoesNotExist, IllegalMove: not allowed, not the actor's, not reviewed.
        ReviewRefused: the review is another doctor's, or is signed already.
    """
    require(actor, Permission.REVIEW)
    diagnosis = Diagnosis.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=diagnosis_id)
    after = Status.AMENDED if diagnosis.status in {Status.SIGNED, Status.AMENDED} else Status.SIGNED
    check_move(diagnosis.status, after)
    latest = diagnosis.reviews.order_by("-reviewed_at", "-pk").first()
    if latest is None or latest.reviewer_id != actor.pk:
        raise ReviewRefused("You can only sign your own review. Review the result yourself first.")
    if Report.objects.filter(review=latest).exists():
        raise ReviewRefused("This review is signed already. To amend the report, review the result again.")
    recording = is_recording(diagnosis.upload.media_type)
    report = Report.objects.create(
        patient_id=diagnosis.patient_id,
        diagnosis=diagnosis,
        review=latest,
        version=diagnosis.reports.count() + 1,
        signed_by_id=person_id(actor),
        title=report_title(latest.label, recording=recording),
        body=report_body(latest.label, amended=after is Status.AMENDED, recording=recording),
        risk_level=latest.risk_level,
        about=next(iter(revisions_for(actor, labels=[latest.label])), None),
    )
    diagnosis.status = after
    diagnosis.save(update_fields=["status"])
    audit.record(
        audit.Action.SIGN,
        obj=report,
        patient_id=diagnosis.patient_id,
        detail={"version": report.version, "diagnosis": str(diagnosis.pk)},
    )
    cause = PatientRisk.Cause.AMENDMENT if after is Status.AMENDED else PatientRisk.Cause.SIGNATURE
    _assess_patient(diagnosis, cause)
    return report


def _assess_patient(diagnosis: Diagnosis, cause: PatientRisk.Cause) -> None:
    """A doctor judges a result; what follows for the patient's level is the platform's to write."""
    with elevated():
        update_patient_risk([diagnosis.patient_id], cause=cause)
