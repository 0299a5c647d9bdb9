"""The patient."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Now, Upper
from django.utils import timezone

from accounts.querysets import VisibleQuerySet

if TYPE_CHECKING:
    import datetime as dt

    from accounts.actor import Actor


class PatientQuerySet(VisibleQuerySet["Patient"]):
    """Doctors and integrations see the patients on whose care team they are, patients themselves; a deleted one nobody."""

    def _on_care_team(self, actor: Actor) -> Self:
        from patients.models.care_team import CareTeamMember

        teams = CareTeamMember.objects.active().filter(
            user__id=actor.pk or 0, patient_id=models.OuterRef("pk")
        )
        return self.filter(models.Exists(teams), deleted_at=None)

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Patients on whose care team the doctor is."""
        return self._on_care_team(actor)

    def visible_to_integration(self, actor: Actor) -> Self:
        """Patients on whose care team the integration is."""
        return self._on_care_team(actor)

    def visible_to_patient(self, actor: Actor) -> Self:
        """The patient's own record."""
        return self.filter(user_id=actor.pk, deleted_at=None)


class Patient(models.Model):
    """A person under care. `mrn` is the hospital's medical record number."""

    class Sex(models.TextChoices):
        """Administrative sex (HL7 FHIR AdministrativeGender)."""

        FEMALE = "female", "Female"
        MALE = "male", "Male"
        OTHER = "other", "Other"
        UNKNOWN = "unknown", "Unknown"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    mrn = models.CharField("MRN", max_length=32, unique=True)
    given_name = models.CharField(max_length=80)
    family_name = models.CharField(max_length=80)
    birth_date = models.DateField()
    sex = models.CharField(max_length=8, choices=Sex, default=Sex.UNKNOWN)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="patient"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_name", "mrn"]
        indexes = [
            GinIndex(OpClass(Upper("family_name"), name="gin_trgm_ops"), name="patient_family_name_trgm"),
            GinIndex(OpClass(Upper("given_name"), name="gin_trgm_ops"), name="patient_given_name_trgm"),
            GinIndex(OpClass(Upper("mrn"), name="gin_trgm_ops"), name="patient_mrn_trgm"),
            models.Index(fields=["birth_date"]),
        ]

    def __str__(self) -> str:
        """Family name first, as on a ward list."""
        return f"{self.family_name}, {self.given_name}"

    def age(self, on: dt.date | None = None) -> int:
        """Completed years at `on` (today if not given)."""
        on = on or timezone.localdate()
        return (
            on.year
            - self.birth_date.year
            - ((on.month, on.day) < (self.birth_date.month, self.birth_date.day))
        )
