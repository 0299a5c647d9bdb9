"""A recording in, everything known about it out: quality, beats, classes, measurements, episodes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recordings.measures import Measures, measure
from ml.recordings.pyramid import Pyramid, pyramid
from ml.recordings.qrs import find_beats
from ml.recordings.quality import Quality, Stretch, assess
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import Recording, release

__all__ = ["Classify", "Progress", "Pyramid", "RecordingResult", "analyse_recording", "pyramid"]

# (signals (leads, n) in mV, sampling rate in Hz, R peaks (beats,)) -> labels (beats,), probabilities (beats,) or (beats, classes)
Classify = Callable[
    [NDArray[np.float32], float, NDArray[np.int64]], tuple[NDArray[np.str_], NDArray[np.floating[Any]]]
]
Progress = Callable[[float, str], None]

CODE_VERSION = "2"
CLASSIFYING = (
    0.65,
    0.90,
)  # the part of the whole that the classifier takes; it may tell its own progress within
_LEAST_BEATS = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordingResult:
    """What the analysis of a recording says.

    Attributes:
        leads: names.
        fs: sampling rate, Hz.
        seconds: length.
        analysable_s: seconds in which at least one lead could be analysed.
        best_lead: the lead most beats were found on.
        lead_shares: analysable part of each lead, 0 to 1.
        unanalysable: stretches in which no lead could be analysed, with causes.
        samples: R peaks in samples, ascending, shape (beats,).
        labels: class of each beat, shape (beats,).
        probabilities: probability of that class, 0 to 1, shape (beats,); NaN where the model gave none.
        measures: measurements, burden and episodes.
        warnings: sentences of the reader about the file.
        pacemaker: True if the file says that the patient has one, None if it says nothing.
        quality: the judgement of every second of every lead; not among the JSON types.
        code_version: version of these methods.
    """

    leads: tuple[str, ...]
    fs: float
    seconds: float
    analysable_s: float
    best_lead: str
    lead_shares: dict[str, float]
    unanalysable: tuple[Stretch, ...]
    samples: NDArray[np.int64]
    labels: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    measures: Measures
    warnings: tuple[str, ...]
    pacemaker: bool | None
    quality: Quality
    code_version: str = CODE_VERSION

    def as_json(self, *, beats: bool = True) -> dict[str, Any]:
        """The fields as JSON types; numbers that do not exist are None.

        Args:
            beats: with the list of beats, about 25 bytes each: 2.5 MB for a day.
        """
        result: dict[str, Any] = {
            "leads": list(self.leads),
            "fs": self.fs,
            "seconds": self.seconds,
            "analysable_s": self.analysable_s,
            "best_lead": self.best_lead,
            "lead_shares": self.lead_shares,
            "unanalysable": [dataclasses.asdict(stretch) for stretch in self.unanalysable],
            "measures": self.measures.as_json(),
            "warnings": list(self.warnings),
            "pacemaker": self.pacemaker,
            "code_version": self.code_version,
        }
        if beats:
            result["beats"] = {
                "samples": self.samples.tolist(),
                "labels": self.labels.tolist(),
                "probabilities": [round(float(p), 4) for p in self.probabilities],
            }
        plain: dict[str, Any] = _plain(result)
        return plain


def silent(share: float, step: str) -> None:
    """Progress that nobody is told of."""


def _plain(value: Any) -> Any:
    """JSON types only: no NumPy, no tuples, None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _classified(
    recording: Recording, samples: NDArray[np.int64], classify: Classify
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Labels, and the probability of each.

    Raises:
        ValueError: when the classifier does not answer for every beat.
    """
    answered, given = classify(recording.signals, recording.fs, samples)
    labels = np.asarray(answered, dtype=np.str_)
    probabilities = np.asarray(given, dtype=np.float32)
    if probabilities.ndim == 2:
        probabilities = probabilities.max(axis=1)
    if not len(labels) == len(probabilities) == len(samples):
        raise ValueError(
            f"the classifier answered {len(labels)} labels and {len(probabilities)} probabilities for {len(samples)} beats"
        )
    return labels, probabilities


def _check_enough(samples: NDArray[np.int64], quality: Quality) -> None:
    if len(samples) < _LEAST_BEATS:
        raise UnusableRecording(RecordingReason.NO_BEATS, seconds=quality.analysable_s)


def analyse_recording(
    recording: Recording, *, classify: Classify, progress: Progress = silent
) -> RecordingResult:
    """Analyse a recording.

    Args:
        recording: as `ml.recordings.formats.read` gives it.
        classify: names the class of each beat, from all leads; called once, with every beat, so that it may look at
            neighbouring ones. The signals may be mapped from a file: it should cut out what it needs, not copy the whole.
        progress: told the share that is done (0 to 1) and what is being done, in words.

    Raises:
        UnusableRecording: too short, not analysable, no beats, or doubtful unit or sampling rate.
    """
    progress(0.0, "Checking the signal")
    quality = assess(recording, progress=lambda share: progress(0.15 * share, "Checking the signal"))
    found = find_beats(
        recording.signals,
        recording.fs,
        quality,
        progress=lambda share: progress(0.15 + 0.50 * share, "Finding heartbeats"),
    )
    quality = quality.without(found.doubtful)
    _check_enough(found.samples, quality)
    progress(CLASSIFYING[0], "Classifying heartbeats")
    labels, probabilities = _classified(recording, found.samples, classify)
    progress(CLASSIFYING[1], "Measuring")
    measures = measure(recording, quality, found.samples, labels)
    release(recording.signals)
    progress(1.0, "Done")
    return RecordingResult(
        leads=recording.leads,
        fs=recording.fs,
        seconds=recording.seconds,
        analysable_s=quality.analysable_s,
        best_lead=recording.leads[int(np.bincount(found.leads).argmax())],
        lead_shares={name: quality.lead_share(i) for i, name in enumerate(recording.leads)},
        unanalysable=tuple(quality.unanalysable()),
        samples=found.samples,
        labels=labels,
        probabilities=probabilities,
        measures=measures,
        warnings=recording.warnings,
        pacemaker=recording.pacemaker,
        quality=quality,
    )
