"""Clinical values: measurements and answers of the patient's record. Rows are added, never edited; a correction is a new row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from patients.clinical.catalogue import CATALOGUE
from patients.models.patient import Patient

if TYPE_CHECKING:
    from accounts.actor import Actor
    from patients.clinical.quantities import Quantity


class ClinicalValueQuerySet(VisibleQuerySet["ClinicalValue"]):
    """Values go with the patient: for doctors and integrations of the care team, and for the patient's own eyes."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Values of the doctor's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))

    def visible_to_integration(self, actor: Actor) -> Self:
        """Values of the integration's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))

    def visible_to_patient(self, actor: Actor) -> Self:
        """The patient's own values."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))

    def current(self) -> Self:
        """Values that nobody has corrected or taken back."""
        return self.filter(correction=None, value__isnull=False)


class ClinicalValue(models.Model):
    """One value of one quantity of `patients.clinical.catalogue`, for one time.

    `value` is in the quantity's canonical unit, `entered_value` and `entered_unit` are what was typed. A correction points at the row
    that it replaces and says why; one without a value takes that row back. The table is append-only by a database trigger.
    """

    class Source(models.TextChoices):
        """How a value came in."""

        MANUAL = "manual", "Entered by hand"
        IMPORT = "import", "Imported"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="clinical_values")
    code = models.CharField(max_length=40)
    value = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    entered_value = models.CharField(max_length=32, blank=True)
    entered_unit = models.CharField(max_length=16, blank=True)
    measured_at = models.DateTimeField()
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(db_default=Now(), editable=False)
    source = models.CharField(max_length=8, choices=Source, default=Source.MANUAL)
    corrects = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="correction"
    )
    reason = models.CharField(max_length=200, blank=True)

    objects = ClinicalValueQuerySet.as_manager()

    class Meta:
        ordering = ["-measured_at", "-pk"]
        indexes = [models.Index(fields=["patient", "code", "-measured_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(corrects=None, reason="", value__isnull=False)
                | (models.Q(corrects__isnull=False) & ~models.Q(reason="")),
                name="patients_value_or_reasoned_correction",
            ),
        ]

    def __str__(self) -> str:
        """Name and value, as "Serum sodium 137 mmol/L"."""
        return f"{self.quantity.name} {self.words}"

    @property
    def quantity(self) -> Quantity:
        """What was measured."""
        return CATALOGUE[self.code]

    @property
    def words(self) -> str:
        """The value with its unit; for a row that takes another back, that it does."""
        return "taken back" if self.value is None else self.quantity.words(self.value)

    @property
    def typed(self) -> str:
        """As it was entered."""
        return f"{self.entered_value} {self.entered_unit}".strip()

    @property
    def status(self) -> str:
        """One of "current", "corrected" (by a newer row) and "taken back". Reads the newer row, which selectors fetch along."""
        newer = getattr(self, "correction", None)
        if self.value is None or (newer is not None and newer.value is None):
            return "taken back"
        return "current" if newer is None else "corrected"
