"""A doctor's judgement on a diagnosis, and the report that the patient reads."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from diagnostics.models.diagnosis import Diagnosis
from diagnostics.risk import RiskLevel
from patients.models import Patient

if TYPE_CHECKING:
    from accounts.actor import Actor


class ReviewQuerySet(VisibleQuerySet["Review"]):
    """Reviews go with the diagnosis; the patient reads the report instead."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Reviews of the doctor's own patients."""
        return self.filter(diagnosis__in=Diagnosis.objects.visible_to(actor))


class Review(models.Model):
    """A doctor's decision. A later one replaces an earlier one; both are kept."""

    class Decision(models.TextChoices):
        """Whether the doctor agrees with the models."""

        CONFIRM = "confirm", "Confirm"
        OVERRIDE = "override", "Override"

    class OverrideReason(models.TextChoices):
        """Why the doctor disagrees."""

        WRONG_LABEL = "wrong_label", "The trace shows something else"
        ARTEFACT = "artefact", "Artefact or noise misread"
        CLINICAL_CONTEXT = "clinical_context", "The clinical picture says otherwise"
        WRONG_LEAD = "wrong_lead", "Wrong lead or wrong recording"
        NOT_ANSWERED = "not_answered", "The model gave no answer"
        OTHER = "other", "Other (see comment)"

    diagnosis = models.ForeignKey(Diagnosis, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(db_default=Now(), editable=False)
    decision = models.CharField(max_length=8, choices=Decision)
    label = models.CharField(max_length=64, help_text="what the doctor found")
    risk_level = models.CharField(max_length=8, choices=RiskLevel)
    override_reason = models.CharField(max_length=16, choices=OverrideReason, blank=True)
    comment = models.TextField(max_length=2000, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-reviewed_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decision="confirm", override_reason="")
                | (models.Q(decision="override") & ~models.Q(override_reason="")),
                name="diagnostics_review_override_has_reason",
            ),
        ]

    def __str__(self) -> str:
        """Decision and label."""
        return f"{self.decision}: {self.label}"


class ReportQuerySet(VisibleQuerySet["Report"]):
    """The patient reads the own reports; they exist only once signed."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Reports of the doctor's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))

    def visible_to_patient(self, actor: Actor) -> Self:
        """Reports of the patient's own record."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))


class Report(models.Model):
    """A signed report in plain words. Append-only (trigger); an amendment is a further version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="reports")
    diagnosis = models.ForeignKey(Diagnosis, on_delete=models.PROTECT, related_name="reports")
    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="report")
    version = models.PositiveSmallIntegerField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(db_default=Now(), editable=False)
    title = models.CharField(max_length=200)
    body = models.TextField()
    risk_level = models.CharField(max_length=8, choices=RiskLevel)
    about = models.ForeignKey(
        "ConditionRevision", null=True, on_delete=models.PROTECT, related_name="+",
        help_text="the text of the library that was signed along",
    )  # fmt: skip

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-signed_at", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["diagnosis", "version"], name="diagnostics_report_version_once")
        ]

    def __str__(self) -> str:
        """Title."""
        return self.title
