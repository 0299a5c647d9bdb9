"""Heart rate variability from normal-to-normal intervals.

Definitions: Task Force of the European Society of Cardiology and the North American Society of Pacing and Electrophysiology,
"Heart rate variability: standards of measurement, physiological interpretation and clinical use", Circulation 93 (1996).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import detrend, welch

from ml.recordings.quality import LEAST_HRV_S
from ml.recordings.rhythm import Intervals

SHORT_TERM_S = 300.0
LF_HZ = (0.04, 0.15)
HF_HZ = (0.15, 0.40)
_EVEN_HZ = 4.0
_LEAST_COVER = 0.9
_MOST_GAP_S = 6.0  # what a spline can bridge: a few ectopic beats, not a lost electrode
_LEAST_INTERVALS = 8
_NN_S = (0.3, 2.0)
_STEP_SHARE = (
    0.25  # a normal interval that differs this much from its neighbours' median is a missed or false beat
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variability:
    """Heart rate variability; a figure is None where the recording does not allow it.

    Attributes:
        nn_intervals: number of normal-to-normal intervals used.
        nn_s: their sum, seconds.
        mean_nn_ms: mean, millisecond.
        sdnn_ms: standard deviation of all.
        sdann_ms: standard deviation of the means of five-minute segments; from an hour on.
        rmssd_ms: root of the mean square of successive differences.
        pnn50_percent: share of successive differences above 50 ms, percent.
        lf_ms2: power from 0.04 to 0.15 Hz, ms squared, mean of five-minute segments.
        hf_ms2: power from 0.15 to 0.40 Hz.
        lf_hf: their ratio.
        segments: five-minute segments the spectrum was taken from.
        note: what limits the figures, for the reader; empty when nothing does.
    """

    nn_intervals: int
    nn_s: float
    mean_nn_ms: float | None = None
    sdnn_ms: float | None = None
    sdann_ms: float | None = None
    rmssd_ms: float | None = None
    pnn50_percent: float | None = None
    lf_ms2: float | None = None
    hf_ms2: float | None = None
    lf_hf: float | None = None
    segments: int = 0
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return dataclasses.asdict(self)


def normal_intervals(found: Intervals) -> NDArray[np.bool_]:
    """Which intervals are normal-to-normal, plausible and like their neighbours; shape (beats - 1,)."""
    normal = found.normal & (found.rr_s > _NN_S[0]) & (found.rr_s < _NN_S[1])
    rr = found.rr_s
    if len(rr) < 5:
        return normal
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(rr, 2, mode="edge"), 5), axis=1)
    return np.asarray(normal & (np.abs(rr - around) < _STEP_SHARE * around))


def _spectrum(at_s: NDArray[np.float64], nn_s: NDArray[np.float64]) -> tuple[float, float] | None:
    """Low and high frequency power of a five-minute segment, ms squared."""
    even = np.arange(at_s[0], at_s[-1], 1 / _EVEN_HZ)
    if len(even) < _LEAST_COVER * SHORT_TERM_S * _EVEN_HZ or np.diff(at_s).max() > _MOST_GAP_S:
        return None
    # A cubic spline: a straight line between beats would take a third of the power at 0.25 Hz away at 65 beats a minute.
    nn_ms = detrend(CubicSpline(at_s, 1000.0 * nn_s)(even))
    length = min(len(nn_ms), round(150 * _EVEN_HZ))
    hertz, density = welch(nn_ms, fs=_EVEN_HZ, window="hann", nperseg=length, noverlap=length // 2)
    width = hertz[1] - hertz[0]
    low, high = (
        float(density[(hertz >= edge[0]) & (hertz < edge[1])].sum() * width) for edge in (LF_HZ, HF_HZ)
    )
    return low, high


def _segments(found: Intervals, kept: NDArray[np.bool_]) -> tuple[list[float], list[tuple[float, float]]]:
    """Mean interval (ms) and spectrum of every five-minute segment that is covered well enough."""
    means, spectra = [], []
    number = (found.at_s // SHORT_TERM_S).astype(np.int64)
    for segment in np.unique(number):
        mine = kept & (number == segment)
        nn = found.rr_s[mine]
        if nn.sum() < _LEAST_COVER * SHORT_TERM_S:
            continue
        means.append(1000.0 * float(nn.mean()))
        spectrum = _spectrum(found.at_s[mine], nn)
        if spectrum:
            spectra.append(spectrum)
    return means, spectra


def variability(found: Intervals) -> Variability:
    """Heart rate variability of a recording.

    Args:
        found: its intervals; those that are not normal-to-normal are left out.

    Returns:
        Time-domain figures from ten seconds of normal beats on (below five minutes with a note), spectral ones from whole
        five-minute segments.
    """
    kept = normal_intervals(found)
    nn = 1000.0 * found.rr_s[kept]
    lasted = float(nn.sum() / 1000.0)
    if lasted < LEAST_HRV_S or len(nn) < _LEAST_INTERVALS:
        return Variability(
            nn_intervals=len(nn),
            nn_s=lasted,
            note=f"Only {lasted:.0f} s of normal beats in a row can be used; variability needs {LEAST_HRV_S:g} s.",
        )
    # A difference is successive only where nothing lies between the two intervals.
    steps = 1000.0 * np.diff(found.rr_s)[kept[1:] & kept[:-1]]
    means, spectra = _segments(found, kept)
    low = float(np.mean([pair[0] for pair in spectra])) if spectra else None
    high = float(np.mean([pair[1] for pair in spectra])) if spectra else None
    return Variability(
        nn_intervals=len(nn),
        nn_s=lasted,
        mean_nn_ms=float(nn.mean()),
        sdnn_ms=float(nn.std(ddof=1)),
        sdann_ms=float(np.std(means, ddof=1)) if len(means) >= 12 else None,
        rmssd_ms=float(np.sqrt(np.mean(steps**2))) if len(steps) else None,
        pnn50_percent=100.0 * float(np.mean(np.abs(steps) > 50.0)) if len(steps) else None,
        lf_ms2=low,
        hf_ms2=high,
        lf_hf=low / high if low is not None and high else None,
        segments=len(spectra),
        note=""
        if lasted >= SHORT_TERM_S
        else "From less than five minutes; not comparable with published norms.",
    )
