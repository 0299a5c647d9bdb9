"""The patient's history: notes, conditions, medications and allergies. Entries are added, never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from patients.models.patient import Patient

if TYPE_CHECKING:
    from accounts.actor import Actor


class HistoryQuerySet(VisibleQuerySet["HistoryEntry"]):
    """The history goes with the patient, for doctors only."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Entries of the doctor's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))


class HistoryEntry(models.Model):
    """What every entry of the history has: the patient, who recorded it and when."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="%(class)ss")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-recorded_at", "-pk"]


class Note(HistoryEntry):
    """Free text by a clinician."""

    text = models.TextField(max_length=10_000)

    def __str__(self) -> str:
        """The text."""
        return self.text


class Condition(HistoryEntry):
    """A diagnosis or problem; `code` is ICD-10 where known."""

    name = models.CharField(max_length=200)
    code = models.CharField("ICD-10 code", max_length=8, blank=True)
    since = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        """Name and code."""
        return f"{self.name} ({self.code})" if self.code else self.name


class Medication(HistoryEntry):
    """A drug that the patient takes; `code` is ATC where known."""

    name = models.CharField(max_length=200)
    code = models.CharField("ATC code", max_length=8, blank=True)
    dose = models.CharField(max_length=100, blank=True, help_text="For example 5 mg twice a day")

    def __str__(self) -> str:
        """Name and dose."""
        return f"{self.name} {self.dose}".strip()


class Allergy(HistoryEntry):
    """A substance that the patient does not tolerate."""

    substance = models.CharField(max_length=200)
    reaction = models.CharField(max_length=200, blank=True)

    class Meta(HistoryEntry.Meta):
        verbose_name_plural = "allergies"

    def __str__(self) -> str:
        """Substance and reaction."""
        return f"{self.substance}: {self.reaction}" if self.reaction else self.substance
