"""The answer to one upload."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from diagnostics import opinions
from diagnostics.kinds import is_clinical
from diagnostics.models.upload import OfPatientQuerySet, Upload
from diagnostics.patient_risk import Kind
from diagnostics.risk import RiskLevel
from diagnostics.risk_clinical import LABEL_OF
from diagnostics.states import SETTLED, Status
from patients.models import Patient

if TYPE_CHECKING:
    from diagnostics.models.prediction import Prediction


class DiagnosisQuerySet(OfPatientQuerySet["Diagnosis"]):
    """Diagnoses go with the patient."""


class Diagnosis(models.Model):
    """What became of an upload. Changed by diagnostics.services only.

    `message` is for the user, `technical_detail` for the administrator. `attempt` counts from 1; a running attempt holds a lease
    until `lease_until`, after which the sweeper takes it back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    upload = models.OneToOneField(Upload, on_delete=models.PROTECT, related_name="diagnosis")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="diagnoses")
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=1)
    message = models.CharField(max_length=500, blank=True)
    reason_code = models.CharField(max_length=64, blank=True)
    technical_detail = models.TextField(blank=True)
    risk_level = models.CharField(max_length=8, choices=RiskLevel, blank=True)
    risk_reasons = ArrayField(models.TextField(), default=list)
    second_opinions = models.BooleanField(default=False, help_text="whether every model of pictures is asked")
    models_disagree = models.BooleanField(
        default=False, help_text="whether two models name different findings"
    )
    evidence_kind = models.CharField(max_length=16, choices=Kind, blank=True, help_text="what was read")
    red_flags = ArrayField(models.CharField(max_length=32), default=list, help_text="what cannot wait")
    progress = models.PositiveSmallIntegerField(default=0, help_text="percent of a running analysis")
    worker = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    queued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = DiagnosisQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]  # a batch shares one time
        verbose_name_plural = "diagnoses"
        indexes = [
            models.Index(
                fields=["status", "queued_at"], name="diagnosis_open", condition=models.Q(finished_at=None)
            ),
            models.Index(fields=["patient", "-created_at"], name="diagnosis_of_patient"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values), name="diagnosis_status_known"
            ),
        ]

    def __str__(self) -> str:
        """Short id and state."""
        return f"{str(self.pk)[:8]} {self.status}"

    @property
    def state_token(self) -> str:
        """What a polling page has seen; it gets a new row only when this changes."""
        return f"{self.status}-{self.attempt}-{self.progress}"

    def answers(self) -> list[Prediction]:
        """What the models answered in the present attempt, the deciding model first."""
        return opinions.in_order(one for one in self.predictions.all() if one.attempt == self.attempt)

    @property
    def deciding(self) -> list[Prediction]:
        """The answers that decide label and risk."""
        return opinions.deciding(self.answers())

    @property
    def models_say(self) -> str:
        """Who says what, in one sentence; "" where no second opinion was asked for."""
        return opinions.headline(self.answers())

    @property
    def differing(self) -> bool:
        """Whether two models name different findings."""
        return opinions.disagree(self.answers())

    @property
    def unstable(self) -> str:
        """That the answer changes with the picture, in words; "" if it does not."""
        return opinions.unstable(self.answers())

    def confirmable(self) -> Prediction | None:
        """The answer that a doctor can confirm: the most confident label among those that decide."""
        labelled = [one for one in self.deciding if one.label]
        return max(labelled, key=lambda one: one.confidence or 0.0, default=None)

    @property
    def answer(self) -> str:
        """What a doctor can confirm: a label, or the level of a clinical record; "" if there is none."""
        if is_clinical(self.upload.media_type):
            return LABEL_OF.get(self.risk_level, "")
        found = self.confirmable()
        return found.label if found else ""

    @property
    def settled(self) -> bool:
        """Whether nothing more happens without a person."""
        return Status(self.status) in SETTLED
