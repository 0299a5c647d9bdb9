"""What was refused at a door, for those who sent it: written by every door, kept for some days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from accounts.actor import person_id
from diagnostics.imaging.reasons import ImagingReason, sentence
from diagnostics.models import DicomStudy, RefusedObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.actor import Actor
    from diagnostics.imaging.arrivals import InstanceVerdict

_AGAIN = dt.timedelta(hours=1)  # the same device is told of once in this time
_MOST_STRANGERS = 50  # in that time: a scan of the network does not fill the table


def note(
    actor: Actor, verdicts: Iterable[InstanceVerdict], *, door: DicomStudy.Door, calling: str = ""
) -> None:
    """Keep why files of a batch were refused, if any were.

    Args:
        actor: who sent them.
        verdicts: about all files; those that were accepted leave nothing here.
        door: how they came.
        calling: the AE title or the visible part of the key.
    """
    rows = [
        RefusedObject(
            door=door,
            received_by_id=person_id(actor),
            calling=calling[:32],
            filename=one.filename[:200],
            study_uid=one.study_uid[:64],
            sop_uid=one.sop_uid[:64],
            reason_code=one.reason_code,
            message=one.message[:500],
        )
        for one in verdicts
        if not one.accepted
    ]
    if rows:
        RefusedObject.objects.bulk_create(rows)


def note_stranger(*, calling: str, called: str, title: str, address: str) -> None:
    """As the system: keep that a device was not let in, for administrators; what is told already or too much is left out.

    Args:
        calling: the AE title that it gave.
        called: the AE title that it asked for.
        title: ours.
        address: where it called from.
    """
    words = sentence(
        ImagingReason.UNKNOWN_PEER,
        calling=calling or "nothing",
        called=called or "nothing",
        title=title,
        address=address,
    )
    lately = RefusedObject.objects.filter(
        reason_code=ImagingReason.UNKNOWN_PEER.value, received_at__gt=timezone.now() - _AGAIN
    )
    if lately.count() >= _MOST_STRANGERS or lately.filter(message=words).exists():
        return
    RefusedObject.objects.create(
        door=DicomStudy.Door.CSTORE,
        received_by=None,
        calling=calling[:32],
        reason_code=ImagingReason.UNKNOWN_PEER.value,
        message=words[:500],
    )


def remove_old() -> int:
    """As the system: remove what is older than DICOM_REFUSALS_DAYS. How many there were."""
    oldest = timezone.now() - dt.timedelta(days=settings.DICOM_REFUSALS_DAYS)
    return RefusedObject.objects.filter(received_at__lt=oldest).delete()[0]
