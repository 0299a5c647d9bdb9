"""Sending objects as the doors do."""

from __future__ import annotations

import pytest

from accounts.actor import acting_as
from diagnostics.imaging.archives import arriving
from diagnostics.imaging.arrivals import Hall, in_batches
from diagnostics.imaging.ingest import take_in
from diagnostics.models import DicomStudy
from tests import dicoms, factories


@pytest.fixture
def patient(doctor):
    return factories.patient(team=(doctor,), mrn="MRN-77", given_name="Zoë", family_name="Müller")


@pytest.fixture
def send(doctor):
    """Take files in as a door does; the verdicts."""

    def sent(*files, to=None, by=doctor, door=DicomStudy.Door.WEB):
        uploads = [
            dicoms.named(f"{place}.dcm", file) if isinstance(file, bytes) else file
            for place, file in enumerate(files)
        ]
        with acting_as(by), Hall() as hall:
            return list(
                in_batches(arriving(hall, uploads), lambda batch: take_in(by, batch, door=door, patient=to))
            )

    return sent
