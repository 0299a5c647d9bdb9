"""Least and greatest values of ever longer stretches, so that a viewer draws a day as fast as a second.

A screen has about two thousand columns. Drawing a day at 250 Hz by its samples would take 21 million points; by the level whose
stretches are as long as a column is wide, it takes two points a column and loses no peak.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recordings.recording import CHUNK, release

FACTOR = 4
FIRST = (
    16  # samples in a stretch of the finest level; below that, the samples themselves are few enough to draw
)
_TOP = 2048  # the coarsest level has at most this many stretches
GAP = np.int16(-32768)  # stands for missing samples
_LIMIT_UV = 32767


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pyramid:
    """Levels of a recording's signals.

    Attributes:
        fs: sampling rate of level 0, Hz.
        samples: length of level 0.
        levels: level k has shape (leads, ceil(samples / (16 x 4^k)), 2): least and greatest value of 16 x 4^k samples, int16,
            microvolt; `GAP` in both where every sample is missing. Values beyond 32.767 mV are cut off.
    """

    fs: float
    samples: int
    levels: tuple[NDArray[np.int16], ...]

    def level_for(self, seconds: float, columns: int) -> int | None:
        """The level to draw a stretch with.

        Args:
            seconds: length of the stretch.
            columns: width of the screen, pixels.

        Returns:
            Index into `levels` of the coarsest level with at least one stretch a column; None for the samples themselves.
        """
        wanted = seconds * self.fs / max(1, columns)
        fitting = [k for k in range(len(self.levels)) if FIRST * FACTOR**k <= wanted]
        return fitting[-1] if fitting else None

    def as_bytes(self) -> bytes:
        """The levels as one NPZ file (arrays ``fs``, ``samples``, ``level0``, ``level1``, ...), compressed."""
        stream = io.BytesIO()
        named: dict[str, Any] = {f"level{k}": level for k, level in enumerate(self.levels)}
        np.savez_compressed(stream, fs=np.float64(self.fs), samples=np.int64(self.samples), **named)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Pyramid:
        """Read what `as_bytes` wrote.

        Raises:
            ValueError: when the bytes are something else.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                count = sum(name.startswith("level") for name in stored.files)
                return cls(
                    fs=float(stored["fs"]),
                    samples=int(stored["samples"]),
                    levels=tuple(stored[f"level{k}"] for k in range(count)),
                )
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError("these bytes are no pyramid") from error


def as_microvolt(values: NDArray[np.float32]) -> NDArray[np.int16]:
    """Millivolt as whole microvolt; `GAP` for missing samples."""
    clipped = np.clip(np.nan_to_num(values, nan=0.0) * 1000.0, -_LIMIT_UV, _LIMIT_UV)
    return np.where(np.isnan(values), GAP, np.rint(clipped).astype(np.int16))


def _first_level(signals: NDArray[np.float32]) -> NDArray[np.int16]:
    """The finest level, a stretch of the recording at a time."""
    leads, total = signals.shape
    level = np.full((leads, -(-total // FIRST), 2), GAP, dtype=np.int16)
    for start in range(0, total, CHUNK):
        part = as_microvolt(signals[:, start : start + CHUNK])
        level[:, start // FIRST : -(-(start + part.shape[1]) // FIRST)] = _folded(part, part, FIRST)
        release(signals)
    return level


def _folded(low: NDArray[np.int16], high: NDArray[np.int16], factor: int) -> NDArray[np.int16]:
    """Least and greatest of so many values each, shape (leads, ceil(n / factor), 2); gaps do not count unless all are."""
    pad = ((0, 0), (0, -low.shape[1] % factor))
    shape = (low.shape[0], -1, factor)
    lows = np.pad(low, pad, constant_values=GAP).reshape(shape)
    most = np.pad(high, pad, constant_values=GAP).reshape(shape).max(axis=2)  # a gap is below every value
    least = np.where(lows == GAP, np.int16(32767), lows).min(axis=2)
    return np.stack([np.where(most == GAP, GAP, least), most], axis=2)


def pyramid(signals: NDArray[np.float32], fs: float) -> Pyramid:
    """Build the levels.

    Args:
        signals: shape (leads, n) or (n,), millivolt, NaN where missing.
        fs: sampling rate, Hz.
    """
    rows = np.atleast_2d(signals)
    levels = [_first_level(rows)]
    while levels[-1].shape[1] > _TOP:
        levels.append(_folded(levels[-1][..., 0], levels[-1][..., 1], FACTOR))
    return Pyramid(fs=fs, samples=rows.shape[1], levels=tuple(levels))
