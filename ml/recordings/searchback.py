"""Beats that the detector missed, looked for again where the heart seems to stand still.

A missed beat looks like a pause, and a pause raises the risk. So every interval that is long for its surroundings is read once
more with a lower threshold (the search-back of Pan and Tompkins, "A real-time QRS detection algorithm", IEEE Trans Biomed Eng
32 (1985)): what rises there, in the band of the QRS and on any readable lead, to a fair part of the beats around it is a beat.
P waves stay far below that, so that a pause with blocked P waves stays a pause.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from ml.recordings.quality import Quality

_BAND_HZ = (5.0, 30.0)
_WIDTH_S = 0.10
_LEAST_GAP_S = 1.0
_LONG = 1.5  # times the median of the intervals around
_AROUND = 8  # beats on each side
_FEWEST = 4
_SHARE = 0.6  # of the height of the beats around; P waves and most T waves stay below half
_APART_S = 0.40  # nearer to a beat its own T wave is found
_MARGIN_S = 1.0
_MOST_GAP_S = 15.0


def _band(part: NDArray[np.float32], fs: float) -> NDArray[np.float64]:
    """A stretch of one lead in the band of the QRS, shape (n,)."""
    sos = butter(2, (_BAND_HZ[0], min(_BAND_HZ[1], 0.45 * fs)), btype="bandpass", fs=fs, output="sos")
    values = np.nan_to_num(part).astype(np.float64)
    return np.asarray(sosfiltfilt(sos, values, padlen=min(len(values) - 1, round(fs))))


def _in_gap(
    signals: NDArray[np.float32], fs: float, quality: Quality, samples: NDArray[np.int64], gap: int
) -> list[tuple[int, int]]:
    """Beats between one beat and the next: sample and lead, by time; none where no lead is readable all through."""
    near = samples[max(0, gap - _AROUND) : gap + 2 + _AROUND]
    margin = round(_MARGIN_S * fs)
    low, high = max(0, int(near[0]) - margin), min(signals.shape[1], int(near[-1]) + margin)
    left, right = int(samples[gap]) - low, int(samples[gap + 1]) - low
    windows = slice((left + low) // quality.window, (right + low) // quality.window + 1)
    leads = np.flatnonzero((quality.flaws[:, windows] == 0).all(axis=1))
    apart, reach = round(_APART_S * fs), round(_WIDTH_S * fs / 2)
    if not len(leads) or right - left <= 2 * apart:
        return []
    bands = np.stack([_band(signals[lead, low:high], fs) for lead in leads])
    energy = uniform_filter1d(bands**2, size=2 * reach + 1, axis=1)
    usual = np.median(energy[:, near - low], axis=1, keepdims=True)
    shares = np.sqrt(np.maximum(energy, 0.0) / np.maximum(usual, 1e-12)) * (usual > 0)
    inside = shares[:, left + apart : right - apart]
    peaks, _ = find_peaks(inside.max(axis=0), height=_SHARE, distance=apart)
    found = []
    for peak in peaks:
        lead = int(inside[:, peak].argmax())
        first = left + apart + int(peak) - reach
        top = first + int(np.abs(bands[lead, first : first + 2 * reach + 1]).argmax())
        found.append((top + low, int(leads[lead])))
    return found


def missed_beats(
    signals: NDArray[np.float32], fs: float, quality: Quality, samples: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Further beats in the long intervals between known ones.

    Args:
        signals: shape (leads, n), millivolt.
        fs: sampling rate, Hz.
        quality: of the same recording, without the windows in which beats cannot be trusted.
        samples: known R peaks, ascending, shape (beats,).

    Returns:
        R peaks in samples, ascending, none of them within 0.3 s of a known beat, and the lead of each.
    """
    rr_s = np.diff(samples) / fs
    bad_before = np.concatenate([[0], np.cumsum(~quality.usable)])
    window = np.minimum(samples // quality.window, len(quality.usable) - 1)
    whole = bad_before[window[1:] + 1] == bad_before[window[:-1]]
    found: list[tuple[int, int]] = []
    for gap in np.flatnonzero(whole & (rr_s > _LEAST_GAP_S) & (rr_s < _MOST_GAP_S)):
        around = rr_s[max(0, gap - _AROUND) : gap + 1 + _AROUND]
        if len(around) >= _FEWEST and rr_s[gap] > _LONG * np.median(around):
            found += _in_gap(signals, fs, quality, samples, int(gap))
    return (
        np.array([sample for sample, _ in found], dtype=np.int64),
        np.array([lead for _, lead in found], dtype=np.int8),
    )
