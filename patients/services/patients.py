"""Writes of patients and their care teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import elevated
from accounts.policy import Permission, require
from patients.models import CareTeamMember, Patient

if TYPE_CHECKING:
    import datetime as dt

    from accounts.actor import Actor
    from accounts.models import User


@transaction.atomic
def register_patient(  # the fields of a registration
    actor: Actor,
    *,
    mrn: str,
    given_name: str,
    family_name: str,
    birth_date: dt.date,
    sex: str,
    user: User | None = None,
) -> Patient:
    """Add a patient and put the registering doctor on the care team.

    Raises:
        PermissionDenied: the actor may not register patients.
        django.db.IntegrityError: the MRN is taken.
    """
    require(actor, Permission.REGISTER_PATIENT)
    with elevated():
        patient = Patient.objects.create(
            mrn=mrn, given_name=given_name, family_name=family_name, birth_date=birth_date, sex=sex, user=user
        )
        if actor.pk is not None:
            CareTeamMember.objects.create(patient=patient, user_id=actor.pk)
    audit.record(audit.Action.CREATE, obj=patient, patient_id=patient.pk)
    return patient


@transaction.atomic
def add_to_care_team(actor: Actor, *, patient: Patient, user: User) -> CareTeamMember:
    """Give `user` access to the patient, which somebody on the team may do.

    Raises:
        PermissionDenied: the actor may not write the history.
        Patient.DoesNotExist: the patient is not the actor's.
    """
    require(actor, Permission.WRITE_HISTORY)
    Patient.objects.visible_to(actor).get(pk=patient.pk)
    with elevated():
        member, _ = CareTeamMember.objects.get_or_create(patient=patient, user=user, ended_at=None)
    audit.record(audit.Action.PERMISSION, obj=patient, patient_id=patient.pk, detail={"added_user": user.pk})
    return member


@transaction.atomic
def delete_patient(actor: Actor, *, patient: Patient) -> None:
    """Hide the patient from everybody; clinical records are kept for as long as the law asks."""
    require(actor, Permission.WRITE_HISTORY)
    Patient.objects.visible_to(actor).get(pk=patient.pk)
    with elevated():
        Patient.objects.filter(pk=patient.pk, deleted_at=None).update(deleted_at=timezone.now())
    audit.record(audit.Action.UPDATE, obj=patient, patient_id=patient.pk, detail={"deleted": True})
