"""A recording as every reader gives it and every analysis takes it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import mmap
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

from ml.recordings.reasons import RecordingReason, UnusableRecording

MOST_LEADS = 32
MOST_VALUES = 1_200_000_000  # two weeks of three leads at 250 Hz, with room to spare
CHUNK = 1 << 18  # samples of every lead that are converted at once: a few megabytes
_IN_MEMORY = 32 * 1024 * 1024
_RATES_HZ = (50.0, 20_000.0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """An ECG recording.

    Attributes:
        leads: names in the usual spelling (``II``, ``aVR``, ``V1``, ``MLII``).
        signals: shape (leads, n), millivolt, NaN where samples are missing. Long recordings lie in an unnamed temporary
            file that is mapped into memory, so only what is looked at is loaded.
        fs: sampling rate, Hz.
        started_at: time of the first sample, as the recorder's clock said; None if the file does not say.
        source_format: ``wfdb``, ``edf``, ``csv``, ``dicom``, ``aecg``, ``scp`` or ``muse``.
        units: unit of each lead as declared, before conversion.
        warnings: sentences about what was left out or is doubtful.
        pacemaker: True if the file says that the patient has one, None if it says nothing.
    """

    leads: tuple[str, ...]
    signals: NDArray[np.float32]
    fs: float
    started_at: dt.datetime | None
    source_format: str
    units: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    pacemaker: bool | None = None

    @property
    def samples(self) -> int:
        """Length in samples."""
        return int(self.signals.shape[1])

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.fs


def check_size(leads: int, samples: int) -> None:
    """Refuse a size that a header announces before anything is allocated for it.

    Raises:
        UnusableRecording: `recording_too_large`.
    """
    if leads > MOST_LEADS:
        raise UnusableRecording(
            RecordingReason.TOO_LARGE, detail=f"it has {leads} leads, and at most {MOST_LEADS} are read"
        )
    if leads * samples > MOST_VALUES:
        raise UnusableRecording(
            RecordingReason.TOO_LARGE,
            detail=f"{leads} leads of {samples:,} samples, and at most {MOST_VALUES:,} values are read",
        )


def check_rate(fs: float) -> float:
    """Refuse a sampling rate that no electrocardiograph uses.

    Raises:
        UnusableRecording: `rate_doubtful`.
    """
    low, high = _RATES_HZ
    if not low <= fs <= high:
        raise UnusableRecording(
            RecordingReason.RATE_DOUBTFUL,
            fs=fs,
            detail=f"an ECG is sampled {low:g} to {high:g} times a second",
        )
    return float(fs)


def allocate(leads: int, samples: int) -> NDArray[np.float32]:
    """Room for the signals: in memory when small, in an unnamed temporary file when long.

    Returns:
        Shape (leads, samples), filled with zeros.

    Raises:
        UnusableRecording: when it would be too large.
        OSError: when the disk has no room; its space is reserved at once, for a full disk under a mapped file kills the process.
    """
    check_size(leads, samples)
    size = 4 * leads * samples
    if size <= _IN_MEMORY:
        return np.zeros((leads, samples), dtype=np.float32)
    with tempfile.TemporaryFile(prefix="cardiocare-recording-") as file:
        os.posix_fallocate(file.fileno(), 0, size)
        return np.memmap(file, dtype=np.float32, mode="r+", shape=(leads, samples))


def release(signals: NDArray[np.float32]) -> None:
    """Give the memory of a mapped recording back; the next look loads it from the file again. Nothing is lost."""
    owner: object = signals
    while owner is not None:
        if isinstance(owner, mmap.mmap):
            owner.madvise(mmap.MADV_DONTNEED)
            return
        owner = getattr(owner, "_mmap", None) or getattr(owner, "base", None)


def silent(share: float) -> None:
    """Progress that nobody is told of."""
