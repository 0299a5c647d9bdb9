"""Copies of studies without the patient's identity, made by a worker for download."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from diagnostics.models.imaging import DicomStudy

if TYPE_CHECKING:
    from accounts.actor import Actor


class StudyExportQuerySet(VisibleQuerySet["StudyExport"]):
    """Exports go with their study, for doctors alone."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Exports of the studies that the doctor sees."""
        return self.filter(study__in=DicomStudy.objects.visible_to(actor))


class StudyExport(models.Model):
    """The newest copy of a study without identity. Changed by diagnostics.imaging.deidentified only.

    `remarks` are what a person should know before the copy leaves the house: ``{"reason_code", "message", "objects"}`` each.
    """

    class Status(models.TextChoices):
        """How far it has come."""

        WAITING = "waiting", "Being prepared"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        REMOVED = "removed", "Removed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.OneToOneField(DicomStudy, on_delete=models.PROTECT, related_name="export")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(
        db_default=Now(), help_text="not before then; while it is made, when it counts as lost"
    )
    done = models.PositiveIntegerField(default=0, help_text="objects looked at")
    total = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0, help_text="objects in the copy")
    remarks = models.JSONField(default=list)
    message = models.CharField(max_length=500, blank=True)
    storage_name = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="bytes")
    expires_at = models.DateTimeField(null=True)

    objects = StudyExportQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "pk"]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="studyexport_due", condition=models.Q(status="waiting")
            ),
            models.Index(
                fields=["expires_at"], name="studyexport_expires", condition=models.Q(status="ready")
            ),
        ]

    def __str__(self) -> str:
        """What it is a copy of, and how far it has come."""
        return f"{self.study}: {self.get_status_display()}"
