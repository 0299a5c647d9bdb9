"""What is kept of an analysed recording: its findings, and the tiles of its signal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from diagnostics.models import Recording

if TYPE_CHECKING:
    from diagnostics.models import Diagnosis
    from diagnostics.services.claims import Claim
    from ml.contract import RecordingFindings


class SignalStore:
    """Where one attempt keeps the tiles of its signal. Raises OSError or what the storage raises when it is away."""

    def __init__(self, claimed: Claim) -> None:
        self.prefix = f"signals/{claimed.diagnosis_id}/{claimed.attempt}"
        self.discard()  # of an attempt of this number that was lost before it could record anything

    def __call__(self, name: str, data: bytes) -> None:
        """Keep one tile."""
        default_storage.save(f"{self.prefix}/{name}", ContentFile(data))

    def discard(self) -> None:
        """Take back every tile; what cannot be deleted stays without a name in the database."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for name in default_storage.listdir(self.prefix)[1]:
                default_storage.delete(f"{self.prefix}/{name}")


def discard_unless_kept(claimed: Claim) -> None:
    """Take back the signal of an attempt whose findings were not stored, because it no longer held its claim.

    Asks the database: that a result was stored may not have been heard of.
    """
    if not Recording.objects.filter(pk=claimed.diagnosis_id, attempt=claimed.attempt).exists():
        SignalStore(claimed).discard()


def store_findings(diagnosis: Diagnosis, attempt: int, findings: RecordingFindings) -> Recording:
    """Insert what was found; part of the transaction that records the result."""
    return Recording.objects.create(
        diagnosis=diagnosis,
        attempt=attempt,
        leads=list(findings.leads),
        fs=findings.fs,
        samples=findings.samples,
        summary=findings.summary,
        classes=list(findings.classes),
        beat_samples=findings.beat_samples,
        beat_classes=findings.beat_classes,
        beat_confidences=findings.beat_confidences,
        beat_heat=findings.beat_heat,
        heat=findings.heat,
        signal=findings.signal,
    )
