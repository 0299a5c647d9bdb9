"""Writes of the patient's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, require
from patients.models import HistoryEntry, Patient

if TYPE_CHECKING:
    from accounts.actor import Actor

EntryT = TypeVar("EntryT", bound=HistoryEntry)


@transaction.atomic
def add_entry(actor: Actor, *, model: type[EntryT], patient: Patient, **fields: Any) -> EntryT:
    """Add one entry to the history.

    Raises:
        PermissionDenied: the actor may not write histories.
        Patient.DoesNotExist: the patient is not the actor's.
    """
    require(actor, Permission.WRITE_HISTORY)
    Patient.objects.visible_to(actor).get(pk=patient.pk)
    entry = model.objects.create(patient=patient, recorded_by_id=person_id(actor), **fields)
    audit.record(audit.Action.CREATE, obj=entry, patient_id=patient.pk)
    return entry
