"""Heart rate, PR, QRS, QT and axis of a page, on which most leads last only a few seconds and no two columns the same ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from ml.recordings.delineation import Durations, MedianBeat, corrected_qt, delineate
from ml.recordings.leads import TWELVE
from ml.recordings.qrs import detect

if TYPE_CHECKING:
    from ml.pages.digitise import DigitisedPage

_BAND_HZ = (5.0, 30.0)
_LEAST_LEADS = 3
_AROUND_R_S = 0.06


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PageMeasures:
    """What was measured; None for what cannot be told.

    Attributes:
        heart_rate: beats per minute, from the median interval.
        durations: PR, QRS and QT of the median beat of all leads.
        qtc: QT corrected by several formulas, millisecond.
        axis_deg: frontal axis of the QRS by the net areas of I and aVF, degrees, -180 to 180.
        beats: R peaks found.
    """

    heart_rate: float | None
    durations: Durations | None
    qtc: dict[str, float] | None
    axis_deg: float | None
    beats: int

    def as_json(self) -> dict[str, object]:
        """The fields as JSON types."""
        return dataclasses.asdict(self)


def _common(signals: NDArray[np.floating], fs: float) -> NDArray[np.float32]:
    """The QRS of all leads that are printed at a moment together, millivolt."""
    sos = butter(2, _BAND_HZ, btype="bandpass", fs=fs, output="sos")
    sizes = np.zeros(signals.shape, dtype=np.float64)
    known = np.isfinite(signals)
    for row, lead in enumerate(signals):
        held = np.flatnonzero(known[row])
        if len(held) < fs:
            known[row] = False
            continue
        filled = np.interp(np.arange(len(lead)), held, lead[held])
        sizes[row] = np.abs(sosfiltfilt(sos, filled)) * known[row]
    return (sizes.sum(axis=0) / np.maximum(known.sum(axis=0), 1)).astype(np.float32)


def _median_beat(
    signals: NDArray[np.floating], fs: float, peaks: NDArray[np.int64], rr_s: float
) -> tuple[MedianBeat, list[int]] | None:
    """The median of the beats that each lead shows whole, and which leads show any."""
    before, after = round(min(0.50, 0.48 * rr_s) * fs), round(min(0.70, 0.72 * rr_s) * fs)
    inside = [at for at in peaks if at >= before and at + after < signals.shape[1]]
    edge = max(2, round(0.02 * fs))
    ramp = np.linspace(0.0, 1.0, before + after + 1)
    middles, spreads, leads, most = [], [], [], 0
    for number, lead in enumerate(np.asarray(signals, dtype=np.float64)):
        beats = [lead[at - before : at + after + 1] for at in inside]
        whole = [beat for beat in beats if np.isfinite(beat).all()]
        if not whole:
            continue
        level = [
            beat - np.median(beat[:edge]) - (np.median(beat[-edge:]) - np.median(beat[:edge])) * ramp
            for beat in whole
        ]
        middle = np.median(level, axis=0)
        rest = np.abs(np.diff(middle[: max(2, before - round(0.06 * fs))]))
        middles.append(middle)
        spreads.append(float(np.median(rest)))
        leads.append(number)
        most = max(most, len(whole))
    if len(leads) < _LEAST_LEADS:
        return None
    beat = MedianBeat(
        signals=np.stack(middles), fs=fs, r=before, rr_s=rr_s, error_mv=np.array(spreads), beats=most
    )
    return beat, leads


def _axis(beat: MedianBeat, leads: list[int]) -> float | None:
    """Frontal axis by the net areas of I and aVF around R, degrees."""
    if not {0, TWELVE.index("aVF")} <= set(leads):
        return None
    reach = round(_AROUND_R_S * beat.fs)
    near = slice(max(0, beat.r - reach), beat.r + reach + 1)
    area = {TWELVE[number]: float(beat.signals[row, near].sum()) for row, number in enumerate(leads)}
    # aVF is smaller than a bipolar lead by the half of the root of three.
    return float(np.rad2deg(np.arctan2(area["aVF"] * 2.0 / np.sqrt(3.0), area["I"])))


def measure_digitised(page: DigitisedPage) -> PageMeasures:
    """Measure a digitised page; nothing is measured where the scale is only assumed."""
    if page.page.scale_from == "rows":
        return PageMeasures(heart_rate=None, durations=None, qtc=None, axis_deg=None, beats=0)
    return measure_page(page.signals, page.fs)


def measure_page(signals: NDArray[np.floating], fs: float) -> PageMeasures:
    """Measure twelve leads with gaps.

    Args:
        signals: shape (12, n), millivolt; NaN where a lead is not printed.
        fs: sampling rate, Hz.
    """
    peaks = detect(_common(signals, fs), fs)
    if len(peaks) < 3:
        return PageMeasures(heart_rate=None, durations=None, qtc=None, axis_deg=None, beats=len(peaks))
    rr_s = float(np.median(np.diff(peaks))) / fs
    found = _median_beat(signals, fs, peaks, rr_s)
    durations = delineate(found[0]) if found else None
    qt = durations.qt_ms if durations else None
    return PageMeasures(
        heart_rate=60.0 / rr_s,
        durations=durations,
        qtc=corrected_qt(qt, rr_s) if qt is not None else None,
        axis_deg=_axis(*found) if found else None,
        beats=len(peaks),
    )
