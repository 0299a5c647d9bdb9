"""The recordings that ``ecg-signals`` learns from and is measured on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets import ptbxl_superclasses as ptbxl
from ml.preprocessing.twelve_lead import LEADS, LEAST, RATE_HZ, prepare_leads, without_baseline

TRAINING = frozenset({5, 6, 7, 8})
VALIDATION = frozenset({9})
TEST = frozenset({10})
_AT_ONCE = 512


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Prepared recordings.

    Attributes:
        signals: shape (n, t, 12), millivolt; half precision, they fill the memory otherwise.
        classes: 0 or 1, shape (n, 5).
        patients: shape (n,).
    """

    signals: NDArray[np.float16]
    classes: NDArray[np.int64]
    patients: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.classes)


def prepared(recordings: ptbxl.Recordings) -> Windows:
    """Whole recordings as the network reads them."""
    signals = np.empty((len(recordings), ptbxl.SAMPLES, LEADS), dtype=np.float16)
    for first in range(0, len(recordings), _AT_ONCE):
        part = without_baseline(recordings.signals[first : first + _AT_ONCE], ptbxl.FS)
        signals[first : first + _AT_ONCE] = part.transpose(0, 2, 1)
    return Windows(signals=signals, classes=recordings.classes, patients=recordings.patients)


def load(folder: Path, folds: frozenset[int]) -> Windows:
    """Prepared recordings of some folds of PTB-XL.

    Args:
        folder: holds ``ptbxl/``.
        folds: see ``TRAINING``, ``VALIDATION``, ``TEST``.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    return prepared(ptbxl.load(folder / "ptbxl", folds))


def as_page(recordings: ptbxl.Recordings) -> Windows:
    """The same recordings as a page of 3 rows and 4 columns shows them: each lead only while its column is written."""
    column = np.arange(LEADS) // 3
    time = np.arange(ptbxl.SAMPLES)[None, :]
    written = (time >= column[:, None] * LEAST) & (time < (column[:, None] + 1) * LEAST)
    windows = [prepare_leads(np.where(written, one, np.nan), RATE_HZ).window for one in recordings.signals]
    return Windows(
        signals=np.stack(windows).astype(np.float16),
        classes=recordings.classes,
        patients=recordings.patients,
    )
