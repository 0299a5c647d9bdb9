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
from diagnostics.models import Diagnosis, Upload
from diagnostics.reasons import Reason, sentence
from diagnostics.services.inspection import Inspected, Refused, inspect
from diagnostics.services.queue import publish_on_commit
from diagnostics.states import Status
from patients.models import Patient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.actor import Actor

log = logging.getLogger(__name__)
LONGEST_NAME = 200
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


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


def submit_uploads(actor: Actor, *, patient_id: uuid.UUID | str, files: Sequence[Any]) -> list[Verdict]:
    """Take a batch of files for one patient; answers per file, accepted or refused with a reason.

    A refused file leaves nothing behind and does not hold back the others.

    Raises:
        PermissionDenied: the actor may not upload.
    """
    require(actor, Permission.UPLOAD)
    patient = _find(actor, patient_id)
    verdicts = []
    for position, file in enumerate(files):
        name = clean_name(file.name)
        try:
            if patient is None:
                raise Refused(Reason.PATIENT_NOT_FOUND)
            if position >= settings.UPLOAD_MAX_FILES:
                raise Refused(Reason.TOO_MANY, limit=settings.UPLOAD_MAX_FILES)
            verdicts.append(_submit(actor, patient, name, file))
        except Refused as refusal:
            audit.record(
                audit.Action.CREATE,
                outcome=AuditEvent.Outcome.REFUSED,
                patient_id=patient.pk if patient else None,
                detail={"reason_code": refusal.reason.value},
            )
            verdicts.append(
                Verdict(
                    filename=name, accepted=False, reason_code=refusal.reason.value, message=refusal.message
                )
            )
    return verdicts


def clean_name(name: str | None) -> str:
    """The uploader's file name, fit to be shown: the last part only, without control characters, at most 200 characters."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-LONGEST_NAME:] or "unnamed"


def _find(actor: Actor, patient_id: uuid.UUID | str) -> Patient | None:
    try:
        return Patient.objects.visible_to(actor).filter(pk=uuid.UUID(str(patient_id))).first()
    except ValueError:
        return None


def _submit(actor: Actor, patient: Patient, name: str, file: IO[bytes]) -> Verdict:
    """Inspect, store and queue one file. Raises Refused."""
    inspected = inspect(file)
    if known := _known(patient, inspected.sha256):
        audit.record(
            audit.Action.READ,
            obj=known,
            patient_id=patient.pk,
            detail={"reason_code": Reason.DUPLICATE.value},
        )
        return known_verdict(name, known)
    stored = _store(file, inspected)
    on_rollback(lambda: _discard(stored))
    try:
        with transaction.atomic():
            upload = Upload.objects.create(
                patient=patient,
                uploaded_by_id=person_id(actor),
                original_name=name,
                media_type=inspected.media_type,
                size=inspected.size,
                sha256=inspected.sha256,
                storage_name=stored,
            )
            diagnosis = Diagnosis.objects.create(
                upload=upload, patient=patient, status=Status.QUEUED, message="Waiting for a worker."
            )
    except IntegrityError:  # the same file arrived twice at the same moment
        _discard(stored)
        known = _known(patient, inspected.sha256)
        if known is None:
            raise
        return known_verdict(name, known)
    except BaseException:
        _discard(stored)
        raise
    detail = {"sha256": inspected.sha256, "diagnosis": str(diagnosis.pk)}
    audit.record(audit.Action.CREATE, obj=upload, patient_id=patient.pk, detail=detail)
    publish_on_commit(diagnosis)
    return Verdict(
        filename=name,
        accepted=True,
        upload_id=upload.pk,
        diagnosis_id=diagnosis.pk,
        message="Accepted; the analysis is queued.",
    )


def _known(patient: Patient, sha256: str) -> Diagnosis | None:
    return Diagnosis.objects.filter(upload__patient=patient, upload__sha256=sha256).first()


def known_verdict(name: str, diagnosis: Diagnosis) -> Verdict:
    """The answer to a file that the patient's record already holds."""
    return Verdict(
        filename=name,
        accepted=True,
        upload_id=diagnosis.upload_id,
        diagnosis_id=diagnosis.pk,
        reason_code=Reason.DUPLICATE.value,
        message=sentence(Reason.DUPLICATE),
    )


def _store(file: IO[bytes], inspected: Inspected) -> str:
    """Write the bytes under a name that says nothing about the patient. Raises Refused if the storage is away."""
    key = uuid.uuid4().hex
    name = f"uploads/{key[:2]}/{key}.{EXTENSIONS[inspected.media_type]}"
    try:
        return default_storage.save(name, File(file))
    except Exception as error:  # each storage back end raises its own
        log.exception("storage refused an upload")
        _discard(name)  # the part that fitted on a full disk
        raise Refused(Reason.STORAGE) from error


def _discard(stored: str) -> None:
    """Take a stored file back; if the storage is away, it stays there without a name in the database."""
    try:
        default_storage.delete(stored)
    except Exception:
        log.exception("stored file %s could not be deleted", stored)
