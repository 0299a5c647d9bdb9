"""What a person uploads for a patient: files, a folder or archives, as one batch with a verdict for each file."""

from __future__ import annotations

import functools
from typing import IO, TYPE_CHECKING

from accounts.policy import Permission, require
from diagnostics.imaging import refusals
from diagnostics.imaging.archives import arriving
from diagnostics.imaging.arrivals import Hall, in_batches
from diagnostics.imaging.ingest import take_in
from diagnostics.models import DicomStudy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.actor import Actor
    from diagnostics.imaging.arrivals import Arrival, InstanceVerdict
    from patients.models import Patient


def upload_objects(actor: Actor, *, patient: Patient, files: Iterable[IO[bytes]]) -> list[InstanceVerdict]:
    """File what is of the patient, hold what may not be, refuse what is no DICOM object.

    Raises:
        PermissionDenied: the actor may not upload.
    """
    require(actor, Permission.UPLOAD)
    take = functools.partial(_take, actor, patient)
    with Hall() as hall:
        verdicts = list(in_batches(arriving(hall, files), take))
    refusals.note(actor, verdicts, door=DicomStudy.Door.WEB)
    return verdicts


def _take(actor: Actor, patient: Patient, batch: list[Arrival]) -> list[InstanceVerdict]:
    return take_in(actor, batch, door=DicomStudy.Door.WEB, patient=patient)
