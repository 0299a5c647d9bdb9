"""DICOM studies of a patient, their series and instances (PS3.3 A.1.2)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from diagnostics.imaging.states import StudyStatus
from diagnostics.models.upload import Upload
from patients.models import CareTeamMember, Patient

if TYPE_CHECKING:
    from accounts.actor import Actor


class DicomStudyQuerySet(VisibleQuerySet["DicomStudy"]):
    """A filed study goes with its patient; a held one with the patient it may be of, else with those who work with its sender."""

    def _of_clinic(self, actor: Actor) -> Self:
        mine = Patient.objects.visible_to(actor)
        colleagues = CareTeamMember.objects.visible_to(actor).active().values("user")
        from_us = models.Q(received_by=actor.pk) | models.Q(received_by__in=colleagues)
        unfiled = models.Q(claimed_patient__in=mine) | models.Q(claimed_patient=None) & from_us
        return self.filter(models.Q(patient__in=mine) | models.Q(patient=None) & unfiled)

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Studies of the doctor's own patients, and held ones that may be."""
        return self._of_clinic(actor)

    def visible_to_integration(self, actor: Actor) -> Self:
        """Studies of the integration's own patients, and held ones that may be."""
        return self._of_clinic(actor)

    def filed(self) -> Self:
        """Studies that are of a patient."""
        return self.exclude(patient=None)


class DicomStudy(models.Model):
    """One study of one patient, or what one sender sent of one identity that a person has to look at.

    `patient` is set when it is filed, at once or by a person; `claimed_patient` is the one whom the sender named. Changed by
    diagnostics.imaging services only.
    """

    class Door(models.TextChoices):
        """How it came in."""

        WEB = "web", "Uploaded"
        STOW = "stow", "Sent by DICOMweb"
        CSTORE = "cstore", "Sent by C-STORE"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study_uid = models.CharField(max_length=64)
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="studies")
    claimed_patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="+")
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    door = models.CharField(max_length=8, choices=Door)
    status = models.CharField(max_length=16, choices=StudyStatus)
    reason_code = models.CharField(max_length=64, blank=True, help_text="why it is or was held")
    message = models.CharField(max_length=500, blank=True)
    study_date = models.DateField(null=True)
    description = models.CharField(max_length=64, blank=True)
    accession_number = models.CharField(max_length=64, blank=True)
    # Whose the files say it is; of a held study no two identities come together.
    file_patient_id = models.CharField(max_length=64, blank=True)
    file_patient_name = models.CharField(max_length=200, blank=True)
    file_birth_date = models.DateField(null=True)
    file_sex = models.CharField(max_length=1, blank=True)
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    last_received_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    objects = DicomStudyQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "pk"]
        verbose_name_plural = "DICOM studies"
        indexes = [
            models.Index(fields=["patient", "-study_date"], name="dicomstudy_of_patient"),
            models.Index(fields=["study_uid"], name="dicomstudy_uid"),
            models.Index(
                fields=["status", "last_received_at"],
                name="dicomstudy_open",
                condition=models.Q(status__in=["receiving", "complete", "held"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "study_uid"],
                condition=models.Q(patient__isnull=False),
                name="dicomstudy_once_per_patient",
            ),
            models.UniqueConstraint(
                fields=[
                    "study_uid", "claimed_patient", "received_by", "file_patient_id", "file_patient_name", "file_birth_date", "file_sex",
                ],
                condition=models.Q(status="held"),
                nulls_distinct=False,
                name="dicomstudy_held_once",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["held", "rejected"], patient=None)
                | models.Q(status__in=["receiving", "complete", "diagnosed"], patient__isnull=False),
                name="dicomstudy_filed_or_held",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        """Description, else the kind of thing it is."""
        return self.description or "Imaging study"


class OfStudyQuerySet(VisibleQuerySet[Any]):
    """Rows with a `study` go with it."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Rows of the studies that the doctor sees."""
        return self.filter(study__in=DicomStudy.objects.visible_to(actor))

    def visible_to_integration(self, actor: Actor) -> Self:
        """Rows of the studies that the integration sees."""
        return self.filter(study__in=DicomStudy.objects.visible_to(actor))


class DicomSeriesQuerySet(OfStudyQuerySet):
    """Series go with the study."""


class DicomSeries(models.Model):
    """One series of a study."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(DicomStudy, on_delete=models.PROTECT, related_name="series")
    series_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16, blank=True)
    number = models.IntegerField(null=True)
    description = models.CharField(max_length=64, blank=True)
    body_part = models.CharField(max_length=64, blank=True)

    objects = DicomSeriesQuerySet.as_manager()

    class Meta:
        ordering = [models.F("number").asc(nulls_last=True), "series_uid"]
        verbose_name_plural = "DICOM series"
        constraints = [
            models.UniqueConstraint(fields=["study", "series_uid"], name="dicomseries_once_per_study")
        ]

    def __str__(self) -> str:
        """Modality and description."""
        return " ".join(part for part in (self.modality, self.description) if part) or "Series"


class DicomInstanceQuerySet(OfStudyQuerySet):
    """Instances go with the study."""


class DicomInstance(models.Model):
    """One stored object. `image` is `ml.dicom.image.DicomImage` as JSON; None where nothing can be shown as a picture.

    `upload` is what of it is diagnosed: the object itself, or the document in it. `reason_code` and `message` say why it cannot be
    shown, or why no model was asked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(DicomStudy, on_delete=models.PROTECT, related_name="instances")
    series = models.ForeignKey(DicomSeries, on_delete=models.PROTECT, related_name="instances")
    sop_uid = models.CharField(max_length=64)
    sop_class_uid = models.CharField(max_length=64)
    syntax_uid = models.CharField(max_length=64)
    number = models.IntegerField(null=True)
    content = models.CharField(max_length=16)
    image = models.JSONField(null=True)
    original_name = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    storage_name = models.CharField(max_length=200)
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    upload = models.ForeignKey(Upload, null=True, on_delete=models.PROTECT, related_name="instances")
    reason_code = models.CharField(max_length=64, blank=True)
    message = models.CharField(max_length=500, blank=True)

    objects = DicomInstanceQuerySet.as_manager()

    class Meta:
        ordering = [models.F("number").asc(nulls_last=True), "sop_uid"]
        verbose_name = "DICOM instance"
        indexes = [models.Index(fields=["sop_uid"], name="dicominstance_uid")]
        constraints = [
            models.UniqueConstraint(fields=["study", "sop_uid"], name="dicominstance_once_per_study")
        ]

    def __str__(self) -> str:
        """Its place in the series."""
        return f"Image {self.number}" if self.number is not None else "Image"

    @property
    def frames(self) -> int:
        """How many frames can be shown; 0 for none."""
        return int(self.image["frames"]) if self.image else 0
