"""Who cares for whom: the source of every doctor's access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from patients.models.patient import Patient

if TYPE_CHECKING:
    from accounts.actor import Actor


class CareTeamQuerySet(VisibleQuerySet["CareTeamMember"]):
    """Doctors and integrations see the teams of the patients that they see, from which their access follows."""

    def active(self) -> Self:
        """Memberships that have not ended."""
        return self.filter(models.Q(ended_at=None) | models.Q(ended_at__gt=Now()))

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Teams of the doctor's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))

    def visible_to_integration(self, actor: Actor) -> Self:
        """Teams of the integration's own patients."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))


class CareTeamMember(models.Model):
    """One user's place on one patient's care team."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="care_team")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="care_teams")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = CareTeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "user"], condition=models.Q(ended_at=None), name="patients_careteam_once"
            ),
        ]

    def __str__(self) -> str:
        """The member's name."""
        return str(self.user)
