"""A stored file of a patient."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from patients.models import Patient

if TYPE_CHECKING:
    from accounts.actor import Actor


ModelT = TypeVar("ModelT", bound=models.Model)


class OfPatientQuerySet(VisibleQuerySet[ModelT]):
    """Rows with a `patient`, seen by those who care for that patient."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Rows of the doctor's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))

    def visible_to_integration(self, actor: Actor) -> Self:
        """Rows of the integration's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))


class UploadQuerySet(OfPatientQuerySet["Upload"]):
    """Uploads go with the patient."""


class Upload(models.Model):
    """One accepted file. The name is the uploader's and is only shown; the type was found from the content."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="uploads")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(db_default=Now(), editable=False)
    original_name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    sampling_rate_hz = models.FloatField(null=True, help_text="as a person said it, where the file does not")
    unit = models.CharField(max_length=2, blank=True, help_text="of its values, likewise: uV, mV or V")
    storage_name = models.CharField(max_length=200)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "pk"]  # a batch shares one time
        constraints = [
            models.UniqueConstraint(fields=["patient", "sha256"], name="diagnostics_upload_once_per_patient")
        ]

    def __str__(self) -> str:
        """The name that the uploader gave it."""
        return self.original_name
