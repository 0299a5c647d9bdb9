"""Results on their way to a DICOM archive."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from diagnostics.models.prediction import Prediction

if TYPE_CHECKING:
    from accounts.actor import Actor


class ArchiveDeliveryQuerySet(VisibleQuerySet["ArchiveDelivery"]):
    """Deliveries go with their prediction."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Deliveries of results of the doctor's own patients."""
        return self.filter(prediction__in=Prediction.objects.visible_to(actor))


class ArchiveDelivery(models.Model):
    """One answer that somebody had sent to the archive. Changed by diagnostics.imaging.deliveries only."""

    class Status(models.TextChoices):
        """How far it has come."""

        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused by the archive"
        GIVEN_UP = "given_up", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prediction = models.OneToOneField(Prediction, on_delete=models.PROTECT, related_name="delivery")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(
        db_default=Now(), help_text="not before then; while it is tried, when it counts as lost"
    )
    message = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True)

    objects = ArchiveDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "pk"]
        verbose_name_plural = "archive deliveries"
        indexes = [
            models.Index(
                fields=["next_try_at"], name="archivedelivery_due", condition=models.Q(status="waiting")
            )
        ]

    def __str__(self) -> str:
        """What is sent, and how far it has come."""
        return f"{self.prediction}: {self.get_status_display()}"
