"""Heartbeats: where the R peaks are.

The detector is XQRS of the wfdb library (PhysioNet, MIT licence), chosen by measurement on the MIT-BIH Arrhythmia Database:
`docs/recordings.md` has the figures and those of the detectors it was compared with. It runs over ten minutes at a time, so
that its thresholds follow the recording, on the lead that is best in those minutes. Long intervals are then read once more
(`searchback`), because a missed beat looks like a pause.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt
from wfdb.processing import XQRS

from ml.recordings.quality import Quality
from ml.recordings.recording import release, silent
from ml.recordings.repetition import likeness, trusted
from ml.recordings.searchback import missed_beats

_DETECTOR_HZ = 250.0  # the rate the detector was made for
_CHUNK_S = 600.0
_OVERLAP_S = 12.0  # the detector learns from the first beats it sees
_REFRACTORY_S = 0.20
_REACH_S = 0.08
_BAND_HZ = (5.0, 35.0)
_LEAST_S = 2.0
_LEAST_CHUNK = 60  # windows of a second
_MOST_LEADS = 3
_ENOUGH = 0.98


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beats:
    """Detected heartbeats.

    Attributes:
        samples: R peaks in samples, ascending, shape (beats,).
        leads: index of the lead each was found on, shape (beats,).
        doubtful: windows of the quality (about a second each) in which beats cannot be told from noise on any lead that was
            tried, shape (windows,); no beats are given there.
    """

    samples: NDArray[np.int64]
    leads: NDArray[np.int8]
    doubtful: NDArray[np.bool_]


def _filled(signal: NDArray[np.float32]) -> NDArray[np.float64]:
    """A stretch in which missing samples are bridged by a straight line."""
    values = np.asarray(signal, dtype=np.float64)
    holes = np.isnan(values)
    if holes.all():
        return np.zeros_like(values)
    if holes.any():
        at = np.arange(len(values))
        values = np.interp(at, at[~holes], values[~holes])
    return values


def detect(signal: NDArray[np.float32] | NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """R peaks of a stretch of one lead.

    Args:
        signal: shape (n,), millivolt; NaN where samples are missing.
        fs: sampling rate, Hz.

    Returns:
        Positions in samples, ascending; the largest deflection of each QRS complex in the band of the QRS.
    """
    values = _filled(np.asarray(signal, dtype=np.float32))
    if len(values) < _LEAST_S * fs or np.ptp(values) == 0:
        return np.empty(0, dtype=np.int64)
    ratio = Fraction(_DETECTOR_HZ / fs).limit_denominator(500)
    resampled = (
        values if ratio == 1 else resample_poly(values - values[0], ratio.numerator, ratio.denominator)
    )
    detector = XQRS(sig=resampled, fs=_DETECTOR_HZ)
    detector.detect(verbose=False)
    found = np.asarray(detector.qrs_inds, dtype=np.float64) / float(ratio)
    return _refined(values, fs, np.rint(found).astype(np.int64))


def _refined(values: NDArray[np.float64], fs: float, found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move each detection to the largest deflection nearby, and drop doubles."""
    if not len(found):
        return found
    high = min(_BAND_HZ[1], 0.45 * fs)
    sos = butter(2, (_BAND_HZ[0], high), btype="bandpass", fs=fs, output="sos")
    band = np.abs(sosfiltfilt(sos, values, padlen=min(len(values) - 1, round(fs))))
    reach = round(_REACH_S * fs)
    peaks = []
    for at in found:
        left = max(0, int(at) - reach)
        stretch = band[left : int(at) + reach + 1]
        if len(stretch):
            peaks.append(left + int(stretch.argmax()))
    ordered = np.unique(np.array(peaks, dtype=np.int64))
    return _apart(ordered, round(_REFRACTORY_S * fs))


def _apart(samples: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Samples of which none follows the one kept before it too closely."""
    kept: list[int] = []
    for sample in samples:
        if not kept or sample - kept[-1] >= least:
            kept.append(int(sample))
    return np.array(kept, dtype=np.int64)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What one lead gives in one chunk: beats, and the windows in which they can be trusted."""

    lead: int
    samples: NDArray[np.int64]
    trusted: NDArray[np.bool_]


def _on_lead(
    signals: NDArray[np.float32], fs: float, quality: Quality, lead: int, first: int, last: int
) -> _Found:
    """Beats of one lead between two windows."""
    start, stop = first * quality.window, last * quality.window
    if last == quality.flaws.shape[1]:
        stop = signals.shape[1]
    overlap = round(_OVERLAP_S * fs)
    left = max(0, start - overlap)
    part = signals[lead, left : min(signals.shape[1], stop + overlap)]
    beats = detect(part, fs)
    scores = likeness(_filled(part), fs, beats)
    inside = (beats + left >= start) & (beats + left < stop)
    samples = beats[inside] + left - start
    return _Found(
        lead=lead,
        samples=samples + start,
        trusted=trusted(samples, scores[inside], quality.window, last - first)
        & (quality.flaws[lead, first:last] == 0),
    )


def _best(signals: NDArray[np.float32], fs: float, quality: Quality, first: int, last: int) -> _Found:
    """The lead that can be trusted longest; others are only tried when the best by quality leaves something open."""
    usable = int(quality.usable[first:last].sum())
    best: _Found | None = None
    for lead in quality.ranked(first, last)[:_MOST_LEADS]:
        found = _on_lead(signals, fs, quality, lead, first, last)
        if best is None or found.trusted.sum() > best.trusted.sum():
            best = found
        if best.trusted.sum() >= _ENOUGH * usable:
            break
    if best is None:
        raise ValueError("a recording without leads")
    return best


def find_beats(
    signals: NDArray[np.float32],
    fs: float,
    quality: Quality,
    *,
    progress: Callable[[float], None] = silent,
    search_back: bool = True,
) -> Beats:
    """R peaks of a recording, each on the lead that is best around it; none where no lead can be trusted.

    Args:
        signals: shape (leads, n), millivolt.
        fs: sampling rate, Hz.
        quality: of the same recording.
        progress: told the share that is done, 0 to 1.
        search_back: look for missed beats in long intervals; only a measurement of what that gains goes without.
    """
    windows = quality.flaws.shape[1]
    step = max(1, round(_CHUNK_S * fs / quality.window))
    # A rest shorter than a minute joins the chunk before it.
    starts = [first for first in range(0, windows, step) if first == 0 or windows - first >= _LEAST_CHUNK]
    usable = quality.usable
    doubtful = np.zeros(windows, dtype=bool)
    samples, leads = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int8)]
    for first, last in itertools.pairwise([*starts, windows]):
        if usable[first:last].any():
            found = _best(signals, fs, quality, first, last)
            kept = found.trusted[np.minimum(found.samples // quality.window, last - 1) - first]
            samples.append(found.samples[kept])
            leads.append(np.full(int(kept.sum()), found.lead, dtype=np.int8))
            doubtful[first:last] = usable[first:last] & ~found.trusted
        release(signals)
        progress(last / windows)
    joined, on = np.concatenate(samples), np.concatenate(leads)
    apart = _apart(joined, round(_REFRACTORY_S * fs))
    on = on[np.searchsorted(joined, apart)]
    known = Beats(samples=apart, leads=on, doubtful=doubtful)
    return searched(signals, fs, quality, known) if search_back else known


def searched(signals: NDArray[np.float32], fs: float, quality: Quality, known: Beats) -> Beats:
    """The known beats and those that were missed between them, see ``missed_beats``."""
    further, further_on = missed_beats(signals, fs, quality.without(known.doubtful), known.samples)
    release(signals)
    samples = np.concatenate([known.samples, further])
    order = np.argsort(samples)
    return Beats(
        samples=samples[order],
        leads=np.concatenate([known.leads, further_on])[order],
        doubtful=known.doubtful,
    )
