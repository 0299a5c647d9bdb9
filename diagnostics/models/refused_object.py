"""Files that came through a door and were not taken, kept for some days so that whoever sent them sees why."""

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


class RefusedObjectQuerySet(VisibleQuerySet["RefusedObject"]):
    """Refused files are of whoever sent them; administrators see all, to help those whose systems send."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """What the doctor sent."""
        return self.filter(received_by=actor.pk)

    def visible_to_integration(self, actor: Actor) -> Self:
        """What the integration sent."""
        return self.filter(received_by=actor.pk)

    def visible_to_admin(self, actor: Actor) -> Self:
        """What anybody sent."""
        del actor
        return self.all()


class RefusedObject(models.Model):
    """One file that was refused; nothing of its content is kept. Written by diagnostics.imaging.refusals only.

    `calling` is the AE title or the visible part of the API key. `filename` may name a person: it is shown to the sender alone. Without
    `received_by` it is a device that was not let in, and nobody's file.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    door = models.CharField(max_length=8, choices=DicomStudy.Door)
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    calling = models.CharField(max_length=32, blank=True)
    filename = models.CharField(max_length=200, blank=True)
    study_uid = models.CharField(max_length=64, blank=True)
    sop_uid = models.CharField(max_length=64, blank=True)
    reason_code = models.CharField(max_length=64)
    message = models.CharField(max_length=500)

    objects = RefusedObjectQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "pk"]
        verbose_name = "refused DICOM object"
        indexes = [
            models.Index(fields=["-received_at"], name="refusedobject_newest"),
            models.Index(fields=["received_by", "-received_at"], name="refusedobject_of_sender"),
        ]

    def __str__(self) -> str:
        """Why."""
        return self.reason_code
