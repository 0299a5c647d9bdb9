"""Simulated recordings of several leads in which every R peak, class and interval is known, for tests and demonstrations.

Waves begin and end at stated moments (half sines for the QRS, raised cosines for P and T), unlike sums of Gaussian waves, whose
ends are a matter of taste. Nothing is copied from a recording, and no model is trained on them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# Heights in millivolt of P, Q, R, S, T; III and the augmented leads follow from I and II.
_HEIGHTS: dict[str, tuple[float, float, float, float, float]] = {
    "I": (0.07, -0.05, 0.65, -0.08, 0.18),
    "II": (0.14, -0.08, 1.10, -0.18, 0.30),
    "V1": (0.06, 0.02, 0.25, -0.95, 0.05),
    "V2": (0.08, 0.02, 0.50, -1.20, 0.35),
    "V3": (0.08, -0.02, 0.80, -0.80, 0.40),
    "V4": (0.08, -0.06, 1.30, -0.45, 0.38),
    "V5": (0.08, -0.08, 1.25, -0.20, 0.32),
    "V6": (0.08, -0.08, 1.00, -0.10, 0.25),
}
_MIX = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0), "MLII": (0.0, 1.0)}
_R_AT = 0.425  # of the QRS: where the peak of R lies
_P_MS = 100.0
_T_MS = 180.0
# A raised cosine of length W meets its steepest tangent's base line W (1/4 - 1/(2 pi)) before its end.
_TANGENT = 0.25 - 1.0 / (2.0 * math.pi)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heart:
    """How the simulated heart beats.

    Attributes:
        rate_bpm: of the sinus node.
        events: for the number of a beat (from 0): ``PVC``, ``PAC``, ``pause`` or ``pause2.6`` (that much longer until the next).
        sways: frequency (Hz) and size (s) of slow changes of the interval.
        jitter_s: standard deviation of the interval, seconds.
        pr_ms: interval of the normal beats, millisecond, from the tangent onset of P.
        qrs_ms: duration of the normal beats, millisecond.
        qt_ms: interval of the normal beats, millisecond, to the tangent end of T.
    """

    rate_bpm: float = 70.0
    events: Mapping[int, str] = dataclasses.field(default_factory=dict)
    sways: tuple[tuple[float, float], ...] = ()
    jitter_s: float = 0.0
    pr_ms: float = 160.0
    qrs_ms: float = 96.0
    qt_ms: float = 390.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedRecording:
    """A recording and the truth about it.

    Attributes:
        leads: names.
        signals: shape (leads, n), millivolt.
        fs: sampling rate, Hz.
        r_samples: R peaks, samples, shape (beats,).
        labels: ``Normal``, ``PVC`` or ``PAC``, shape (beats,).
        heart: how it beats.
    """

    leads: tuple[str, ...]
    signals: NDArray[np.float32]
    fs: float
    r_samples: NDArray[np.int64]
    labels: NDArray[np.str_]
    heart: Heart


def _bump(ms: NDArray[np.float64], start: float, length: float, *, sharp: bool) -> NDArray[np.float64]:
    """A wave of height 1 between two moments: half a sine if sharp, else a raised cosine."""
    x = (ms - start) / length
    inside = (x > 0) & (x < 1)
    shape = np.sin(np.pi * x) if sharp else 0.5 - 0.5 * np.cos(2 * np.pi * x)
    return np.where(inside, shape, 0.0)


def _template(kind: str, lead: str, ms: NDArray[np.float64], heart: Heart) -> NDArray[np.float64]:
    """One beat in one lead around its R peak (0 ms), millivolt."""
    if lead in _MIX:
        one, two = _MIX[lead]
        return one * _template(kind, "I", ms, heart) + two * _template(kind, "II", ms, heart)
    p, q, r, s, t = _HEIGHTS[lead]
    qrs_ms, qt_ms = heart.qrs_ms, heart.qt_ms
    if kind == "PVC":
        p, q, r, s, t, qrs_ms, qt_ms = 0.0, 0.0, 1.6 * r, 1.3 * s, -0.8 * abs(t) - 0.1, 170.0, 440.0
    onset = -_R_AT * qrs_ms
    end_of_t = onset + qt_ms + _TANGENT * _T_MS
    lead_in = heart.pr_ms if kind == "Normal" else 0.8 * heart.pr_ms
    return (
        p * _bump(ms, onset - lead_in - _TANGENT * _P_MS, _P_MS, sharp=False)
        + q * _bump(ms, onset, 0.22 * qrs_ms, sharp=True)
        + r * _bump(ms, onset + 0.2 * qrs_ms, 0.45 * qrs_ms, sharp=True)
        + s * _bump(ms, onset + 0.65 * qrs_ms, 0.35 * qrs_ms, sharp=True)
        + t * _bump(ms, end_of_t - _T_MS, _T_MS, sharp=False)
    )


def _times(heart: Heart, seconds: float, rng: np.random.Generator) -> tuple[list[float], list[str]]:
    """When each beat is, seconds, and its class."""
    rr_s = 60.0 / heart.rate_bpm
    at = 0.6
    times: list[float] = []
    kinds: list[str] = []
    for number in range(math.ceil(4 * seconds) + 10):
        event = heart.events.get(number, "")
        gap = rr_s + sum(size * math.sin(2 * math.pi * hertz * at) for hertz, size in heart.sways)
        gap += float(rng.normal(0.0, heart.jitter_s)) if heart.jitter_s else 0.0
        if event in ("PVC", "PAC") and times:
            at -= (0.38 if event == "PVC" else 0.30) * rr_s
        if at > seconds - 0.5:
            break
        times.append(at)
        kinds.append(event if event in ("PVC", "PAC") else "Normal")
        at += gap + (0.38 * rr_s if event == "PVC" else 0.0)
        if event.startswith("pause"):
            at += float(event.removeprefix("pause") or 2.0)
    return times, kinds


def simulate_recording(
    heart: Heart | None = None,
    *,
    seconds: float,
    fs: float = 250.0,
    leads: tuple[str, ...] = ("II", "V1", "V5"),
    noise_mv: float = 0.01,
    wander_mv: float = 0.05,
    seed: int = 0,
) -> SimulatedRecording:
    """Simulate a recording.

    Args:
        heart: how it beats; 70 normal beats a minute if None.
        seconds: length.
        fs: sampling rate, Hz.
        leads: of the twelve, and MLII.
        noise_mv: standard deviation of white noise.
        wander_mv: size of the slow drift of the base line.
        seed: the same seed gives the same recording.
    """
    heart = heart or Heart()
    rng = np.random.default_rng(seed)
    total = round(seconds * fs)
    times, kinds = _times(heart, seconds, rng)
    r_samples = np.rint(np.array(times) * fs).astype(np.int64)
    before, after = round(0.45 * fs), round(0.75 * fs)
    ms: NDArray[np.float64] = np.arange(-before, after + 1, dtype=np.float64) * (1000.0 / fs)
    slow = np.sin(2 * np.pi * 0.2 * np.arange(total) / fs).astype(np.float32)
    signals = np.empty((len(leads), total), dtype=np.float32)
    for row, lead in enumerate(leads):
        forms = {kind: _template(kind, lead, ms, heart).astype(np.float32) for kind in set(kinds)}
        # Room on both sides, so that beats at the ends are cut off rather than a special case.
        line = np.zeros(total + before + after + 1, dtype=np.float32)
        for at, kind in zip(r_samples, kinds, strict=True):
            line[at : at + before + after + 1] += forms[kind]
        noise = rng.standard_normal(total, dtype=np.float32) * np.float32(noise_mv)
        signals[row] = line[before : before + total] + noise + np.float32(wander_mv) * slow
    return SimulatedRecording(
        leads=leads, signals=signals, fs=fs, r_samples=r_samples, labels=np.array(kinds), heart=heart
    )
