"""What a model answered, immutable, with everything needed to compute it again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from diagnostics import opinions
from diagnostics.models.diagnosis import Diagnosis
from ml.contract import Outcome, as_percent

if TYPE_CHECKING:
    from accounts.actor import Actor


class ModelVersion(models.Model):
    """A model as it was when it answered; `contract` is its model.json."""

    name = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    weights_sha256 = models.CharField(max_length=64)
    contract = models.JSONField()
    registered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name", "-registered_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "version", "weights_sha256"], name="diagnostics_modelversion_once"
            )
        ]

    def __str__(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


class PredictionQuerySet(VisibleQuerySet["Prediction"]):
    """Clinicians see predictions of their patients; administrators and auditors all of them, without the patient."""

    def _of_own_patients(self, actor: Actor) -> Self:
        return self.filter(diagnosis__in=Diagnosis.objects.visible_to(actor))

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Predictions of the doctor's own patients."""
        return self._of_own_patients(actor)

    def visible_to_integration(self, actor: Actor) -> Self:
        """Predictions of the integration's own patients."""
        return self._of_own_patients(actor)

    def visible_to_admin(self, actor: Actor) -> Self:  # the rule's signature
        """Every prediction."""
        return self.all()

    def visible_to_auditor(self, actor: Actor) -> Self:  # the rule's signature
        """Every prediction."""
        return self.all()


class Prediction(models.Model):
    """One model's answer in one attempt. Append-only (trigger)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    diagnosis = models.ForeignKey(Diagnosis, on_delete=models.PROTECT, related_name="predictions")
    attempt = models.PositiveSmallIntegerField()
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="predictions")
    outcome = models.CharField(max_length=16, choices=[(o.value, o.value.replace("_", " ")) for o in Outcome])
    label = models.CharField(max_length=64, blank=True)
    confidence = models.FloatField(null=True, help_text="calibrated probability of the label, 0 to 1")
    probabilities = models.JSONField(default=dict)
    prediction_set = ArrayField(models.CharField(max_length=64), default=list)
    threshold = models.FloatField()
    reason_code = models.CharField(max_length=64, blank=True)
    message = models.CharField(max_length=500, blank=True)
    explanation = models.JSONField(
        default=dict, help_text="what else the answer consists of, by kind of model"
    )
    duration_ms = models.FloatField()
    input_sha256 = models.CharField(max_length=64)
    code_version = models.CharField(max_length=64)
    device = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [models.Index(fields=["model_version", "-created_at"], name="prediction_of_model")]
        constraints = [
            models.UniqueConstraint(
                fields=["diagnosis", "attempt", "model_version"], name="diagnostics_prediction_once"
            )
        ]

    def __str__(self) -> str:
        """Model and answer."""
        return f"{self.model_version}: {self.label or self.outcome}"

    @property
    def model(self) -> str:
        """Name of the model that answered."""
        return self.model_version.name

    @property
    def in_short(self) -> str:
        """What a clinical model or a score says, for a cell of a list; "" for answers of other kinds."""
        if self.explanation.get("level"):
            return f"{self.explanation['level']} risk, {as_percent(self.explanation['risk'])}"
        # A page's models explain their answers too, but have a label to show.
        return self.message if self.explanation and opinions.reads_values(self.model) else ""


class HeatmapQuerySet(VisibleQuerySet["Heatmap"]):
    """A heatmap shows the patient's trace, so it goes with the diagnosis and not with the prediction."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Heatmaps of the doctor's own patients."""
        return self.filter(prediction__diagnosis__in=Diagnosis.objects.visible_to(actor))

    def visible_to_integration(self, actor: Actor) -> Self:
        """Heatmaps of the integration's own patients."""
        return self.filter(prediction__diagnosis__in=Diagnosis.objects.visible_to(actor))


class Heatmap(models.Model):
    """Where the model looked: an 8-bit grey PNG, 0 for nowhere and 255 for most."""

    prediction = models.OneToOneField(
        Prediction, on_delete=models.PROTECT, primary_key=True, related_name="heatmap"
    )
    png = models.BinaryField()

    objects = HeatmapQuerySet.as_manager()

    def __str__(self) -> str:
        """The prediction it belongs to."""
        return f"heatmap of {self.prediction_id}"
