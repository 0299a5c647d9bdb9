"""The level of a patient, as it followed from the evidence of its time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from diagnostics.models.upload import OfPatientQuerySet
from diagnostics.patient_risk import Assessment, Counted, PatientLevel, RedFlag
from patients.models import Patient

if TYPE_CHECKING:
    from typing import Self


class PatientRiskQuerySet(OfPatientQuerySet["PatientRisk"]):
    """Levels go with the patient, for doctors and integrations; patients read the level of each signed report."""

    def latest_of_each(self) -> Self:
        """The row in force of each patient."""
        return self.filter(next=None)


class PatientRisk(models.Model):
    """One assessment of one patient by `diagnostics.patient_risk`. Append-only (trigger); the row without a `next` is in force.

    `evidence` holds what counted, the weightiest first and at most `diagnostics.services.patient_risk.MOST` and the newest of
    each kind; `newest` the time of the newest of each kind, from which follows what is missing today.
    """

    class Cause(models.TextChoices):
        """What made it be assessed again."""

        RESULT = "result", "A result was recorded"
        REVIEW = "review", "A doctor judged a result"
        SIGNATURE = "signature", "A report was signed"
        AMENDMENT = "amendment", "A report was amended"
        WITHDRAWAL = "withdrawal", "A result was withdrawn"
        RULES = "rules", "First assessment by these rules"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="risks")
    previous = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="next")
    level = models.CharField(max_length=8, choices=PatientLevel)
    probability = models.FloatField(
        null=True, help_text="calibrated by the clinical model, of death during follow-up, 0 to 1"
    )
    red_flags = ArrayField(models.CharField(max_length=32), default=list)
    evidence = models.JSONField(help_text="what counted; the fields of diagnostics.patient_risk.Counted")
    newest = models.JSONField(help_text="time of the newest of each kind that could be read")
    changes = ArrayField(models.TextField(), help_text="what is different from the row before")
    cause = models.CharField(max_length=16, choices=Cause)
    rules_version = models.CharField(max_length=16)
    assessed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PatientRiskQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["patient", "-id"], name="patientrisk_of_patient")]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(previous=None), name="patientrisk_one_beginning"
            ),
        ]

    def __str__(self) -> str:
        """Level and time."""
        return f"{self.get_level_display()} since {self.assessed_at:%Y-%m-%d}"

    def assessment(self) -> Assessment:
        """The row as the rules gave it."""
        counted = tuple(Counted(**row | {"red_flags": tuple(row["red_flags"])}) for row in self.evidence)
        flags = tuple(RedFlag(flag) for flag in self.red_flags)
        return Assessment(PatientLevel(self.level), self.probability, flags, counted)


def as_json(counted: tuple[Counted, ...]) -> list[dict[str, object]]:
    """Evidence in the shape of `PatientRisk.evidence`."""
    return [dataclasses.asdict(one) for one in counted]
