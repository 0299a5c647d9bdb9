"""Which seconds of which lead can be analysed, and why the others cannot.

Every lead is judged in windows of one second, streamed, so that a day of recording costs a few megabytes. The limits are set
so that silence of the heart is not taken for silence of the electrode: a pause keeps the noise of skin and amplifier, a loose
plug is exactly constant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import CHUNK, Recording, release, silent

LEAST_BEATS_S = 2.0
LEAST_HRV_S = 10.0
_FLAT_MV = 0.005  # below the noise of any skin electrode
_FLAT_WINDOWS = 10
_CONSTANT_WINDOWS = 2
_RAIL_S = 0.02
_NOISE_SHARE = 0.10  # of the height of a typical window; white noise alone reaches 0.14
_NOISE_MV = 0.03
_BURST = 6.0  # times the typical height
_AMPLITUDE_MV = (0.03, 15.0)
_PEAKY = 12.0  # height over spread; 6 to 8 for noise, over 15 for an ECG
_PREFERRED = ("II", "MLII", "V5", "I", "V2")


class Flaw(IntFlag):
    """What makes a window of a lead useless."""

    MISSING = 1
    FLAT = 2
    SATURATED = 4
    NOISE = 8
    DOUBTFUL = 16


_WORDS = {
    Flaw.MISSING: "samples are missing",
    Flaw.FLAT: "flat line, electrode or cable off",
    Flaw.SATURATED: "amplifier at its limit",
    Flaw.NOISE: "too noisy",
    Flaw.DOUBTFUL: "no repeating heartbeat: noise, or ventricular fibrillation; look at the trace",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time.

    Attributes:
        start_s: seconds from the beginning.
        end_s: end, seconds from the beginning.
        causes: why it cannot be analysed, in words.
    """

    start_s: float
    end_s: float
    causes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quality:
    """The judgement of a recording.

    Attributes:
        leads: names.
        window: samples of a window, about one second.
        fs: sampling rate, Hz.
        seconds: length of the recording.
        flaws: shape (leads, windows), `Flaw` bits; 0 where the lead can be analysed. What is left after the last whole window
            is judged like that window.
        typical_mv: typical height of a good window of each lead, millivolt; NaN without one.
    """

    leads: tuple[str, ...]
    window: int
    fs: float
    seconds: float
    flaws: NDArray[np.uint8]
    typical_mv: NDArray[np.float64]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Shape (windows,): whether any lead can be analysed."""
        return np.asarray((self.flaws == 0).any(axis=0))

    @property
    def analysable_s(self) -> float:
        """Seconds in which at least one lead can be analysed."""
        usable = self.usable
        rest = self.seconds - len(usable) * self.window / self.fs
        return float(usable.sum() * self.window / self.fs + (rest if usable[-1] else 0.0))

    @property
    def share(self) -> float:
        """Part of the recording that can be analysed, 0 to 1."""
        return self.analysable_s / self.seconds if self.seconds else 0.0

    def lead_share(self, lead: int) -> float:
        """Part of one lead that can be analysed, 0 to 1."""
        return float((self.flaws[lead] == 0).mean())

    def ranked(self, start: int = 0, stop: int | None = None) -> list[int]:
        """Leads by the number of analysable windows between two windows; by equal merit those usual for rhythm first.

        Returns:
            Indices of the leads, best first.
        """
        good = (self.flaws[:, start:stop] == 0).sum(axis=1)
        usual = [_PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED) for name in self.leads]
        height = np.nan_to_num(self.typical_mv)
        return sorted(
            range(len(self.leads)), key=lambda lead: (-int(good[lead]), usual[lead], -float(height[lead]))
        )

    def best_lead(self) -> int:
        """Index of the best lead of the whole recording."""
        return self.ranked()[0]

    def without(self, doubtful: NDArray[np.bool_]) -> Quality:
        """The same judgement with windows in which no lead shows a heart that repeats itself.

        Args:
            doubtful: shape (windows,).
        """
        return dataclasses.replace(self, flaws=self.flaws | (doubtful * int(Flaw.DOUBTFUL)).astype(np.uint8))

    def unanalysable(self, lead: int | None = None) -> list[Stretch]:
        """Stretches in which nothing, or one lead, can be analysed, with causes."""
        bad = ~self.usable if lead is None else self.flaws[lead] != 0
        result = []
        for start, stop in runs(bad):
            flaws = self.flaws[:, start:stop] if lead is None else self.flaws[lead, start:stop]
            causes = tuple(word for flaw, word in _WORDS.items() if np.any(flaws & flaw))
            end_s = self.seconds if stop == self.flaws.shape[1] else stop * self.window / self.fs
            result.append(Stretch(start_s=start * self.window / self.fs, end_s=end_s, causes=causes))
        return result


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end (exclusive) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _measure(
    part: NDArray[np.float32], fs: float, rails: tuple[float, float]
) -> dict[str, NDArray[np.float32]]:
    """Figures of each window of a stretch of one lead: shape (windows,) each."""
    holes = np.isnan(part)
    filled = np.where(holes, np.float32(0), part)
    low = np.where(holes, np.float32(np.inf), part).min(axis=1)
    high = np.where(holes, np.float32(-np.inf), part).max(axis=1)
    with np.errstate(invalid="ignore"):
        height = np.where(np.isfinite(high - low), high - low, np.float32(0))
    smooth = uniform_filter1d(filled, size=max(3, round(0.025 * fs)), axis=1, mode="nearest")
    centre = np.median(filled, axis=1, keepdims=True)
    at_rail = (part == rails[0]) | (part == rails[1])
    return {
        "missing": holes.mean(axis=1),
        "height": height,
        "noise": 1.4826 * np.median(np.abs(filled - smooth), axis=1),
        "spread": 1.4826 * np.median(np.abs(filled - centre), axis=1),
        "rail": (at_rail[:, 1:] & at_rail[:, :-1]).sum(axis=1),
    }


def _figures(
    signal: NDArray[np.float32], fs: float, window: int, tick: Callable[[], None]
) -> dict[str, NDArray[np.float32]]:
    """`_measure` over a whole lead, a stretch at a time."""
    step = max(1, CHUNK // window) * window
    low, high = np.inf, -np.inf
    for start in range(0, len(signal), step):
        part = signal[start : start + step]
        if not np.isnan(part).all():
            low, high = min(low, float(np.nanmin(part))), max(high, float(np.nanmax(part)))
        release(signal)
    found = []
    for start in range(0, len(signal) // window * window, step):
        part = np.asarray(signal[start : start + step])
        windows = part[: len(part) // window * window].reshape(-1, window)
        found.append(_measure(windows, fs, (low, high)))
        release(signal)
        tick()
    return {name: np.concatenate([figures[name] for figures in found]) for name in found[0]}


def _long(mask: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Only those runs of True that last long enough."""
    kept = np.zeros_like(mask)
    for start, stop in runs(mask):
        if stop - start >= min(least, len(mask)):
            kept[start:stop] = True
    return kept


def _judge(figures: dict[str, NDArray[np.float32]], fs: float) -> tuple[NDArray[np.uint8], float]:
    """Flaws of each window of a lead, and the height of its typical window, millivolt."""
    height = figures["height"]
    missing = figures["missing"] > 0.05
    flat = _long((height == 0) & ~missing, _CONSTANT_WINDOWS) | _long(
        (height < _FLAT_MV) & ~missing, _FLAT_WINDOWS
    )
    saturated = (figures["rail"] > _RAIL_S * fs) & ~flat & (height > _FLAT_MV)
    good = ~(missing | flat | saturated)
    typical = float(np.median(height[good])) if good.any() else float("nan")
    noise = good & (
        (figures["noise"] > np.maximum(_NOISE_MV, _NOISE_SHARE * typical)) | (height > _BURST * typical)
    )
    flaws = (
        missing * int(Flaw.MISSING)
        + flat * int(Flaw.FLAT)
        + saturated * int(Flaw.SATURATED)
        + noise * int(Flaw.NOISE)
    ).astype(np.uint8)
    return flaws, typical


def _check_unit(figures: list[dict[str, NDArray[np.float32]]]) -> None:
    """Refuse heights that no heart gives, if the trace otherwise looks like an ECG.

    Raises:
        UnusableRecording: `unit_doubtful`.
    """
    heights = []
    for lead in figures:
        alive = (lead["height"] > 0) & (lead["missing"] < 0.05)
        if not alive.any():
            continue
        height, spread = float(np.median(lead["height"][alive])), float(np.median(lead["spread"][alive]))
        peaky = height > _PEAKY * spread
        heights.append((height, peaky))
    low, high = _AMPLITUDE_MV
    odd = [height for height, peaky in heights if peaky and not low <= height <= high]
    if odd and not any(low <= height <= high for height, _ in heights):
        raise UnusableRecording(RecordingReason.UNIT_DOUBTFUL, amplitude_mv=float(np.median(odd)))


def assess(recording: Recording, *, progress: Callable[[float], None] = silent) -> Quality:
    """Judge every second of every lead.

    Args:
        recording: at least one lead.
        progress: told the share that is done, 0 to 1.

    Raises:
        UnusableRecording: `recording_too_short`, `unit_doubtful`, or `recording_not_analysable` when no lead has two
            seconds in a row.
    """
    if recording.seconds < LEAST_BEATS_S:
        raise UnusableRecording(RecordingReason.TOO_SHORT, seconds=recording.seconds, needed=LEAST_BEATS_S)
    window = max(2, round(recording.fs))
    whole = recording.samples // window * window
    steps = len(recording.leads) * -(-whole // (max(1, CHUNK // window) * window))
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done / steps)

    figures = [_figures(lead, recording.fs, window, tick) for lead in recording.signals]
    _check_unit(figures)
    judged = [_judge(lead, recording.fs) for lead in figures]
    quality = Quality(
        leads=recording.leads,
        window=window,
        fs=recording.fs,
        seconds=recording.seconds,
        flaws=np.stack([flaws for flaws, _ in judged]),
        typical_mv=np.array([typical for _, typical in judged]),
    )
    longest = max((stop - start for row in quality.flaws for start, stop in runs(row == 0)), default=0)
    if longest * window / recording.fs < LEAST_BEATS_S * 0.99:
        causes = sorted({cause for stretch in quality.unanalysable() for cause in stretch.causes})
        raise UnusableRecording(RecordingReason.NOT_ANALYSABLE, detail=", ".join(causes))
    return quality
