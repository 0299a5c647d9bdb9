"""Diagnoses of patients whose values came with a table: what was recorded is assessed, a step after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts.actor import acting_as
from accounts.policy import Permission, can
from diagnostics.services.clinical import request_clinical_diagnoses
from patients.models import ValueImport
from patients.services import value_imports

if TYPE_CHECKING:
    import uuid

ROWS_PER_STEP = 250


def waiting() -> list[uuid.UUID]:
    """Imports whose patients are not all queued to be assessed, the oldest first; as the system."""
    return value_imports.to_hand_on()


@transaction.atomic
def assess_step(import_id: uuid.UUID) -> bool:
    """Queue the clinical diagnoses of the next patients of an import, in the name of the doctor who imported; as the system.

    All of the step or nothing, so a step that is interrupted is done again, and one that comes twice finds nothing. The same values of
    a patient are not assessed twice.

    Returns:
        Whether patients are left; False also while another process is at it.

    Raises:
        diagnostics.services.inspection.Refused: the storage is away; the next call goes on from there.
    """
    try:
        found, patients = value_imports.hand_on(import_id, most=ROWS_PER_STEP)
    except ValueImport.DoesNotExist:
        return False
    doctor = found.created_by
    with acting_as(doctor):
        if patients and can(doctor, Permission.UPLOAD):
            request_clinical_diagnoses(doctor, patient_ids=[patient.pk for patient in patients])
    return found.handed_on is not None
