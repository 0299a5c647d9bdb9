"""Twelve leads as ``ecg-signals`` reads them: one function for training, evaluation and serving.

Whether all leads were written at once (a recording) or a few at a time (a page of 3 rows and 4 columns), the network gets
them side by side: where they do not overlap, each lead's own piece is laid at the beginning. It never gets invented samples.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

VERSION = "twelve-lead-1"
LEADS = 12
RATE_HZ = 100.0
SECONDS = 10.0
LEAST_SECONDS = 2.5
LENGTH = round(SECONDS * RATE_HZ)
LEAST = round(LEAST_SECONDS * RATE_HZ)
MIN_FS = 100.0
# Zero phase. 0.5 Hz takes the baseline away and leaves the ST segment (AHA 2007: below 0.67 Hz for such filters).
_BASELINE_HZ, _HIGHEST_HZ = 0.5, 40.0
_MOST_MV = 10.0
_PAD_S = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLeads:
    """Twelve leads ready for the network.

    Attributes:
        window: shape (t, 12), millivolt, 100 Hz, 250 to 1000 samples, standard order.
        starts_s: where each lead's piece begins in what was given, shape (12,), seconds.
        at_once: whether all leads are of the same moment.
    """

    window: NDArray[np.float32]
    starts_s: NDArray[np.float64]
    at_once: bool

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.window) / RATE_HZ


@functools.cache
def _filters(fs: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What takes away noise, and what takes away the base line; to design them takes longer than to use them."""
    return (
        butter(4, _HIGHEST_HZ, fs=fs, output="sos"),
        butter(1, _BASELINE_HZ, btype="highpass", fs=fs, output="sos"),
    )


def without_baseline(signals: NDArray[np.floating], fs: float) -> NDArray[np.float32]:
    """Signals of 0.5 to 40 Hz, at 100 Hz.

    Args:
        signals: shape (..., n), millivolt, without gaps.
        fs: sampling rate, Hz, at least 100.

    Returns:
        Shape (..., m) with m the whole samples at 100 Hz; within 10 mV.

    Raises:
        ValueError: when the rate is below 100 Hz.
    """
    if fs < MIN_FS:
        raise ValueError(f"sampling rate {fs:g} Hz is below {MIN_FS:g} Hz")
    given = np.asarray(signals, dtype=np.float64)
    count = given.shape[-1]
    pad = min(count - 1, round(_PAD_S * fs))
    quiet, level = _filters(float(fs))
    slow = sosfiltfilt(level, sosfiltfilt(quiet, given, padlen=pad), padlen=pad)
    if fs != RATE_HZ:
        at = np.arange(int(count / fs * RATE_HZ + 1e-6)) / RATE_HZ * fs
        left = np.minimum(at.astype(int), count - 2)
        part = at - left
        slow = slow[..., left] * (1.0 - part) + slow[..., left + 1] * part
    return np.clip(slow, -_MOST_MV, _MOST_MV).astype(np.float32)


def _longest(present: NDArray[np.bool_]) -> tuple[int, int]:
    """Start and length of the first of the longest runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], present.astype(np.int8), [0]])))
    if not len(edges):
        return 0, 0
    lengths = edges[1::2] - edges[::2]
    first = int(lengths.argmax())
    return int(edges[::2][first]), int(lengths[first])


def prepare_leads(signals: NDArray[np.floating], fs: float) -> PreparedLeads:
    """Twelve leads side by side: the longest stretch that all share, else each lead's own longest piece.

    Args:
        signals: shape (12, n), millivolt, in the order I, II, III, aVR, aVL, aVF, V1 to V6; NaN where samples are missing.
        fs: sampling rate, Hz, at least 100.

    Returns:
        At most 10 s, from the beginning of a stretch.

    Raises:
        ValueError: when the shape does not fit, the rate is too low, or a lead has no 2.5 s without a gap.
    """
    signals = np.asarray(signals)
    if signals.ndim != 2 or len(signals) != LEADS:
        raise ValueError("signals must have shape (12, n)")
    present = np.isfinite(signals)
    start, length = _longest(present.all(axis=0))
    least, most = LEAST / RATE_HZ * fs, round(SECONDS * fs)
    at_once = length >= least - 1.0
    pieces = [(start, length)] * LEADS if at_once else [_longest(row) for row in present]
    shared = min(most, *(length for _, length in pieces))
    if shared < least - 1.0:
        raise ValueError(f"a lead has no {LEAST_SECONDS:g} s without a gap")
    cut = np.stack([row[first : first + shared] for row, (first, _) in zip(signals, pieces, strict=True)])
    made = without_baseline(cut, fs).T
    if len(made) < LEAST:  # a piece of 2.5 s may be a sample short of it
        made = np.concatenate([made, np.repeat(made[-1:], LEAST - len(made), axis=0)])
    return PreparedLeads(
        window=np.ascontiguousarray(made),
        starts_s=np.array([first for first, _ in pieces]) / fs,
        at_once=at_once,
    )
