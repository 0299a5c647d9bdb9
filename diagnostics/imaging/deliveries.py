"""Sending results to the configured archive: asked for by a doctor, done by a worker, tried again while the archive is away.

PostgreSQL is the truth: a message that is lost is sent again by the sweeper, and what is sent twice is one object in the archive.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, require
from diagnostics.imaging import exports
from diagnostics.imaging.reasons import ImagingReason, ImagingRefused
from diagnostics.models import ArchiveDelivery
from diagnostics.services import queue
from diagnostics.services.claims import StoredFileMissing

if TYPE_CHECKING:
    import uuid

    from accounts.actor import Actor

log = logging.getLogger(__name__)
SEND_RESULTS = "worker.send_results"
MOST_ATTEMPTS = 10
AT_ONCE = 20
_LEASE_S = 300
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30, 6 * 3600
Status = ArchiveDelivery.Status


@transaction.atomic
def request(actor: Actor, *, prediction_id: uuid.UUID) -> ArchiveDelivery:
    """Have a result sent. One that was refused or given up is tried again; one that is on its way or there is left as it is.

    Raises:
        PermissionDenied, Prediction.DoesNotExist: not allowed, not the actor's.
        ImagingRefused: no archive is configured, or nothing was measured.
    """
    require(actor, Permission.SEND_RESULTS)
    prediction = exports.get_prediction(actor, prediction_id)
    if not settings.DICOM_ARCHIVE_URL:
        raise ImagingRefused(ImagingReason.NO_ARCHIVE)
    if not exports.is_exportable(prediction):
        raise ImagingRefused(ImagingReason.NOTHING_MEASURED)
    row, made = (
        ArchiveDelivery.objects.visible_to(actor)
        .select_for_update()
        .get_or_create(prediction=prediction, defaults={"requested_by_id": person_id(actor)})
    )
    if not made and row.status in {Status.WAITING, Status.SENT}:
        return row
    row.requested_by_id, row.requested_at, row.next_try_at = person_id(actor), timezone.now(), timezone.now()
    row.status, row.attempts, row.message = Status.WAITING, 0, "Waiting for a worker."
    row.save()
    patient = prediction.diagnosis.patient_id
    audit.record(audit.Action.EXPORT, obj=prediction, patient_id=patient, detail={"archive": "asked for"})
    queue.tell_on_commit(SEND_RESULTS)
    return row


def due() -> list[uuid.UUID]:
    """As the system: what is to be tried now, the oldest first."""
    rows = ArchiveDelivery.objects.filter(status=Status.WAITING, next_try_at__lte=timezone.now())
    return list(rows.order_by("next_try_at").values_list("pk", flat=True)[:AT_ONCE])


def claim(delivery_id: uuid.UUID) -> ArchiveDelivery | None:
    """As the system: take a delivery by one conditional update. None where it is not due, or another worker has it.

    While it is tried its time lies ahead, so nobody else takes it; a worker that is lost with it gives it free after the lease.
    """
    now = timezone.now()
    rows = ArchiveDelivery.objects.filter(pk=delivery_id, status=Status.WAITING, next_try_at__lte=now)
    lease = now + dt.timedelta(seconds=_LEASE_S)
    if not rows.update(next_try_at=lease, attempts=F("attempts") + 1):
        return None
    related = [f"prediction__{name}" for name in exports.WHOLE]
    return ArchiveDelivery.objects.select_related(*related).get(pk=delivery_id)


def deliver(claimed: ArchiveDelivery) -> tuple[ArchiveDelivery.Status, str]:
    """Make the objects and send them; the database is not asked, so that no transaction waits for the archive.

    Returns:
        How far it has come, and a sentence.
    """
    from ml.dicom.reasons import UnusableDicom
    from ml.dicom.sending import ArchiveRefused, ArchiveUnreachable, send

    try:
        objects = [make(claimed.prediction) for make in (exports.report_of, exports.capture_of)]
        send(objects, url=settings.DICOM_ARCHIVE_URL, token=settings.DICOM_ARCHIVE_TOKEN)
    except (ArchiveRefused, UnusableDicom, ImagingRefused) as refusal:
        return Status.REFUSED, str(refusal)
    except ArchiveUnreachable as failure:
        return _later(claimed, str(failure))
    except StoredFileMissing:
        log.exception("delivery %s: the image is not in the storage", claimed.pk)
        return _later(claimed, "The stored image cannot be read now.")
    return Status.SENT, "Report and image are in the archive."


def _later(claimed: ArchiveDelivery, message: str) -> tuple[ArchiveDelivery.Status, str]:
    if claimed.attempts >= MOST_ATTEMPTS:
        return (
            Status.GIVEN_UP,
            f"{message} It was tried {claimed.attempts} times; send it again once the archive answers.",
        )
    return Status.WAITING, f"{message} It is tried again by itself."


@transaction.atomic
def note(claimed: ArchiveDelivery, status: ArchiveDelivery.Status, message: str) -> bool:
    """As the system: write down how far a delivery has come. False, and nothing changes, where another attempt has begun since."""
    now = timezone.now()
    changed = ArchiveDelivery.objects.filter(
        pk=claimed.pk, status=Status.WAITING, attempts=claimed.attempts
    ).update(
        status=status,
        message=message[:500],
        sent_at=now if status == Status.SENT else None,
        next_try_at=now + dt.timedelta(seconds=pause_s(claimed.attempts)),
    )
    if changed and status != Status.WAITING:
        detail = {"archive": str(status), "attempts": claimed.attempts}
        patient = claimed.prediction.diagnosis.patient_id
        audit.record(audit.Action.EXPORT, obj=claimed.prediction, patient_id=patient, detail=detail)
    return bool(changed)


def pause_s(attempts: int) -> float:
    """How long to wait after so many attempts: half a minute, doubled each time, six hours at most."""
    return float(min(_FIRST_PAUSE_S * 2 ** (attempts - 1), _LONGEST_PAUSE_S))
