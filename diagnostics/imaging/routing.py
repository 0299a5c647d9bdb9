"""Which model reads what of a study: X-rays by themselves, ECG waveforms as recordings, documents as pages."""

from __future__ import annotations

import hashlib
import io
import logging
from typing import TYPE_CHECKING

from accounts.actor import on_rollback
from diagnostics.imaging.reasons import ImagingReason, sentence
from diagnostics.imaging.storage import stored_object
from diagnostics.kinds import IMAGING, PDF, RECORDINGS
from diagnostics.models import Diagnosis, DicomInstance, Upload
from diagnostics.reasons import Reason
from diagnostics.services.inspection import Inspected, Refused, inspect
from diagnostics.services.queue import publish_on_commit
from diagnostics.services.uploads import discard_file, keep_file
from diagnostics.states import Status
from ml import registry
from ml.chest.reasons import ADULT_YEARS, SENTENCES, ChestReason

if TYPE_CHECKING:
    from diagnostics.models import DicomStudy
    from patients.models import Patient

log = logging.getLogger(__name__)
# Projection radiographs (PS3.3 C.7.3.1.1.1); whether one is a chest that the model reads is for the worker to say.
XRAY = frozenset({"CR", "DX", "RG"})
MODEL = "cxr-heart"
IMAGE, WAVEFORM, DOCUMENT = "image", "waveform", "document"  # of ml.dicom.header.Content


def send_to_models(study: DicomStudy) -> int:
    """Queue a diagnosis for everything new in a study that a model reads, and say of the rest why there is none.

    Part of the caller's transaction. What has an upload or a reason already is left as it is.

    Returns:
        How many diagnoses were queued.
    """
    rows = list(study.instances.filter(upload=None, reason_code="").select_related("series"))
    uploads = {row.pk: _upload(study, row) for row in rows}
    wanted = [upload for upload in uploads.values() if upload]
    known = {row.sha256: row for row in _known(study, wanted)}
    new = {upload.sha256: upload for upload in wanted if upload.sha256 not in known}
    made = {row.sha256: row for row in Upload.objects.bulk_create(new.values())}
    for row in rows:
        upload = uploads[row.pk]
        row.upload = (known | made)[upload.sha256] if upload else None
    DicomInstance.objects.bulk_update(rows, ["upload", "reason_code", "message"], batch_size=200)
    waiting = {"status": Status.QUEUED, "message": "Waiting for a worker."}
    diagnoses = Diagnosis.objects.bulk_create(
        Diagnosis(upload=upload, patient=upload.patient, **waiting) for upload in made.values()
    )
    publish_on_commit(diagnoses)
    return len(diagnoses)


def patient_of(study: DicomStudy) -> Patient:
    """The patient of a filed study. Raises LookupError for a held one, of which nothing is ever diagnosed."""
    if study.patient is None:
        raise LookupError("a held study has no patient")
    return study.patient


def _is_installed() -> bool:
    return any(contract.name == MODEL for contract in registry.contracts())


def _known(study: DicomStudy, wanted: list[Upload]) -> list[Upload]:
    """Uploads of the same bytes that the patient's record holds already."""
    return list(Upload.objects.filter(patient=study.patient_id, sha256__in=[row.sha256 for row in wanted]))


def _upload(study: DicomStudy, row: DicomInstance) -> Upload | None:
    """What the models are given of an instance; None, with the reason noted on it, if there is nothing."""
    if row.content == WAVEFORM:
        return _as_it_is(study, row, RECORDINGS["dicom"][0])
    if row.content == DOCUMENT:
        return _document(study, row)
    if row.content == IMAGE and row.series.modality in XRAY and _is_installed():
        if (age := _age(study)) < ADULT_YEARS:
            row.reason_code = ChestReason.CHILD.value
            row.message = SENTENCES[ChestReason.CHILD].format(age=f"{age} years")
            return None
        return _as_it_is(study, row, IMAGING[0])
    if row.image:
        modality = row.series.modality or "The object does not say what it is"
        row.reason_code = ChestReason.NO_MODEL.value
        row.message = SENTENCES[ChestReason.NO_MODEL].format(what=modality)
    else:
        row.reason_code = ImagingReason.NOTHING_TO_READ.value
        row.message = sentence(ImagingReason.NOTHING_TO_READ)
    return None


def _age(study: DicomStudy) -> int:
    """How old the patient of the record was, years, of which objects often say nothing; at arrival where the date cannot be."""
    patient, received = patient_of(study), study.received_at.date()
    taken = study.study_date
    return patient.age(taken if taken and patient.birth_date <= taken <= received else received)


def _as_it_is(study: DicomStudy, row: DicomInstance, media_type: str) -> Upload:
    """An upload of the object itself; the stored file serves both."""
    return Upload(
        patient=patient_of(study),
        uploaded_by_id=study.received_by_id,
        original_name=_name(study, row),
        media_type=media_type,
        size=row.size,
        sha256=row.sha256,
        storage_name=row.storage_name,
    )


def _document(study: DicomStudy, row: DicomInstance) -> Upload | None:
    """An upload of the document in an object (PS3.3 C.24.2), judged like any other upload."""
    from ml.dicom.document import document_of
    from ml.dicom.opening import open_dicom
    from ml.dicom.reasons import UnusableDicom

    try:
        with stored_object(row) as path:
            data = document_of(open_dicom(path))
        inspected = _inspected(data)
        stored = keep_file(io.BytesIO(data), inspected.media_type)
    except UnusableDicom as refusal:
        row.reason_code, row.message = refusal.reason_code, refusal.message
        return None
    except Refused as refusal:
        row.reason_code, row.message = refusal.reason.value, refusal.message
        return None
    on_rollback(lambda: discard_file(stored))
    return Upload(
        patient=patient_of(study),
        uploaded_by_id=study.received_by_id,
        original_name=_name(study, row),
        media_type=inspected.media_type,
        size=inspected.size,
        sha256=hashlib.sha256(data).hexdigest(),
        storage_name=stored,
    )


def _inspected(data: bytes) -> Inspected:
    inspected = inspect(io.BytesIO(data))
    if inspected.media_type != PDF[0]:
        raise Refused(Reason.UNKNOWN_TYPE, found="no PDF document")
    return inspected


def _name(study: DicomStudy, row: DicomInstance) -> str:
    """What lists call it."""
    place = f", image {row.number}" if row.number is not None else ""
    of = study.description or row.series.description or row.series.modality or "DICOM"
    return f"{of}{place}"[:200]
