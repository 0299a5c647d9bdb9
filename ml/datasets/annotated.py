"""Whole recordings with the annotations of their source: what models of recordings learn from and are measured on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray

from ml.datasets.beats import DataNotFoundError

# Every symbol that marks a heartbeat (PhysioBank annotation codes); flutter waves "!" are none.
BEAT_SYMBOLS = frozenset("NLRBejAaJSVrEFn/fQ")
_PREFERRED = "MLII"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedRecording:
    """A recording with its annotated heartbeats.

    Attributes:
        name: ``database/record``, for example ``mitdb/100``.
        signal: shape (leads, n), millivolt; lead MLII first where there is one.
        fs: sampling rate, Hz.
        leads: name of each lead.
        samples: position of each annotated heartbeat, shape (m,), samples, ascending.
        symbols: annotation symbol of each heartbeat, shape (m,).
    """

    name: str
    signal: NDArray[np.float32]
    fs: float
    leads: tuple[str, ...]
    samples: NDArray[np.int64]
    symbols: NDArray[np.str_]

    def changed(self, **fields: Any) -> AnnotatedRecording:
        """The recording with some fields replaced."""
        return dataclasses.replace(self, **fields)


def lead_order(names: Sequence[str]) -> list[int]:
    """Positions of leads with MLII first and the others as they are."""
    return sorted(range(len(names)), key=lambda i: names[i] != _PREFERRED)


def load_recording(folder: Path, name: str) -> AnnotatedRecording:
    """One WFDB recording with the heartbeats of its ``atr`` file.

    Args:
        folder: folder of the database.
        name: record, for example ``"100"``.

    Raises:
        DataNotFoundError: when the recording is missing.
    """
    path = folder / name
    if not path.with_suffix(".hea").exists():
        raise DataNotFoundError(f"record {name} is not in {folder}")
    signal, fields = wfdb.rdsamp(str(path))
    order = lead_order(fields["sig_name"])
    marks = wfdb.rdann(str(path), "atr")
    symbols = np.array(marks.symbol, dtype=np.str_)
    beats = np.isin(symbols, sorted(BEAT_SYMBOLS))
    return AnnotatedRecording(
        name=f"{folder.name}/{name}",
        signal=np.nan_to_num(signal.T[order]).astype(np.float32),
        fs=float(fields["fs"]),
        leads=tuple(fields["sig_name"][i] for i in order),
        samples=np.asarray(marks.sample, dtype=np.int64)[beats],
        symbols=symbols[beats],
    )
