"""Four-second stretches of one lead as ``rhythm-vf`` reads them: one function for training, evaluation and serving.

Beside the signal itself the network gets the figures that defibrillators have long told fibrillation by: VF filter leakage
(Kuo and Dillman 1978), the part of the time near the baseline, the spectrum, how well the signal repeats itself, and its rate
(reviewed by Amann and others 2005). They do not depend on the gain.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

_Real = TypeVar("_Real", bound=np.floating[Any])

VERSION = "rhythm-segment-2"
RATE_HZ = 125.0
SECONDS = 4.0
LENGTH = round(SECONDS * RATE_HZ)
MIN_FS = 100.0
_BAND_HZ = (0.7, 35.0)
_FLAT = 1e-9
_LEAST_MV = 0.02  # standard deviation; quieter stretches are not blown up to the size of a rhythm
_SPECTRUM = slice(2, 82)  # 0.5 to 20 Hz in steps of 0.25 Hz
_BINS = 40
_LAGS = (20, 150)  # 0.16 to 1.2 s
_FORMS = 12
_SMOOTH_HZ, _SHARP_HZ = 8.0, 12.0
_NEARLY = 0.75  # of the best repetition: the shortest such lag is the beat, a longer one two of them
_NO_LAG_S = 1.5
_SWINGS = (0.3, 0.7, 1.0)  # standard deviations on either side
_PACE = 9
FEATURES = _BINS + _FORMS + _PACE
# Coarse fibrillation has at least this from peak to peak (Kerber and others 1997, for the American Heart Association); below it
# fine fibrillation and asystole with artefact cannot be told apart.
LEAST_REACH_MV = 0.2
# Places of three figures: the strongest frequency (in 5 Hz), the highest autocorrelation, and its lag in seconds.
PITCH, REPEATS, LAG = _BINS + 2, _BINS + 4, _BINS + 5
# Places of three more: beats a minute (in 100), how well they repeat, and swings a minute (in 100).
PACE, STEADY, SWINGS = _BINS + _FORMS, _BINS + _FORMS + 1, _BINS + _FORMS + 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSegments:
    """Stretches ready for the network.

    Attributes:
        windows: shape (k, 500, 1), 125 Hz, standard deviation 1.
        features: shape (k, 61): spectrum (40), form (12) and pace (9).
        starts_s: where each begins, shape (k,), seconds.
        reach_mv: peak to peak of each, shape (k,), millivolt.
    """

    windows: NDArray[np.float32]
    features: NDArray[np.float32]
    starts_s: NDArray[np.float64]
    reach_mv: NDArray[np.float32]


def _alike(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Autocorrelation of each row, 1 at lag 0, shape (k, 500)."""
    size = 2 * LENGTH
    power = np.abs(np.fft.rfft(x, size, axis=1)) ** 2
    raw = np.fft.irfft(power, size, axis=1)[:, :LENGTH]
    own: NDArray[np.float64] = raw / np.maximum(raw[:, :1], 1e-9) * (LENGTH / np.arange(LENGTH, 0, -1))
    return own


def _repeats(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Highest autocorrelation of each row between 0.16 and 1.2 s, its lag, and the value at twice that lag, shape (3, k)."""
    own = _alike(x)
    near = own[:, _LAGS[0] : _LAGS[1]]
    lag = near.argmax(axis=1) + _LAGS[0]
    double = np.take_along_axis(own, np.minimum(2 * lag, LENGTH - 50)[:, None], axis=1)[:, 0]
    return np.stack([near.max(axis=1), lag / RATE_HZ, double])


def _beat(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Beats a minute of each row, in 100, by the shortest lag at which it nearly repeats itself, and how well, shape (2, k)."""
    near = _alike(x)[:, _LAGS[0] - 1 : _LAGS[1] + 41]
    inner = near[:, 1:-1]
    peak = (inner >= near[:, :-2]) & (inner > near[:, 2:])
    best = np.where(peak, inner, 0.0).max(axis=1, keepdims=True)
    good = peak & (inner > 0) & (inner >= _NEARLY * best)
    place = good.argmax(axis=1)
    lag = np.where(good.any(axis=1), (place + _LAGS[0]) / RATE_HZ, _NO_LAG_S)
    return np.stack([0.6 / lag, np.take_along_axis(inner, place[:, None], axis=1)[:, 0]])


def _swings(x: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """How often a minute, in 100, each row swings from above a height to below its negative, or back, halved, shape (k,)."""
    side = np.where(x > height, 1, np.where(x < -height, -1, 0))
    last = np.maximum.accumulate(np.where(side != 0, np.arange(x.shape[1]), 0), axis=1)
    held = np.take_along_axis(side, last, axis=1)
    count: NDArray[np.float64] = (np.diff(held, axis=1) != 0).sum(axis=1) / 2.0
    return count * 0.6 / SECONDS


def _pace(x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Rate and steepness of each row: a wide rhythm is a tachycardia by its rate only, which the spectrum tells poorly."""
    smooth = sosfiltfilt(butter(2, _SMOOTH_HZ, fs=RATE_HZ, output="sos"), x, axis=1)
    sharp = sosfiltfilt(butter(2, _SHARP_HZ, btype="high", fs=RATE_HZ, output="sos"), x, axis=1)
    steep = np.abs(np.diff(smooth, axis=1))
    return [
        *_beat(smooth),
        *_beat(steep - steep.mean(axis=1, keepdims=True)),
        *(_swings(smooth, height) for height in _SWINGS),
        np.log(sharp.std(axis=1) + 1e-3),
        np.log(np.abs(np.diff(x, axis=1)).max(axis=1) + 1e-3),
    ]


def _leakage(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of each row when it is added to itself half a mean period later: near 0 for a sine, near 1 for beats."""
    steps = np.diff(x, axis=1)
    period = 2.0 * np.pi * np.abs(x).sum(axis=1) / np.maximum(np.abs(steps).sum(axis=1), 1e-9)
    half = np.clip(np.rint(period / 2.0).astype(int), 1, LENGTH // 4)
    places = np.maximum(np.arange(LENGTH)[None, :] - half[:, None], 0)
    late = np.take_along_axis(x, places, axis=1)
    leak: NDArray[np.float64] = np.abs(x + late).sum(axis=1) / np.maximum(
        np.abs(x).sum(axis=1) + np.abs(late).sum(axis=1), 1e-9
    )
    return leak


def _peaked(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Excess kurtosis of each row; 0 for a flat one."""
    centred = x - x.mean(axis=1, keepdims=True)
    spread = (centred**2).mean(axis=1)
    fourth = (centred**4).mean(axis=1)
    return np.divide(fourth, spread**2, out=np.full(len(x), 3.0), where=spread > _FLAT) - 3.0


def figures_of(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spectrum (40), form (12) and pace (9) of stretches.

    Args:
        x: shape (k, 500), 125 Hz, standard deviation 1.

    Returns:
        Shape (k, 61).
    """
    power = np.abs(np.fft.rfft(x * np.hanning(LENGTH), axis=1)[:, _SPECTRUM]) ** 2
    share = power / np.maximum(power.sum(axis=1, keepdims=True), 1e-9)
    spectrum = share.reshape(len(x), _BINS, -1).sum(axis=2)
    pitch = 0.5 + 0.25 * np.arange(share.shape[1])
    middle = share @ pitch
    steep = np.diff(x, axis=1)
    height = np.abs(x).max(axis=1, keepdims=True) + 1e-9
    form = [
        middle / 5.0,
        np.sqrt(np.maximum(share @ pitch**2 - middle**2, 0.0)) / 4.0,
        pitch[share.argmax(axis=1)] / 5.0,
        _leakage(x),
        *_repeats(x),
        (np.abs(x) < 0.2 * height).mean(axis=1),
        (np.abs(steep) < 0.1 * np.abs(steep).max(axis=1, keepdims=True)).mean(axis=1),
        np.clip(_peaked(x), -2.0, 12.0) / 6.0,
        np.clip(_peaked(steep), -2.0, 24.0) / 12.0,
        (np.diff(np.signbit(x), axis=1).sum(axis=1) / SECONDS) / 10.0,
        *_pace(x),
    ]
    return np.concatenate([np.log(spectrum + 1e-3) / 3.0, np.stack(form, axis=1)], axis=1)


def held(answers: NDArray[_Real], reach_mv: NDArray[np.floating]) -> NDArray[_Real]:
    """Answers in which a stretch below `LEAST_REACH_MV` is never called VF/VT: both classes get the same.

    Args:
        answers: logits or probabilities of ``other`` and ``VF/VT``, shape (k, 2).
        reach_mv: peak to peak of each stretch, shape (k,), millivolt.
    """
    quiet = (reach_mv < LEAST_REACH_MV) & (answers[:, 1] > answers[:, 0])
    same: NDArray[_Real] = np.where(quiet[:, None], answers.mean(axis=1, keepdims=True), answers)
    return same


def prepare_segments(signal: NDArray[np.floating], fs: float) -> PreparedSegments:
    """Cut one lead into consecutive stretches of four seconds.

    Args:
        signal: shape (n,), millivolt. What is left over at the end is not used.
        fs: sampling rate, Hz, at least 100.

    Raises:
        ValueError: when the shape does not fit or the rate is below 100 Hz.
    """
    signal = np.nan_to_num(np.asarray(signal, dtype=np.float64))
    if signal.ndim != 1:
        raise ValueError("signal must have shape (n,)")
    if fs < MIN_FS:
        raise ValueError(f"sampling rate {fs:g} Hz is below {MIN_FS:g} Hz")
    count = int(len(signal) / fs / SECONDS + 1e-9)
    if not count:
        return PreparedSegments(
            windows=np.zeros((0, LENGTH, 1), dtype=np.float32),
            features=np.zeros((0, FEATURES), dtype=np.float32),
            starts_s=np.zeros(0),
            reach_mv=np.zeros(0, dtype=np.float32),
        )
    sections = butter(2, _BAND_HZ, btype="bandpass", fs=fs, output="sos")
    smooth = sosfiltfilt(sections, signal, padlen=min(len(signal) - 1, round(2 * fs)))
    at = np.arange(count * LENGTH) / RATE_HZ * fs
    cut = np.interp(at, np.arange(len(signal)), smooth).reshape(count, LENGTH)
    cut -= cut.mean(axis=1, keepdims=True)
    scaled = np.clip(cut / np.maximum(cut.std(axis=1, keepdims=True), _LEAST_MV), -8.0, 8.0)
    return PreparedSegments(
        windows=scaled[:, :, None].astype(np.float32),
        features=figures_of(scaled).astype(np.float32),
        starts_s=np.arange(count, dtype=np.float64) * SECONDS,
        reach_mv=np.ptp(cut, axis=1).astype(np.float32),
    )
