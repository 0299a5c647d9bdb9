"""Heartbeats cut from recordings: the common form of every beat data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LABELS = ("Normal", "LBBB", "RBBB", "PAC", "PVC", "VF")
RATE_HZ = 250.0
BEFORE_S = 1.6
AFTER_S = 1.0
CENTRE = round(BEFORE_S * RATE_HZ)
LENGTH = round((BEFORE_S + AFTER_S) * RATE_HZ) + 1


class DataNotFoundError(FileNotFoundError):
    """A data folder or one of its recordings is missing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """Stretches of signal around heartbeats, or anywhere within fibrillation.

    Attributes:
        windows: shape (n, 651), millivolt, 250 Hz, from 1.6 s before to 1.0 s after the beat's fiducial point.
        labels: class of each beat, shape (n,), strings; one of ``LABELS`` or a control class of the data set.
        records: ``database/record`` of each beat, shape (n,), strings.
        samples: fiducial point in the original recording, shape (n,), samples.
    """

    windows: NDArray[np.float32]
    labels: NDArray[np.str_]
    records: NDArray[np.str_]
    samples: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Beats:
        """The beats chosen by a mask or by positions."""
        return Beats(
            windows=self.windows[chosen],
            labels=self.labels[chosen],
            records=self.records[chosen],
            samples=self.samples[chosen],
        )

    def of_records(self, records: Iterable[str]) -> Beats:
        """The beats of the named records."""
        return self.take(np.isin(self.records, sorted(records)))

    def capped(self, caps: dict[str, int], rng: np.random.Generator) -> Beats:
        """At most so many beats per class and record, drawn without replacement, in their original order."""
        kept: list[NDArray[np.int64]] = []
        for record in np.unique(self.records):
            for label in np.unique(self.labels[self.records == record]):
                here = np.flatnonzero((self.records == record) & (self.labels == label))
                cap = caps.get(str(label), len(here))
                kept.append(here if len(here) <= cap else rng.choice(here, cap, replace=False))
        return self.take(np.sort(np.concatenate(kept)))


def cut(
    signal: NDArray[np.floating], fs: float, samples: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.float32]:
    """Windows around fiducial points, resampled to 250 Hz.

    Args:
        signal: one lead, shape (n,), millivolt.
        fs: its sampling rate, Hz.
        samples: fiducial points, samples.

    Returns:
        Shape (len(samples), 651), millivolt. Beyond the recording's ends its end values are repeated.
    """
    offsets = (np.arange(LENGTH) - CENTRE) / RATE_HZ * fs
    at = np.asarray(samples, dtype=np.float64)[:, None] + offsets[None, :]
    values = np.nan_to_num(np.asarray(signal, dtype=np.float64))
    return np.interp(at.ravel(), np.arange(len(values)), values).reshape(at.shape).astype(np.float32)


def joined(parts: Sequence[Beats]) -> Beats:
    """Several sets of beats as one."""
    return Beats(
        windows=np.concatenate([part.windows for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        records=np.concatenate([part.records for part in parts]),
        samples=np.concatenate([part.samples for part in parts]),
    )


def record_names(folder: Path) -> list[str]:
    """Names of the WFDB recordings of a folder that have an annotation file, sorted.

    Raises:
        DataNotFoundError: when the folder is missing or holds none.
    """
    names = sorted(path.stem for path in folder.glob("*.hea") if path.with_suffix(".atr").exists())
    if not names:
        raise DataNotFoundError(
            f"no annotated WFDB recordings (*.hea with *.atr) in {folder}; download the database from physionet.org"
        )
    return names
