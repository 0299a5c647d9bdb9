"""Tables on their way in: their rows are recorded and their patients assessed, a step after the other, both in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts.actor import acting_as
from accounts.policy import Permission, can
from diagnostics.services.clinical import Requested, request_clinical_diagnoses
from patients.models import ValueImport
from patients.services import value_imports

if TYPE_CHECKING:
    import uuid

    from accounts.models import User

ROWS_PER_STEP = value_imports.ROWS_PER_STEP


def waiting() -> list[uuid.UUID]:
    """Imports with rows to be recorded or patients to be assessed, the oldest first; as the system."""
    return value_imports.to_do()


@transaction.atomic
def step(import_id: uuid.UUID) -> bool:
    """Record the next rows of an import and queue the clinical diagnoses of their patients, in the name of the doctor who imports.

    As the system. All of the step or nothing, so a step that is interrupted is done again, and one that comes twice finds nothing. The
    same values of a patient are not assessed twice.

    Returns:
        Whether something is left; False also while another process is at it.

    Raises:
        diagnostics.services.inspection.Refused: the storage is away; the next call goes on from there.
    """
    held = value_imports.hold(import_id)
    if held is None:
        return False
    doctor = held.created_by
    # One block: the audit chain, which everybody waits for, is locked at its end.
    with acting_as(doctor):
        if held.state == ValueImport.State.RECORDING:
            value_imports.record_step(doctor, import_id=import_id)
        return _assess(doctor, import_id)


def _assess(doctor: User, import_id: uuid.UUID) -> bool:
    found, patients = value_imports.hand_on(doctor, import_id=import_id, most=ROWS_PER_STEP)
    if patients and can(doctor, Permission.UPLOAD):
        answers = request_clinical_diagnoses(doctor, patient_ids=[patient.pk for patient in patients])
        made = {
            patient.mrn: answer.diagnosis.pk
            for patient in patients
            if isinstance(answer := answers[patient.pk], Requested)
        }
        value_imports.note_assessments(found, made)
    return found.handed_on is not None
