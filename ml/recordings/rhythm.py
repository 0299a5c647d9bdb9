"""Intervals between beats, heart rate, ectopic beats and episodes.

Labels are those of the beat models: ``Normal``, ``LBBB``, ``RBBB``, ``PAC``, ``PVC``, ``VF``, or anything else for a beat that the
model left open, which then counts as neither normal nor ectopic.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recordings.quality import Quality, runs

CONDUCTED = ("Normal", "LBBB", "RBBB")  # beats that start in the sinus node, as far as the labels tell
UNCLASSIFIED = "unclassified"  # where no beat model is installed
PAUSE_S = 2.0
SLOW_BPM = 50.0
FAST_BPM = 100.0
_RATE_EPISODE_S = 10.0
_RATE_BEATS = 5
_LEAST_RUN = 3
_MOST_RR_S = 15.0  # beyond this even a pause is more likely a stretch without readable signal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Something that lasted for a while.

    Attributes:
        kind: ``pause``, ``bradycardia``, ``tachycardia``, ``ventricular_run``, ``ventricular_couplet``,
            ``ventricular_bigeminy``, ``ventricular_trigeminy``, ``atrial_run`` or ``ventricular_fibrillation``. The names
            describe a pattern of beats and labels, not a diagnosis.
        start_s: seconds from the beginning.
        end_s: seconds from the beginning.
        beats: number of beats in it; of ectopic ones where the kind is about them.
        rate_bpm: mean heart rate within; None for a pause or a single interval.
    """

    kind: str
    start_s: float
    end_s: float
    beats: int
    rate_bpm: float | None

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return dataclasses.asdict(self) | {"start_s": round(self.start_s, 3), "end_s": round(self.end_s, 3)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intervals:
    """Intervals from each beat to the next.

    Attributes:
        at_s: time of the beat that ends each interval, seconds, shape (beats - 1,).
        rr_s: lengths, seconds, shape (beats - 1,).
        whole: whether every second between the two beats could be analysed, shape (beats - 1,); else a beat may be hidden.
        normal: whether it is whole and both beats are conducted (normal-to-normal), shape (beats - 1,).
    """

    at_s: NDArray[np.float64]
    rr_s: NDArray[np.float64]
    whole: NDArray[np.bool_]
    normal: NDArray[np.bool_]


def is_conducted(labels: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Which beats count as conducted from the sinus node, shape (beats,): all of them where no beat was classified."""
    return np.isin(labels, CONDUCTED) | bool(np.all(labels == UNCLASSIFIED))


def intervals(samples: NDArray[np.int64], fs: float, labels: NDArray[np.str_], quality: Quality) -> Intervals:
    """Intervals between neighbouring beats.

    Args:
        samples: R peaks, ascending, shape (beats,).
        fs: sampling rate, Hz.
        labels: shape (beats,).
        quality: of the recording.
    """
    usable = quality.usable
    bad_before = np.concatenate([[0], np.cumsum(~usable)])
    window = np.minimum(samples // quality.window, len(usable) - 1)
    rr_s = np.diff(samples) / fs
    whole = (bad_before[window[1:] + 1] - bad_before[window[:-1]] == 0) & (rr_s < _MOST_RR_S)
    conducted = is_conducted(labels)
    return Intervals(
        at_s=samples[1:] / fs, rr_s=rr_s, whole=whole, normal=whole & conducted[1:] & conducted[:-1]
    )


def heart_rate(found: Intervals) -> dict[str, float | None]:
    """Mean heart rate, and the lowest and highest over eight intervals in a row, in beats per minute; None without intervals."""
    rr = found.rr_s[found.whole]
    if not len(rr):
        return {"mean_bpm": None, "min_bpm": None, "max_bpm": None}
    span = 8
    means = [
        np.convolve(found.rr_s[start:stop], np.full(span, 1 / span), mode="valid")
        for start, stop in runs(found.whole)
        if stop - start >= span
    ]
    over = np.concatenate(means) if means else np.array([rr.mean()])
    return {
        "mean_bpm": 60.0 / float(rr.mean()),
        "min_bpm": 60.0 / float(over.max()),
        "max_bpm": 60.0 / float(over.min()),
    }


def burden(labels: NDArray[np.str_], analysable_s: float) -> dict[str, Any]:
    """Beats of each class, and the ectopic burden: ectopic beats in percent of all, and how many in an hour."""
    names, numbers = np.unique(labels, return_counts=True)
    counts = {str(name): int(number) for name, number in zip(names, numbers, strict=True)}
    result: dict[str, Any] = {"beats": len(labels), "counts": counts}
    for name, label in (("ventricular", "PVC"), ("atrial", "PAC")):
        number = counts.get(label, 0)
        result[f"{name}_percent"] = 100.0 * number / len(labels) if len(labels) else None
        result[f"{name}_per_hour"] = 3600.0 * number / analysable_s if analysable_s else None
    return result


def _rate(samples: NDArray[np.int64], fs: float, first: int, last: int) -> float | None:
    """Mean heart rate from one beat to another, beats per minute."""
    lasted = (samples[last] - samples[first]) / fs
    return float(60.0 * (last - first) / lasted) if last > first and lasted > 0 else None


def _pauses(samples: NDArray[np.int64], fs: float, found: Intervals) -> list[Episode]:
    return [
        Episode(kind="pause", start_s=samples[i] / fs, end_s=samples[i + 1] / fs, beats=0, rate_bpm=None)
        for i in np.flatnonzero(found.whole & (found.rr_s > PAUSE_S))
    ]


def _rate_episodes(samples: NDArray[np.int64], fs: float, found: Intervals) -> list[Episode]:
    """Slow and fast stretches of at least ten seconds, by the median of five intervals, which a lone early beat does not move."""
    episodes = []
    for start, stop in runs(found.whole):
        if stop - start < _RATE_BEATS:
            continue
        padded = np.pad(found.rr_s[start:stop], _RATE_BEATS // 2, mode="edge")
        smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, _RATE_BEATS), axis=1)
        for kind, mask in (
            ("bradycardia", smooth > 60.0 / SLOW_BPM),
            ("tachycardia", smooth < 60.0 / FAST_BPM),
        ):
            for a, b in runs(mask):
                first, last = start + a, start + b
                if (samples[last] - samples[first]) / fs >= _RATE_EPISODE_S:
                    episodes.append(
                        Episode(
                            kind=kind,
                            start_s=samples[first] / fs,
                            end_s=samples[last] / fs,
                            beats=last - first + 1,
                            rate_bpm=_rate(samples, fs, first, last),
                        )
                    )
    return episodes


def _linked(mask: NDArray[np.bool_], whole: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of marked beats that no unreadable stretch interrupts: first beat and last beat."""
    result = []
    for start, stop in runs(mask):
        cuts = [start, *(start + 1 + np.flatnonzero(~whole[start : stop - 1])), stop]
        result += [(int(a), int(b) - 1) for a, b in itertools.pairwise(cuts)]
    return result


def _ectopic_runs(
    samples: NDArray[np.int64], fs: float, labels: NDArray[np.str_], whole: NDArray[np.bool_]
) -> list[Episode]:
    """Couplets, and three or more ectopic beats in a row."""
    episodes = []
    for label, couplet, longer in (
        ("PVC", "ventricular_couplet", "ventricular_run"),
        ("PAC", None, "atrial_run"),
        ("VF", None, "ventricular_fibrillation"),
    ):
        for first, last in _linked(labels == label, whole):
            number = last - first + 1
            kind = longer if number >= _LEAST_RUN else couplet if number == 2 else None
            if kind:
                episodes.append(
                    Episode(
                        kind=kind,
                        start_s=samples[first] / fs,
                        end_s=samples[last] / fs,
                        beats=number,
                        rate_bpm=_rate(samples, fs, first, last),
                    )
                )
    return episodes


def _alternations(
    samples: NDArray[np.int64], fs: float, labels: NDArray[np.str_], whole: NDArray[np.bool_]
) -> list[Episode]:
    """Bigeminy and trigeminy: every second or third beat ventricular, three times or more."""
    ventricular = labels == "PVC"
    conducted = is_conducted(labels)
    at = np.flatnonzero(ventricular)
    episodes = []
    for kind, gap in (("ventricular_bigeminy", 2), ("ventricular_trigeminy", 3)):
        regular = np.zeros(max(0, len(at) - 1), dtype=bool)
        for i, (a, b) in enumerate(itertools.pairwise(at)):
            regular[i] = b - a == gap and bool(conducted[a + 1 : b].all()) and bool(whole[a:b].all())
        for start, stop in runs(regular):
            if stop - start + 1 >= _LEAST_RUN:
                first, last = int(at[start]), int(at[stop])
                episodes.append(
                    Episode(
                        kind=kind,
                        start_s=samples[first] / fs,
                        end_s=samples[last] / fs,
                        beats=stop - start + 1,
                        rate_bpm=_rate(samples, fs, first, last),
                    )
                )
    return episodes


def episodes(
    samples: NDArray[np.int64], fs: float, labels: NDArray[np.str_], found: Intervals
) -> tuple[Episode, ...]:
    """All episodes, by time.

    Args:
        samples: R peaks, shape (beats,).
        fs: sampling rate, Hz.
        labels: shape (beats,).
        found: intervals of the same beats.
    """
    every = [
        *_pauses(samples, fs, found),
        *_rate_episodes(samples, fs, found),
        *_ectopic_runs(samples, fs, labels, found.whole),
        *_alternations(samples, fs, labels, found.whole),
    ]
    return tuple(sorted(every, key=lambda episode: (episode.start_s, episode.kind)))
