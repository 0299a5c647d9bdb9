"""Shapes of beats and the frequencies in a lead: R amplitude, QRS area, spectral band powers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from ml.recordings.quality import Quality, runs

BANDS_HZ = {"0.5-5": (0.5, 5.0), "5-15": (5.0, 15.0), "15-40": (15.0, 40.0)}
_HALF_QRS_S = 0.08
_BASE_S = (
    0.24,
    0.16,
)  # before the R peak: between P and the broadest QRS, or within P; a median takes either
_MOST_BEATS = 2000
_MOST_S = 600.0
_SEGMENT_S = 4.0


def beat_shapes(
    signal: NDArray[np.float32], fs: float, samples: NDArray[np.int64], labels: NDArray[np.str_]
) -> dict[str, dict[str, float]]:
    """R amplitude and QRS area of each class of beats in one lead.

    Args:
        signal: shape (n,), millivolt.
        fs: sampling rate, Hz.
        samples: R peaks, shape (beats,).
        labels: shape (beats,).

    Returns:
        For each class: ``beats`` measured, mean and standard deviation of ``r_mv`` (signed height of the R peak over the base
        line, millivolt) and ``qrs_area_uvs`` (area between QRS and base line within 80 ms of the peak, microvolt second).
    """
    reach, first, last = round(_HALF_QRS_S * fs), round(_BASE_S[0] * fs), round(_BASE_S[1] * fs)
    result: dict[str, dict[str, float]] = {}
    for label in np.unique(labels):
        mine = samples[labels == label]
        mine = mine[(mine >= first) & (mine + reach < len(signal))]
        if len(mine) > _MOST_BEATS:
            mine = mine[np.linspace(0, len(mine) - 1, _MOST_BEATS).round().astype(int)]
        if not len(mine):
            continue
        base = np.median(signal[mine[:, None] + np.arange(-first, -last + 1)], axis=1)
        qrs = signal[mine[:, None] + np.arange(-reach, reach + 1)] - base[:, None]
        height = np.take_along_axis(qrs, np.abs(qrs).argmax(axis=1)[:, None], axis=1)[:, 0]
        area = 1000.0 * np.abs(qrs).sum(axis=1) / fs
        good = np.isfinite(height) & np.isfinite(area)
        if good.any():
            result[str(label)] = {
                "beats": float(good.sum()),
                "r_mv": float(height[good].mean()),
                "r_mv_sd": float(height[good].std()),
                "qrs_area_uvs": float(area[good].mean()),
                "qrs_area_uvs_sd": float(area[good].std()),
            }
    return result


def band_powers(signals: NDArray[np.float32], lead: int, quality: Quality) -> dict[str, Any] | None:
    """Power of one lead in three bands: P and T waves, QRS, and sharp edges with muscle noise.

    Args:
        signals: shape (leads, n), millivolt.
        lead: index of the lead.
        quality: of the same recording; only good stretches are used, ten minutes at most.

    Returns:
        Power in mV squared and share of the three for each band; None without four good seconds in a row.
    """
    segment = round(_SEGMENT_S * quality.fs)
    total = np.zeros(segment // 2 + 1)
    seconds, hertz = 0.0, np.empty(0)
    for start, stop in runs(quality.flaws[lead] == 0):
        part = signals[
            lead,
            start * quality.window : min(
                stop * quality.window, start * quality.window + round(_MOST_S * quality.fs)
            ),
        ]
        if len(part) < segment or seconds >= _MOST_S:
            continue
        hertz, density = welch(np.nan_to_num(part.astype(np.float64)), fs=quality.fs, nperseg=segment)
        total += density * len(part)
        seconds += len(part) / quality.fs
    if not seconds:
        return None
    density = total / (seconds * quality.fs)
    width = float(hertz[1] - hertz[0])
    power = {
        name: float(density[(hertz >= low) & (hertz < high)].sum() * width)
        for name, (low, high) in BANDS_HZ.items()
    }
    whole = sum(power.values())
    return {
        "lead": quality.leads[lead],
        "power_mv2": power,
        "share": {name: value / whole if whole else 0.0 for name, value in power.items()},
    }
