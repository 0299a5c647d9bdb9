"""PR, QRS and QT from the median beat of all leads.

One beat is made of many: normal beats are cut out, aligned and averaged by their median, lead by lead, which leaves noise of
a few microvolt. The QRS begins and ends where the deflection of all leads together rests (the earliest onset and latest end in
any lead, as electrocardiographs do: Kligfield and others, "Recommendations for the standardization and interpretation of the
electrocardiogram, part I", Circulation 115 (2007)); T ends where the steepest tangent of its last limb meets the base line
(Lepeschkin and Surawicz, Circulation 6 (1952)).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt

_MOST_BEATS = 300
_LEAST_BEATS = 3
_SEARCH_S = 0.18  # how far a QRS reaches from its peak at most
_MOST_QRS_S = 0.22  # a longer one is only believed when no other share gives less
_QUIET_S = 0.012
_LOOK_S = 0.024
# Share of the steepest flank below which the heart rests. Slurred complexes with a slanting ST segment never get so calm as
# the first says; they are tried again with the others.
_STEEP_SHARES = (0.05, 0.07, 0.10)
_DEFLECTION = 1.2  # times that: a flank that belongs to the QRS
_CLEAR_S = 0.02
_P_MV = 0.02
_LEAST_P_S = 0.04
_T_MV = 0.03
_WAVE_HZ = 20.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MedianBeat:
    """The median of many beats.

    Attributes:
        signals: shape (leads, n), millivolt.
        fs: sampling rate, Hz.
        r: position of the R peak, samples.
        rr_s: usual distance to the next beat, seconds.
        error_mv: standard error of the median before the QRS, shape (leads,), millivolt; fibrillation raises it.
        beats: how many it was made of.
    """

    signals: NDArray[np.float64]
    fs: float
    r: int
    rr_s: float
    error_mv: NDArray[np.float64]
    beats: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Intervals of the median beat, millisecond; None where a wave cannot be told from noise.

    Attributes:
        pr_ms: from the beginning of P to the beginning of the QRS.
        qrs_ms: duration of the QRS.
        qt_ms: from the beginning of the QRS to the end of T.
        p_ms: duration of P.
        beats: beats the median was made of.
    """

    pr_ms: float | None
    qrs_ms: float | None
    qt_ms: float | None
    p_ms: float | None
    beats: int

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return dataclasses.asdict(self)


def corrected_qt(qt_ms: float, rr_s: float) -> dict[str, float]:
    """QT corrected for heart rate, millisecond, by three formulas.

    Bazett 1920: QT / RR^(1/2). Fridericia 1920: QT / RR^(1/3). Framingham (Sagie and others 1992): QT + 154 ms x (1 - RR).

    Args:
        qt_ms: millisecond.
        rr_s: seconds.
    """
    return {
        "bazett_ms": qt_ms / rr_s**0.5,
        "fridericia_ms": qt_ms / rr_s ** (1 / 3),
        "framingham_ms": qt_ms + 154.0 * (1.0 - rr_s),
    }


def median_beat(
    signals: NDArray[np.float32], fs: float, samples: NDArray[np.int64], rr_s: float
) -> MedianBeat | None:
    """The median of the given beats.

    Args:
        signals: shape (leads, n), millivolt.
        fs: sampling rate, Hz.
        samples: R peaks of beats of one kind, whose neighbours are of that kind too.
        rr_s: usual distance to the next beat, seconds; the window stays clear of the neighbours.

    Returns:
        None when fewer than three beats lie whole and without missing samples in the recording.
    """
    before, after = round(min(0.50, 0.48 * rr_s) * fs), round(min(0.70, 0.72 * rr_s) * fs)
    inside = samples[(samples >= before) & (samples + after < signals.shape[1])]
    if len(inside) > _MOST_BEATS:
        inside = inside[np.linspace(0, len(inside) - 1, _MOST_BEATS).round().astype(int)]
    cut = [np.asarray(signals[:, at - before : at + after + 1], dtype=np.float64) for at in inside]
    whole = [beat for beat in cut if not np.isnan(beat).any()]
    if len(whole) < _LEAST_BEATS:
        return None
    beats = np.stack(whole)
    edge = max(2, round(0.02 * fs))
    ramp = np.linspace(0.0, 1.0, beats.shape[2])
    start, end = (
        np.median(beats[:, :, :edge], axis=2)[..., None],
        np.median(beats[:, :, -edge:], axis=2)[..., None],
    )
    beats = beats - start - (end - start) * ramp  # slow drift of the base line
    aligned = _aligned(beats, before, fs)
    middle = np.median(aligned, axis=0)
    spread = 1.4826 * np.median(np.abs(aligned - middle), axis=0)[:, : max(1, before - round(0.06 * fs))]
    return MedianBeat(
        signals=middle,
        fs=fs,
        r=before,
        rr_s=rr_s,
        error_mv=1.25 * np.median(spread, axis=1) / np.sqrt(len(beats)),
        beats=len(beats),
    )


def _aligned(beats: NDArray[np.float64], r: int, fs: float) -> NDArray[np.float64]:
    """Shift each beat by a few samples to fit the median best; R peaks jitter with noise."""
    reach, core = max(1, round(0.016 * fs)), round(0.08 * fs)
    template = np.median(beats, axis=0)[:, r - core : r + core + 1]
    result = np.empty_like(beats)
    for i, beat in enumerate(beats):
        errors = [
            np.abs(beat[:, max(0, r - core + by) : r + core + 1 + by] - template).sum()
            if r - core + by >= 0
            else np.inf
            for by in range(-reach, reach + 1)
        ]
        result[i] = np.roll(beat, reach - int(np.argmin(errors)), axis=1)
    return result


def _speed(beat: MedianBeat) -> NDArray[np.float64]:
    """How fast all leads together move, millivolt per second, shape (n,)."""
    width = max(1, round(0.008 * beat.fs))
    smooth = uniform_filter1d(beat.signals, size=width, axis=1, mode="nearest")
    return np.asarray(np.sqrt(np.mean(np.gradient(smooth, axis=1) ** 2, axis=0)) * beat.fs)


def _qrs(beat: MedianBeat) -> tuple[int, int] | None:
    """Beginning and end of the QRS, samples; None when it does not stand out."""
    speed = _speed(beat)
    found = [edges for share in _STEEP_SHARES if (edges := _edges(beat, speed, share)) is not None]
    return next(
        (edges for edges in found if edges[1] - edges[0] < _MOST_QRS_S * beat.fs),
        found[-1] if found else None,
    )


def _edges(beat: MedianBeat, speed: NDArray[np.float64], share: float) -> tuple[int, int] | None:
    """Where the deflection of all leads falls below a share of its greatest, on both sides of R."""
    reach, quiet = round(_SEARCH_S * beat.fs), max(1, round(_QUIET_S * beat.fs))
    left, right = max(0, beat.r - reach), min(len(speed), beat.r + reach + 1)
    core = speed[max(0, beat.r - reach // 2) : beat.r + reach // 2 + 1]
    if not len(core) or core.max() <= 0:
        return None
    rest = float(np.percentile(speed, 20))  # a fast heart rests for a small part of the beat
    limit = max(share * float(core.max()), 2.0 * rest)
    calm, steep = speed < limit, speed > max(_DEFLECTION * share * float(core.max()), limit)
    look = round(_LOOK_S * beat.fs)

    def edge(step: int, end: int) -> int | None:
        silent = 0
        # The R peak itself is a moment of rest, so that silence is only believed once the steep flank has been passed.
        first = beat.r + step * round(0.02 * beat.fs)
        for at in range(first, end, step):
            silent = silent + 1 if calm[at] else 0
            # The top of a small Q or S is at rest too; another flank right behind it says that the QRS goes on.
            beyond = slice(at + 1, at + 1 + look) if step > 0 else slice(max(0, at - look), at)
            if silent >= quiet and not steep[beyond].any():
                return at - step * (silent - 1)
        return None

    onset, offset = edge(-1, left - 1), edge(1, right)
    if onset is None or offset is None or offset - onset < 4:
        return None
    return (
        onset + 1,
        offset - 1,
    )  # a central difference sees the flank one sample early, and leaves it one late


def _smooth(beat: MedianBeat) -> NDArray[np.float64]:
    """The beat without what is faster than P and T waves."""
    sos = butter(2, min(_WAVE_HZ, 0.4 * beat.fs), btype="lowpass", fs=beat.fs, output="sos")
    length = beat.signals.shape[1]
    return np.asarray(sosfiltfilt(sos, beat.signals, axis=1, padlen=min(length - 1, round(0.2 * beat.fs))))


def _tangent(wave: NDArray[np.float64], peak: int, base: float, step: int, end: int) -> int | None:
    """Where the steepest tangent of a limb meets the base line, going from the peak in one direction."""
    limb = wave[peak:end] if step > 0 else wave[end : peak + 1]
    if len(limb) < 3:
        return None
    slope = np.gradient(limb)
    falling = -np.sign(wave[peak] - base) * step
    at = int(np.argmax(slope * falling))
    if slope[at] * falling <= 0:
        return None
    crossing = at + (base - limb[at]) / slope[at]
    position = crossing + (peak if step > 0 else end)
    return round(float(position)) if min(peak, end) - 2 <= position <= max(peak, end) + 2 else None


def _wave(
    smooth: NDArray[np.float64],
    first: int,
    last: int,
    base: NDArray[np.float64],
    least_mv: NDArray[np.float64],
) -> tuple[int, int] | None:
    """Lead and position of the highest wave that peaks within a stretch; None when none stands out."""
    if last - first < 5:
        return None
    height = np.abs(smooth[:, first:last] - base[:, None])
    height[:, [0, -1]] = 0.0  # a maximum at the border belongs to another wave
    inner = (height[:, 1:-1] >= height[:, :-2]) & (height[:, 1:-1] >= height[:, 2:])
    peaks = np.where(inner & (height[:, 1:-1] >= least_mv[:, None]), height[:, 1:-1], 0.0)
    lead, at = np.unravel_index(int(peaks.argmax()), peaks.shape)
    return (int(lead), first + 1 + int(at)) if peaks[lead, at] > 0 else None


def delineate(beat: MedianBeat) -> Durations:
    """PR, QRS and QT of a median beat.

    Returns:
        Durations in millisecond; None for what cannot be told.
    """
    found = _qrs(beat)
    if found is None:
        return Durations(pr_ms=None, qrs_ms=None, qt_ms=None, p_ms=None, beats=beat.beats)
    onset, offset = found
    fs, length = beat.fs, beat.signals.shape[1]
    smooth = _smooth(beat)
    edge = max(2, round(0.04 * fs))
    rest = np.median(np.concatenate([smooth[:, :edge], smooth[:, -edge:]], axis=1), axis=1)
    t = _wave(
        smooth,
        offset + round(0.04 * fs),
        length - round(0.02 * fs),
        rest,
        np.maximum(_T_MV, 4 * beat.error_mv),
    )
    t_end = _tangent(smooth[t[0]], t[1], float(rest[t[0]]), 1, length) if t else None
    p = _wave(
        smooth,
        max(0, onset - round(0.32 * fs)),
        onset - round(0.03 * fs),
        rest,
        np.maximum(_P_MV, 4 * beat.error_mv),
    )
    p_onset = (
        _tangent(smooth[p[0]], p[1], float(rest[p[0]]), -1, max(0, p[1] - round(0.12 * fs))) if p else None
    )
    t_before = t_end - beat.rr_s * fs if t_end is not None else 0.0
    if p_onset is not None and p_onset < max(0.0, t_before) + _CLEAR_S * fs:
        p_onset = None  # P begins within T of the beat before, or before the window
    p_end = _tangent(smooth[p[0]], p[1], float(rest[p[0]]), 1, onset) if p else None
    if p_onset is None or p_end is None or p_end - p_onset < _LEAST_P_S * fs:
        p_onset = p_end = None  # half a wave is no P: the foot of the QRS, or the end of T

    def ms(start: int | None, stop: int | None) -> float | None:
        return 1000.0 * (stop - start) / fs if start is not None and stop is not None else None

    return Durations(
        pr_ms=ms(p_onset, onset),
        qrs_ms=ms(onset, offset),
        qt_ms=ms(onset, t_end),
        p_ms=ms(p_onset, p_end),
        beats=beat.beats,
    )
