"""Diagnosing a clinical record: its current values are kept as one file, which is then analysed like any other."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import on_rollback, person_id
from accounts.bulk import insert_many
from accounts.policy import Permission, require
from diagnostics.kinds import CLINICAL
from diagnostics.models import Diagnosis, Upload
from diagnostics.reasons import Reason, sentence
from diagnostics.services.inspection import Refused
from diagnostics.services.queue import publish_on_commit
from diagnostics.services.uploads import discard_file, keep_file
from diagnostics.states import Status
from ml.clinical.snapshot import Snapshot, Value
from patients.clinical.catalogue import CATALOGUE
from patients.clinical.from_history import facts_of_many
from patients.clinical.selectors import latest_of_many
from patients.models import Patient

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from accounts.actor import Actor
    from patients.clinical.from_history import Fact


@dataclasses.dataclass(frozen=True, slots=True)
class Requested:
    """What became of the wish to assess one record; `known`: the same values were assessed before."""

    diagnosis: Diagnosis
    known: bool

    @property
    def message(self) -> str:
        """A sentence for whoever asked."""
        return sentence(Reason.SAME_VALUES) if self.known else "Accepted; the assessment is queued."


@dataclasses.dataclass(frozen=True, slots=True)
class _File:
    """The values of one patient as they are kept."""

    patient: Patient
    data: bytes
    sha256: str


def request_clinical_diagnosis(actor: Actor, *, patient_id: uuid.UUID) -> Requested:
    """Let the clinical models and the scores assess a patient's current values.

    Raises:
        PermissionDenied: the actor may not have anything analysed.
        Patient.DoesNotExist: the patient is not the actor's.
        diagnostics.services.inspection.Refused: there are no values, or the storage is away.
    """
    (answer,) = request_clinical_diagnoses(actor, patient_ids=[patient_id]).values()
    if isinstance(answer, Refused):
        raise answer
    return answer


@transaction.atomic
def request_clinical_diagnoses(
    actor: Actor, *, patient_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Requested | Refused]:
    """The same for many patients, with as many statements as for one; by patient, in the order given.

    Raises:
        PermissionDenied: the actor may not have anything analysed.
        Patient.DoesNotExist: one of the patients is not the actor's; nothing is queued.
        diagnostics.services.inspection.Refused: the storage is away; nothing is queued.
    """
    require(actor, Permission.UPLOAD)
    wanted = list(dict.fromkeys(patient_ids))
    patients = Patient.objects.visible_to(actor).in_bulk(wanted)
    if len(patients) < len(wanted):
        raise Patient.DoesNotExist
    _lock(wanted)
    files = _files(actor, [patients[patient_id] for patient_id in wanted])
    known = _known(files)
    new = [file for file in files if file.patient.pk not in known]
    made = dict(zip([file.patient.pk for file in new], _queue(actor, new), strict=True))
    answers: dict[uuid.UUID, Requested | Refused] = {}
    for patient_id in wanted:
        if patient_id in made:
            answers[patient_id] = Requested(made[patient_id], known=False)
        elif patient_id in known:
            answers[patient_id] = Requested(known[patient_id], known=True)
        else:
            answers[patient_id] = Refused(Reason.NO_CLINICAL_VALUES)
        _note(patient_id, answers[patient_id])
    return answers


def _lock(patient_ids: Sequence[uuid.UUID]) -> None:
    """Let one transaction at a time assess a patient, so that two clicks do not make two diagnoses."""
    names = sorted(f"assess {patient_id}" for patient_id in patient_ids)  # the same order everywhere
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name", [names]
        )


def _files(actor: Actor, patients: Sequence[Patient]) -> list[_File]:
    """The canonical file of every patient who has values."""
    latest, history = latest_of_many(actor, patients), facts_of_many(actor, patients)
    files = []
    for patient in patients:
        if patient.pk in latest:
            data = snapshot_of(patient, latest[patient.pk], history.get(patient.pk, {})).as_bytes()
            files.append(_File(patient, data, hashlib.sha256(data).hexdigest()))
    return files


def snapshot_of(
    patient: Patient, latest: Mapping[str, tuple[Decimal, dt.datetime]], history: Mapping[str, Fact]
) -> Snapshot:
    """What is known of a patient now: values by code with their times, and what the history says where nothing was entered."""
    told = {code: Value(1.0, "", fact.recorded_at.isoformat(), fact.source) for code, fact in history.items()}
    values = told | {
        code: Value(float(value), CATALOGUE[code].unit, measured_at.isoformat())
        for code, (value, measured_at) in latest.items()
    }
    return Snapshot(patient.age(), patient.sex, values, settings.SCORE2_REGION or None)


def _known(files: Sequence[_File]) -> dict[uuid.UUID, Diagnosis]:
    """Diagnoses of the very same files, by patient."""
    rows = Upload.objects.filter(
        patient__in=[file.patient.pk for file in files], sha256__in=[file.sha256 for file in files]
    )
    uploads = dict(rows.values_list("pk", "sha256"))
    wanted = {(file.patient.pk, file.sha256) for file in files}
    return {
        diagnosis.patient_id: diagnosis
        for diagnosis in Diagnosis.objects.filter(upload__in=uploads).select_related("upload")
        if (diagnosis.patient_id, uploads[diagnosis.upload_id]) in wanted
    }


def _queue(actor: Actor, files: Sequence[_File]) -> list[Diagnosis]:
    now = timezone.now()
    uploads = [
        Upload(
            patient=file.patient,
            uploaded_by_id=person_id(actor),
            uploaded_at=now,
            original_name=f"Clinical record, {now:%-d %b %Y}",
            media_type=CLINICAL[0],
            size=len(file.data),
            sha256=file.sha256,
            storage_name=_kept(file.data),
        )
        for file in files
    ]
    diagnoses = [
        Diagnosis(
            upload=upload,
            patient=file.patient,
            status=Status.QUEUED,
            message="Waiting for a worker.",
            created_at=now,
            queued_at=now,
        )
        for upload, file in zip(uploads, files, strict=True)
    ]
    insert_many(uploads)
    insert_many(diagnoses)
    publish_on_commit(diagnoses)
    return diagnoses


def _kept(data: bytes) -> str:
    """Store a file; it is taken back if the transaction is. Raises Refused if the storage is away."""
    stored = keep_file(io.BytesIO(data), CLINICAL[0])
    on_rollback(lambda: discard_file(stored))
    return stored


def _note(patient_id: uuid.UUID, answer: Requested | Refused) -> None:
    if isinstance(answer, Refused):
        detail = {"reason_code": answer.reason.value}
        audit.record(audit.Action.CREATE, outcome=audit.Outcome.REFUSED, patient_id=patient_id, detail=detail)
    elif answer.known:
        detail = {"reason_code": Reason.SAME_VALUES.value}
        audit.record(audit.Action.READ, obj=answer.diagnosis, patient_id=patient_id, detail=detail)
    else:
        upload = answer.diagnosis.upload
        detail = {"sha256": upload.sha256, "diagnosis": str(answer.diagnosis.pk), "values": "current"}
        audit.record(audit.Action.CREATE, obj=upload, patient_id=patient_id, detail=detail)
