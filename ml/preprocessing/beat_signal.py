"""Heartbeats of a recording as ``beat-resnet`` reads them: one function for training, evaluation and serving.

Everything is relative to the recording itself: its own usual beat (the median), its own amplitude, its own rhythm. So
neither the gain of the recorder nor the person's usual form matters, which is what lets a network trained on some
people read others (de Chazal and others 2004 normalise RR intervals per recording for the same reason).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

VERSION = "beat-signal-2"
RATE_HZ = 125.0
LENGTH = 128
CENTRE = 56
LEADS = 2
MIN_FS = 100.0
_BAND_HZ = (0.5, 40.0)
_QRS_BAND_HZ = (5.0, 30.0)
_ALIGN_S = 0.06
_ENVELOPE_S = 0.10
_LOCAL_BEATS = 31
_TREND_BEATS = 301  # a run of premature beats must not become the usual rhythm
_STEADY, _STEADY_BEATS = 0.08, 101
_FEWEST_LATE = 5
_MEAN_BEATS = 11
_AROUND = 5
_MOST = 6.0  # in heights of the usual QRS complex: an artefact must not drown everything else
_FLAT_MV = 1e-6
_LIKE, _LIKE_RANGE = 0.8, 0.15  # likeness from which another beat counts, and up to which it counts ever more
_MOST_OTHERS, _ROWS, _LEAST_SHARE = 2000, 4096, 0.003
_EARLY, _PAUSE, _ON_TIME = -0.12, 0.05, 0.08  # logarithms of intervals against the recording's rhythm


def _part(start_s: float, stop_s: float) -> slice:
    return slice(CENTRE + round(start_s * RATE_HZ), CENTRE + round(stop_s * RATE_HZ))


QRS = _part(-0.10, 0.14)
_P = _part(-0.26, -0.06)
_T = _part(0.14, 0.46)
RHYTHM_FEATURES = (2 * _AROUND + 1) + 14
_FORM_FEATURES = 16
COMPANY_FEATURES = 8
LEAD_FEATURES = _FORM_FEATURES + COMPANY_FEATURES
FEATURES = RHYTHM_FEATURES + LEADS * LEAD_FEATURES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreparedBeats:
    """Heartbeats ready for the network.

    Attributes:
        windows: shape (m, 2, 128, 2): per lead the signal, and the signal minus the recording's usual beat; 125 Hz, from
            0.448 s before to 0.568 s after the complex, in heights of the recording's usual QRS complex. A recording of
            one lead shows it twice: the network takes leads as a set, not as positions.
        features: shape (m, 73): rhythm (25), then per lead form (16) and what beats of like form have in common (8).
        r_samples: aligned position of each complex in the given signal, shape (m,), samples.
    """

    windows: NDArray[np.float32]
    features: NDArray[np.float32]
    r_samples: NDArray[np.float64]


def _filtered(signal: NDArray[np.float64], fs: float, band: tuple[float, float]) -> NDArray[np.float64]:
    """Zero-phase Butterworth band-pass along the last axis."""
    sections = butter(2, band, btype="bandpass", fs=fs, output="sos")
    pad = min(signal.shape[-1] - 1, round(2.0 * fs))
    passed: NDArray[np.float64] = sosfiltfilt(sections, signal, axis=-1, padlen=pad)
    return passed


def align(signal: NDArray[np.floating], fs: float, r_samples: NDArray[np.integer]) -> NDArray[np.int64]:
    """Move each position to the middle of its complex, so that any detector's convention gives the same window.

    Args:
        signal: shape (leads, n), millivolt.
        fs: sampling rate, Hz.
        r_samples: positions within about 60 ms of a complex, shape (m,), samples.

    Returns:
        Position of the largest energy between 5 and 30 Hz (smoothed over 100 ms) within 60 ms, shape (m,).
    """
    quick = _filtered(np.asarray(signal, dtype=np.float64), fs, _QRS_BAND_HZ)
    quick /= np.maximum(quick.std(axis=1, keepdims=True), 1e-9)
    energy = uniform_filter1d((quick**2).sum(axis=0), max(3, round(_ENVELOPE_S * fs)))
    reach = round(_ALIGN_S * fs)
    around = np.clip(np.asarray(r_samples)[:, None] + np.arange(-reach, reach + 1), 0, signal.shape[1] - 1)
    best: NDArray[np.int64] = np.take_along_axis(around, energy[around].argmax(axis=1)[:, None], axis=1)[:, 0]
    return best.astype(np.int64)


def _windows(signal: NDArray[np.float64], fs: float, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shape (leads, m, 128) at 125 Hz; beyond the ends the end values are repeated."""
    places = at[:, None] + (np.arange(LENGTH) - CENTRE) / RATE_HZ * fs
    grid = np.arange(signal.shape[1])
    return np.stack([np.interp(places.ravel(), grid, lead).reshape(places.shape) for lead in signal])


def likeness(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Correlation along the last axis, 0 where one of the two does not move."""
    a = a - a.mean(axis=-1, keepdims=True)
    b = b - b.mean(axis=-1, keepdims=True)
    size = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.divide((a * b).sum(axis=-1), size, out=np.zeros_like(size), where=size > 1e-9)


def _rhythm(at: NDArray[np.int64], fs: float) -> NDArray[np.float64]:
    """How early each beat came and how regular the rhythm around it is, shape (m, RHYTHM_FEATURES)."""
    count = len(at)
    if count < 3:  # no rhythm can be told from two beats
        return np.zeros((count, RHYTHM_FEATURES))
    seconds = np.maximum(np.diff(at) / fs, 0.1)
    seconds = np.r_[np.median(seconds), seconds]  # seconds[i] ends in beat i
    gaps = np.log(seconds)
    usual = _running(gaps, _LOCAL_BEATS)
    trend = _running(gaps, _TREND_BEATS)
    slow = _running(gaps, _LOCAL_BEATS, 80.0)
    spread = _running(np.abs(gaps - usual), _LOCAL_BEATS) + 0.02
    # Bigeminy repeats every second beat and trigeminy every third; only fibrillation of the atria repeats at no lag.
    uneven = np.min(
        [_running(np.abs(gaps - _shift(gaps, -lag)), _LOCAL_BEATS) for lag in (1, 2, 3, 4)], axis=0
    )
    steady = uniform_filter1d((np.abs(gaps - trend) < _STEADY).astype(float), min(_STEADY_BEATS, count))
    following = _shift(gaps, 1)
    before = np.mean([_shift(gaps, -by) for by in (1, 2, 3)], axis=0)
    columns = [
        *(_shift(gaps, by) - trend for by in range(-_AROUND, _AROUND + 1)),
        gaps - usual,
        following - usual,
        gaps - slow,
        gaps - before,
        usual - trend,
        gaps + following - 2.0 * trend,
        gaps - np.median(gaps),
        gaps - _running(gaps, _TREND_BEATS, 85.0),
        gaps - np.log(seconds.mean()),
        gaps - np.log(uniform_filter1d(seconds, min(_MEAN_BEATS, count))),
        10.0 * uneven,
        2.0 * steady,
        np.clip((gaps - usual) / spread, -8.0, 8.0) / 4.0,
        np.clip((following - usual) / spread, -8.0, 8.0) / 4.0,
    ]
    return np.clip(np.stack(columns, axis=1), -2.5, 2.5)


def _running(values: NDArray[np.float64], size: int, part: float = 50.0) -> NDArray[np.float64]:
    """Percentile of the ``size`` values around each; near the ends of the first or last ``size`` values.

    Repeating an end value instead, as filters do, would let a short run at the end become the usual rhythm.
    """
    if size >= len(values):
        return np.full(len(values), np.percentile(values, part))
    half = size // 2
    around: NDArray[np.float64] = percentile_filter(values, part, size=size)
    around[:half], around[-half:] = around[half], around[-half - 1]
    return around


def _shift(values: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    """``values[i + by]`` for each i, the end values repeated."""
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]


def _late(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The quarter of the beats that end the longest intervals: none of them is premature, even where most beats are."""
    gaps = np.diff(at, prepend=at[0])
    return np.argsort(-gaps, kind="stable")[: max(_FEWEST_LATE, len(at) // 4)]


def _forms(beats: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """How each beat of one lead differs from the usual beat and its neighbours, shape (m, _FORM_FEATURES)."""
    complexes, change = beats[:, QRS], beats - usual
    alike = likeness(complexes, usual[QRS])
    energy = (complexes**2).sum(axis=1) + 1e-6
    usual_energy = (usual[QRS] ** 2).sum() + 1e-6
    width = np.abs(complexes).sum(axis=1) ** 2 / energy
    usual_width = np.abs(usual[QRS]).sum() ** 2 / usual_energy
    waves = likeness(beats[:, _P], usual[_P])  # low for every beat when the atria fibrillate
    columns = [
        alike,
        *(_shift(alike, by) for by in (-2, -1, 1, 2)),
        likeness(complexes, _shift(complexes, -1)),
        likeness(complexes, _shift(complexes, 1)),
        np.log(energy / usual_energy) / 2.0,
        np.log((width + 1.0) / (usual_width + 1.0)),
        waves,
        _running(waves, _LOCAL_BEATS),
        4.0 * np.sqrt((change[:, _P] ** 2).mean(axis=1)),
        2.0 * (np.ptp(beats[:, _P], axis=1) - np.ptp(usual[_P])),
        likeness(beats[:, _T], usual[_T]),
        4.0 * np.sqrt((change[:, _T] ** 2).mean(axis=1)),
        2.0 * np.sqrt((change[:, QRS] ** 2).mean(axis=1)),
    ]
    return np.clip(np.stack(columns, axis=1), -3.0, 3.0)


def _company(beats: NDArray[np.float32], rhythm: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is true of all beats of like form in one lead of the recording, for each beat, shape (m, COMPANY_FEATURES).

    A wide beat on time may be ventricular; when the beats of its form come on time, in runs and behind one P wave, they are
    conducted with a block. How many they are, how early they and the next ones come on average, which part is early, early
    before a pause, on time, beside one of its kind; and how high the mean of their P waves is.

    Args:
        beats: shape (m, 128), in heights of the usual QRS complex.
        rhythm: shape (m, RHYTHM_FEATURES).
    """
    count = len(beats)
    shapes = beats[:, QRS] - beats[:, QRS].mean(axis=1, keepdims=True)
    shapes = shapes / np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-6)
    beside = _counting((shapes[1:] * shapes[:-1]).sum(axis=1))
    before, after = rhythm[:, _AROUND], rhythm[:, _AROUND + 1]
    early = before < _EARLY
    facts = [
        before,
        after,
        early,
        early & (after > _PAUSE),
        np.abs(before) < _ON_TIME,
        np.maximum(np.r_[0.0, beside], np.r_[beside, 0.0]),
    ]
    others = np.unique(np.linspace(0, count - 1, min(count, _MOST_OTHERS)).astype(int))
    told = np.column_stack([*facts, beats[:, _P], np.ones(count)])[others].astype(np.float32)
    sums = np.concatenate(
        [
            (_counting(shapes[at : at + _ROWS] @ shapes[others].T) + np.float32(1e-6)) @ told
            for at in range(0, count, _ROWS)
        ]
    )
    means, number = sums[:, :-1] / sums[:, -1:], sums[:, -1]
    share = np.log(number / len(others) + _LEAST_SHARE) / 2.0
    waves = np.ptp(means[:, len(facts) :], axis=1)
    columns = np.column_stack([share, means[:, : len(facts)], waves])
    return np.clip(columns, -3.0, 3.0).astype(np.float32)


def _counting(alike: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much a beat of such a likeness counts, 0 to 1."""
    counted: NDArray[np.float32] = np.clip((alike - _LIKE) / _LIKE_RANGE, 0.0, 1.0)
    return counted


def prepare_beats(signal: NDArray[np.floating], fs: float, r_samples: NDArray[np.integer]) -> PreparedBeats:
    """Make the network's input from a recording and the positions of its QRS complexes.

    Args:
        signal: shape (leads, n), millivolt in any gain. The first two leads that are not flat are used; give lead II
            first and V1 second where there is a choice.
        fs: sampling rate, Hz, at least 100.
        r_samples: every complex of the recording, shape (m,), samples, ascending. The more of the recording is given,
            the better its usual beat and rhythm are known; a few samples of error do no harm.

    Raises:
        ValueError: when the shapes do not fit, the rate is below 100 Hz, or a position lies outside the signal.
    """
    values: NDArray[np.float64] = np.nan_to_num(np.asarray(signal, dtype=np.float64))
    r_samples = np.asarray(r_samples, dtype=np.int64)
    if values.ndim != 2 or r_samples.ndim != 1:
        raise ValueError("signal must have shape (leads, n) and r_samples shape (m,)")
    if fs < MIN_FS:
        raise ValueError(f"sampling rate {fs:g} Hz is below {MIN_FS:g} Hz")
    if len(r_samples) and not (r_samples[0] >= 0 and r_samples[-1] < values.shape[1]):
        raise ValueError("a complex lies outside the signal")
    if not len(r_samples):
        return PreparedBeats(
            windows=np.zeros((0, LEADS, LENGTH, 2), dtype=np.float32),
            features=np.zeros((0, FEATURES), dtype=np.float32),
            r_samples=r_samples.astype(np.float64),
        )
    smooth = _filtered(values, fs, _BAND_HZ)
    at = align(smooth, fs, r_samples)
    return described(_windows(smooth, fs, at), fs, at)


def described(cut: NDArray[np.floating], fs: float, at: NDArray[np.int64]) -> PreparedBeats:
    """Beats that were already cut from a recording, as the network reads them.

    Args:
        cut: shape (leads, m, 128), in any gain, filtered, 125 Hz, laid as the windows of ``PreparedBeats``; at least one beat.
        fs: sampling rate of the positions, Hz.
        at: aligned position of each beat, shape (m,), samples, ascending.
    """
    windows = np.zeros((len(at), LEADS, LENGTH, 2), dtype=np.float32)
    features = np.zeros((len(at), FEATURES), dtype=np.float32)
    heights = np.median(np.ptp(cut[:, :, QRS], axis=2), axis=1)
    used = np.flatnonzero(heights > _FLAT_MV)[:LEADS]
    features[:, :RHYTHM_FEATURES] = _rhythm(at, fs)
    late = _late(at)
    for place in range(LEADS if len(used) else 0):
        lead = used[min(place, len(used) - 1)]
        beats = np.clip(cut[lead] / heights[lead], -_MOST, _MOST)
        usual = np.median(beats[late], axis=0)
        start = RHYTHM_FEATURES + place * LEAD_FEATURES
        features[:, start : start + _FORM_FEATURES] = _forms(beats, usual)
        windows[:, place, :, 0] = beats
        windows[:, place, :, 1] = beats - usual
        features[:, start + _FORM_FEATURES : start + LEAD_FEATURES] = _company(
            windows[:, place, :, 0], features[:, :RHYTHM_FEATURES]
        )
    return PreparedBeats(windows=windows, features=features, r_samples=at.astype(np.float64))
