"""Taking files in."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.actor import on_rollback, person_id
from accounts.models import AuditEvent
from accounts.policy import Permission, require
from diagnostics.kinds import EXTENSIONS, is_picture
from diagnostics.models import Diagnosis, Upload
from diagnostics.reasons import Reason, sentence
from diagnostics.services.inspection import Inspected, Refused, inspect
from diagnostics.services.queue import publish_on_commit
from diagnostics.services.second_opinions import ask_for_known
from diagnostics.states import Status
from patients.models import Patient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.actor import Actor

log = logging.getLogger(__name__)
LONGEST_NAME = 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one file of a batch."""

    filename: str
    accepted: bool
    upload_id: uuid.UUID | None = None
    diagnosis_id: uuid.UUID | None = None
    reason_code: str | None = None
    message: str

    def as_json(self) -> dict[str, Any]:
        """The fields, ids as text."""
        fields = dataclasses.asdict(self)
        return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in fields.items()}


@dataclasses.dataclass(slots=True)
class Arrival:
    """A file that passed the inspection, and what became of it: refused by the storage, queued, or known from before."""

    name: str
    file: IO[bytes]
    inspected: Inspected
    stored: str = ""
    outcome: Refused | Diagnosis | None = None
    known: bool = False


def submit_uploads(
    actor: Actor, *, patient_id: uuid.UUID | str, files: Sequence[Any], second_opinions: bool = False
) -> list[Verdict]:
    """Take a batch of files for one patient; answers per file, accepted or refused with a reason.

    A refused file leaves nothing behind and does not hold back the others. With `second_opinions` every model of pictures
    is asked, about a picture that is known already too.

    Raises:
        PermissionDenied: the actor may not upload.
    """
    require(actor, Permission.UPLOAD)
    patient = _find(actor, patient_id)
    checked = [_check(patient, position, file) for position, file in enumerate(files)]
    if patient is not None:
        arrivals = [one for one in checked if isinstance(one, Arrival)]
        _take(actor, patient, arrivals, second_opinions=second_opinions)
    return [
        _verdict(clean_name(file.name), one, patient, second_opinions=second_opinions)
        for file, one in zip(files, checked, strict=True)
    ]


def _check(patient: Patient | None, position: int, file: IO[bytes]) -> Arrival | Refused:
    try:
        if patient is None:
            raise Refused(Reason.PATIENT_NOT_FOUND)
        if position >= settings.UPLOAD_MAX_FILES:
            raise Refused(Reason.TOO_MANY, limit=settings.UPLOAD_MAX_FILES)
        return Arrival(clean_name(file.name), file, inspect(file))
    except Refused as refusal:
        return refusal


def _take(actor: Actor, patient: Patient, arrivals: Sequence[Arrival], *, second_opinions: bool) -> None:
    """Store and queue the files that the patient's record does not hold yet."""
    known = _known(patient, [arrival.inspected.sha256 for arrival in arrivals])
    new: dict[str, Arrival] = {}
    for arrival in arrivals:
        sha256 = arrival.inspected.sha256
        if sha256 in known:
            arrival.outcome, arrival.known = known[sha256], True
        elif sha256 not in new and _stored(arrival):
            new[sha256] = arrival
    _queue(actor, patient, list(new.values()), second_opinions=second_opinions)
    for arrival in arrivals:
        if arrival.outcome is None:  # the same file as an earlier one of this batch
            arrival.outcome, arrival.known = new[arrival.inspected.sha256].outcome, True


def _verdict(
    name: str, checked: Arrival | Refused, patient: Patient | None, *, second_opinions: bool
) -> Verdict:
    """The answer to one file, noted in the audit trail."""
    patient_id = patient.pk if patient else None
    outcome = checked.outcome if isinstance(checked, Arrival) else checked
    if outcome is None:
        raise LookupError("nothing has become of a file of this batch")
    if isinstance(outcome, Refused):
        code, refused = outcome.reason.value, AuditEvent.Outcome.REFUSED
        detail = {"reason_code": code}
        audit.record(audit.Action.CREATE, outcome=refused, patient_id=patient_id, detail=detail)
        return Verdict(filename=name, accepted=False, reason_code=code, message=outcome.message)
    if isinstance(checked, Arrival) and checked.known:
        reason = ask_for_known(outcome) if second_opinions else Reason.DUPLICATE
        detail = {"reason_code": reason.value}
        audit.record(audit.Action.READ, obj=outcome, patient_id=patient_id, detail=detail)
        return known_verdict(name, outcome, reason)
    detail = {"sha256": outcome.upload.sha256, "diagnosis": str(outcome.pk)}
    audit.record(audit.Action.CREATE, obj=outcome.upload, patient_id=patient_id, detail=detail)
    return Verdict(
        filename=name,
        accepted=True,
        upload_id=outcome.upload_id,
        diagnosis_id=outcome.pk,
        message="Accepted; the analysis is queued.",
    )


def clean_name(name: str | None) -> str:
    """The uploader's file name, fit to be shown: the last part only, without control characters, at most 200 characters."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-LONGEST_NAME:] or "unnamed"


def _find(actor: Actor, patient_id: uuid.UUID | str) -> Patient | None:
    try:
        return Patient.objects.visible_to(actor).filter(pk=uuid.UUID(str(patient_id))).first()
    except ValueError:
        return None


def _stored(arrival: Arrival) -> bool:
    """Write the bytes; False, with the refusal noted, if the storage is away."""
    try:
        arrival.stored = keep_file(arrival.file, arrival.inspected.media_type)
    except Refused as refusal:
        arrival.outcome = refusal
        return False
    on_rollback(lambda: discard_file(arrival.stored))
    return True


def _queue(actor: Actor, patient: Patient, arrivals: Sequence[Arrival], *, second_opinions: bool) -> None:
    """Create uploads and diagnoses together; one by one if one of the files arrived elsewhere at the same moment."""
    try:
        with transaction.atomic():
            diagnoses = _create(actor, patient, arrivals, second_opinions=second_opinions)
    except IntegrityError:
        if len(arrivals) > 1:
            for arrival in arrivals:
                _queue(actor, patient, [arrival], second_opinions=second_opinions)
            return
        (arrival,) = arrivals
        discard_file(arrival.stored)
        known = _known(patient, [arrival.inspected.sha256])
        if not known:
            raise
        arrival.outcome, arrival.known = known[arrival.inspected.sha256], True
    else:
        for arrival, diagnosis in zip(arrivals, diagnoses, strict=True):
            arrival.outcome = diagnosis
        publish_on_commit(diagnoses)


def _create(
    actor: Actor, patient: Patient, arrivals: Sequence[Arrival], *, second_opinions: bool
) -> list[Diagnosis]:
    uploads = Upload.objects.bulk_create(
        Upload(
            patient=patient,
            uploaded_by_id=person_id(actor),
            original_name=arrival.name,
            media_type=arrival.inspected.media_type,
            size=arrival.inspected.size,
            sha256=arrival.inspected.sha256,
            storage_name=arrival.stored,
        )
        for arrival in arrivals
    )
    waiting = {"status": Status.QUEUED, "message": "Waiting for a worker."}
    return Diagnosis.objects.bulk_create(
        Diagnosis(
            upload=upload,
            patient=patient,
            second_opinions=second_opinions and is_picture(upload.media_type),
            **waiting,
        )
        for upload in uploads
    )


def _known(patient: Patient, hashes: Sequence[str]) -> dict[str, Diagnosis]:
    """Diagnoses of files that the patient's record holds already, by the file's SHA-256."""
    # The uploads first, by their index: mostly there are none, and nothing else need be read.
    uploads = list(Upload.objects.filter(patient=patient, sha256__in=hashes).values_list("pk", flat=True))
    rows = Diagnosis.objects.filter(upload__in=uploads).select_related("upload")
    return {row.upload.sha256: row for row in rows}


def known_verdict(name: str, diagnosis: Diagnosis, reason: Reason) -> Verdict:
    """The answer to a file that the patient's record already holds."""
    return Verdict(
        filename=name,
        accepted=True,
        upload_id=diagnosis.upload_id,
        diagnosis_id=diagnosis.pk,
        reason_code=reason.value,
        message=sentence(reason),
    )


def keep_file(file: IO[bytes], media_type: str) -> str:
    """Write the bytes under a name that says nothing about the patient. Raises Refused if the storage is away."""
    key = uuid.uuid4().hex
    name = f"uploads/{key[:2]}/{key}.{EXTENSIONS[media_type]}"
    try:
        return default_storage.save(name, File(file))
    except Exception as error:  # each storage back end raises its own
        log.exception("storage refused an upload")
        discard_file(name)  # the part that fitted on a full disk
        raise Refused(Reason.STORAGE) from error


def discard_file(stored: str) -> None:
    """Take a stored file back; if the storage is away, it stays there without a name in the database."""
    try:
        default_storage.delete(stored)
    except Exception:
        log.exception("stored file %s could not be deleted", stored)
