"""Copies of studies without the patient's identity: asked for by a doctor, made by a worker, kept for some hours for download.

PostgreSQL is the truth, as for deliveries: a lost message is sent again by the sweeper, and a copy that two workers made counts once.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import functools
import logging
import tempfile
import time
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, require
from diagnostics.imaging import selectors
from diagnostics.imaging.storage import Movable, stored_object
from diagnostics.models import DicomInstance, StudyExport
from diagnostics.services import queue
from diagnostics.services.claims import ClaimLost
from diagnostics.services.uploads import discard_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.actor import Actor
    from diagnostics.models import DicomStudy
    from ml.dicom.identity import Known

log = logging.getLogger(__name__)
EXPORT_STUDIES = "worker.export_studies"
MOST_ATTEMPTS = 3
AT_ONCE = 5
_LEASE_S, _PAUSE_S, _TOLD_EVERY_S = 300, 30, 1.0
Status = StudyExport.Status
ABOUT = """Copy of a study without the patient's identity
===============================================

Treated by the Basic Application Level Confidentiality Profile of DICOM
PS3.15 with modified dates: names, numbers and private attributes are
removed, dates are moved by one number of days for all objects of the
patient, UIDs and the pseudonym are keyed hashes. Documents and reports come
out without their content.

No rule about attributes removes words that stand in a picture. LOOK AT EVERY
PICTURE before you pass this copy on. Faces and unusual anatomy are not
looked for. Research use, not for diagnostic use.

{written} of {total} objects are in this copy.
{remarks}"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A copy in the storage.

    Attributes:
        storage_name, size: where it lies, bytes.
        written: how many objects are in it.
        remarks: as `StudyExport.remarks`.
    """

    storage_name: str
    size: int
    written: int
    remarks: list[dict[str, Any]]


@transaction.atomic
def request(actor: Actor, *, study_id: uuid.UUID) -> StudyExport:
    """Have a copy made, in the place of an earlier one; one that is being made is left as it is.

    Raises:
        PermissionDenied, DicomStudy.DoesNotExist: not allowed, not a filed study of the actor's.
    """
    require(actor, Permission.EXPORT_STUDIES)
    study = selectors.get_filed(actor, study_id)
    row, made = (
        StudyExport.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .get_or_create(study=study, defaults={"requested_by_id": person_id(actor)})
    )
    if not made and row.status == Status.WAITING:
        return row
    if row.storage_name:
        transaction.on_commit(functools.partial(discard_file, row.storage_name), robust=True)
    row.requested_by_id, row.requested_at, row.next_try_at = person_id(actor), timezone.now(), timezone.now()
    row.status, row.attempts, row.message, row.storage_name = Status.WAITING, 0, "Waiting for a worker.", ""
    row.done, row.written, row.size, row.remarks, row.expires_at = 0, 0, 0, [], None
    row.total = DicomInstance.objects.visible_to(actor).filter(study=study).count()
    row.save()
    detail = {"deidentified": "asked for", "instances": row.total}
    audit.record(audit.Action.EXPORT, obj=study, patient_id=study.patient_id, detail=detail)
    queue.tell_on_commit(EXPORT_STUDIES)
    return row


def of_study(actor: Actor, study: DicomStudy) -> StudyExport | None:
    """The copy of a study that the actor may export, however far it has come.

    Raises:
        PermissionDenied: not allowed.
    """
    require(actor, Permission.EXPORT_STUDIES)
    return StudyExport.objects.visible_to(actor).filter(study=study).select_related("requested_by").first()


def tidy() -> int:
    """As the system: remove copies whose time is over, and give up what was lost with a worker too often. How many there were."""
    now = timezone.now()
    rows = StudyExport.objects.select_for_update(skip_locked=True)
    gone = list(rows.filter(status=Status.READY, expires_at__lte=now)[:AT_ONCE])
    for row in gone:
        transaction.on_commit(functools.partial(discard_file, row.storage_name), robust=True)
        row.status, row.storage_name, row.message = (
            Status.REMOVED,
            "",
            "The copy was removed when its time was over.",
        )
        row.save(update_fields=["status", "storage_name", "message"])
    lost = StudyExport.objects.filter(
        status=Status.WAITING, next_try_at__lte=now, attempts__gte=MOST_ATTEMPTS
    )
    given_up = lost.update(
        status=Status.FAILED,
        message=f"The copy could not be made in {MOST_ATTEMPTS} attempts. Ask the administrator to look at the worker's log.",
    )
    return len(gone) + given_up


def due() -> list[uuid.UUID]:
    """As the system: what is to be made now, the oldest first."""
    rows = StudyExport.objects.filter(
        status=Status.WAITING, next_try_at__lte=timezone.now(), attempts__lt=MOST_ATTEMPTS
    )
    return list(rows.order_by("next_try_at").values_list("pk", flat=True)[:AT_ONCE])


def claim(export_id: uuid.UUID) -> StudyExport | None:
    """As the system: take one by one conditional update. None where it is not due, or another worker has it."""
    now = timezone.now()
    rows = StudyExport.objects.filter(pk=export_id, status=Status.WAITING, next_try_at__lte=now)
    if not rows.update(next_try_at=_lease(), attempts=F("attempts") + 1, message="A worker is at it."):
        return None
    return StudyExport.objects.select_related("study__patient").get(pk=export_id)


def objects_of(claimed: StudyExport) -> list[DicomInstance]:
    """As the system: what the copy is made of, in the order of the series."""
    rows = DicomInstance.objects.filter(study=claimed.study_id)
    return list(rows.order_by("series__number", "series__series_uid", "number", "sop_uid"))


def progressed(claimed: StudyExport, done: int) -> None:
    """As the system: note how far it is, which prolongs the claim. Raises ClaimLost when it was taken back."""
    mine = StudyExport.objects.filter(pk=claimed.pk, status=Status.WAITING, attempts=claimed.attempts)
    if not mine.update(done=done, next_try_at=_lease()):
        raise ClaimLost


def _lease() -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=_LEASE_S)


def make(claimed: StudyExport, objects: list[DicomInstance], *, told: Callable[[int], None]) -> Made:
    """Make the copy, object by object, and store it; the database is asked by `told` alone.

    Raises:
        StoredFileMissing, OSError: an object or the disk is away now.
        ClaimLost: as `told` raises it.
    """
    key = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(
        prefix="cardiocare-export-", dir=settings.FILE_UPLOAD_TEMP_DIR
    ) as folder:
        path = Path(folder) / "copy.zip"
        written, remarks = _write(path, _known(claimed.study), objects, told)
        size = path.stat().st_size
        with path.open("rb") as stream:
            name = default_storage.save(f"exports/{key[:2]}/{key}.zip", Movable(stream, path))
    return Made(storage_name=name, size=size, written=written, remarks=remarks)


def _known(study: DicomStudy) -> Known:
    from ml.dicom.identity import Known

    patient = study.patient
    if patient is None:
        raise LookupError("a study of no patient is not exported")
    names = (patient.given_name, patient.family_name)
    return Known(key=str(patient.pk), names=names, numbers=(patient.mrn,))


def _key() -> bytes:
    """The secret of pseudonyms, dates and UIDs."""
    if settings.DICOM_EXPORT_KEY:
        return str(settings.DICOM_EXPORT_KEY).encode()
    return salted_hmac("diagnostics.imaging.deidentified", "pseudonyms", algorithm="sha256").digest()


def _write(
    path: Path, known: Known, objects: list[DicomInstance], told: Callable[[int], None]
) -> tuple[int, list[dict[str, Any]]]:
    """Write the archive; how many objects are in it, and the remarks about them."""
    from ml.dicom.deidentify import deidentify
    from ml.dicom.reasons import UnusableDicom

    remarks: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    written, said_at, key = 0, time.monotonic(), _key()
    single = path.with_name("object.dcm")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, instance in enumerate(objects, start=1):
            name = f"images/{number:04}.dcm"
            try:
                with stored_object(instance) as stored:
                    made = deidentify(stored, key=key, known=known)
                    made.dataset.save_as(single, enforce_file_format=True)
            except UnusableDicom as refusal:
                remarks[refusal.reason_code, f"Left out. {refusal.message}"].append(name)
            else:
                archive.write(single, name)
                written += 1
                for doubt in made.doubts:
                    remarks[doubt.reason_code, doubt.message].append(name)
            if time.monotonic() - said_at >= _TOLD_EVERY_S:
                told(number)
                said_at = time.monotonic()
        archive.writestr("ABOUT.txt", _about(remarks, written=written, total=len(objects)))
    return written, [
        {"reason_code": code, "message": message, "objects": len(names)}
        for (code, message), names in remarks.items()
    ]


def _about(remarks: dict[tuple[str, str], list[str]], *, written: int, total: int) -> str:
    said = "".join(f"\n{message}\n  {', '.join(names)}\n" for (_, message), names in remarks.items())
    return ABOUT.format(written=written, total=total, remarks=said)


@transaction.atomic
def note_made(claimed: StudyExport, made: Made) -> bool:
    """As the system: the copy is there. False, and it is taken back, where another attempt has begun since."""
    kept = StudyExport.objects.filter(pk=claimed.pk, status=Status.WAITING, attempts=claimed.attempts)
    empty = not made.written
    changed = kept.update(
        status=Status.FAILED if empty else Status.READY,
        message="None of the objects can be read, so that nothing could be copied." if empty else "",
        done=claimed.total,
        written=made.written,
        remarks=made.remarks,
        storage_name="" if empty else made.storage_name,
        size=made.size,
        expires_at=timezone.now() + dt.timedelta(hours=settings.DICOM_EXPORT_HOURS),
    )
    if empty or not changed:
        discard_file(made.storage_name)
    return bool(changed)


def note_failed(claimed: StudyExport) -> None:
    """As the system: it did not work now, and is tried again after a pause."""
    mine = StudyExport.objects.filter(pk=claimed.pk, status=Status.WAITING, attempts=claimed.attempts)
    pause = timezone.now() + dt.timedelta(seconds=_PAUSE_S)
    mine.update(next_try_at=pause, message="A stored file cannot be read now. It is tried again by itself.")
