"""All measurements of a recording whose beats are found and labelled."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recordings.delineation import Durations, corrected_qt, delineate, median_beat
from ml.recordings.morphology import band_powers, beat_shapes
from ml.recordings.quality import Quality
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import Recording, release
from ml.recordings.rhythm import (
    CONDUCTED,
    UNCLASSIFIED,
    Episode,
    Intervals,
    burden,
    episodes,
    heart_rate,
    intervals,
    is_conducted,
)
from ml.recordings.variability import Variability, normal_intervals, variability

_RATE_BPM = (20.0, 300.0)
_QRS_MS = (40.0, 260.0)
_LEAST_RR = 5
_SLOW_AND_WIDE = (45.0, 180.0)
_FAST_AND_NARROW = (150.0, 55.0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What was measured.

    Attributes:
        heart_rate: ``mean_bpm``, ``min_bpm``, ``max_bpm`` (over eight intervals in a row), beats per minute.
        burden: ``beats``, ``counts`` of each class, and ectopic beats: ``ventricular_percent``, ``ventricular_per_hour``,
            ``atrial_percent``, ``atrial_per_hour``.
        durations: PR, QRS, QT of the median of the commonest kind of conducted beat; None without three such beats.
        median_of: the class that the median beat was made of.
        qtc: QT corrected by Bazett, Fridericia and Framingham, millisecond, with the ``rr_s`` used; None without QT.
        variability: heart rate variability.
        shapes: R amplitude and QRS area of each class, on the best lead.
        bands: spectral band powers of the best lead.
        episodes: by time.
        notes: sentences for the reader about what limits the figures.
    """

    heart_rate: dict[str, float | None]
    burden: dict[str, Any]
    durations: Durations | None
    median_of: str | None
    qtc: dict[str, float] | None
    variability: Variability
    shapes: dict[str, dict[str, float]]
    bands: dict[str, Any] | None
    episodes: tuple[Episode, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return {
            "heart_rate": self.heart_rate,
            "burden": self.burden,
            "durations": self.durations.as_json() if self.durations else None,
            "median_of": self.median_of,
            "qtc": self.qtc,
            "variability": self.variability.as_json(),
            "shapes": self.shapes,
            "bands": self.bands,
            "episodes": [episode.as_json() for episode in self.episodes],
            "notes": list(self.notes),
        }


def _typical(
    recording: Recording, samples: NDArray[np.int64], labels: NDArray[np.str_], found: Intervals
) -> tuple[Durations, str, float] | None:
    """Durations of the commonest conducted class, that class, and the interval that goes with it."""
    present = [
        label for label in (*CONDUCTED, UNCLASSIFIED) if np.any(is_conducted(labels) & (labels == label))
    ]
    if not present or len(samples) < 4:
        return None
    kind = max(present, key=lambda label: int(np.sum(labels == label)))
    mine = labels == kind
    # Both neighbours of the same kind, and the beat not early: an early one has its T on another beat's P.
    calm = normal_intervals(found)
    chosen = np.flatnonzero(mine[1:-1] & mine[:-2] & mine[2:] & calm[:-1] & calm[1:]) + 1
    if not len(chosen):
        return None
    rr_s = float(np.median(found.rr_s[chosen - 1]))
    beat = median_beat(recording.signals, recording.fs, samples[chosen], rr_s)
    return (delineate(beat), kind, rr_s) if beat is not None else None


def check_rate(found: Intervals, durations: Durations | None, fs: float) -> tuple[str, ...]:
    """Refuse times that no heart has, and warn of those that a wrong sampling rate would explain well.

    Raises:
        UnusableRecording: `rate_doubtful`.
    """
    rr = found.rr_s[found.whole]
    if len(rr) < _LEAST_RR:
        return ()
    rate = 60.0 / float(np.median(rr))
    if not _RATE_BPM[0] <= rate <= _RATE_BPM[1]:
        raise UnusableRecording(
            RecordingReason.RATE_DOUBTFUL, fs=fs, detail=f"the heart would beat {rate:.0f} times a minute"
        )
    width = durations.qrs_ms if durations else None
    if width is None:
        return ()
    slow, fast = rate < _SLOW_AND_WIDE[0], rate > _FAST_AND_NARROW[0]
    # A wrong sampling rate stretches beats and distances alike; a strange QRS at a usual rate is a hard ECG, not a wrong file.
    if (slow and width > _QRS_MS[1]) or (fast and width < _QRS_MS[0]):
        raise UnusableRecording(
            RecordingReason.RATE_DOUBTFUL,
            fs=fs,
            detail=f"the QRS complex would last {width:.0f} ms at {rate:.0f} beats a minute",
        )
    if not _QRS_MS[0] <= width <= _QRS_MS[1]:
        return (f"A QRS of {width:.0f} ms was measured, which is hardly possible; measure it on the trace.",)
    if (slow and width > _SLOW_AND_WIDE[1]) or (fast and width < _FAST_AND_NARROW[1]):
        return (
            f"A rate of {rate:.0f}/min with a QRS of {width:.0f} ms is unusual; make sure that the sampling rate of {fs:g} Hz is right.",
        )
    return ()


def measure(
    recording: Recording, quality: Quality, samples: NDArray[np.int64], labels: NDArray[np.str_]
) -> Measures:
    """Measure a recording.

    Args:
        recording: the signals.
        quality: of the same recording.
        samples: R peaks, ascending, shape (beats,).
        labels: class of each beat, shape (beats,).

    Raises:
        UnusableRecording: `rate_doubtful`.
        ValueError: when beats and labels differ in number.
    """
    if len(samples) != len(labels):
        raise ValueError(f"{len(samples)} beats, but {len(labels)} labels")
    found = intervals(samples, recording.fs, labels, quality)
    typical = _typical(recording, samples, labels, found)
    durations = typical[0] if typical else None
    notes = list(check_rate(found, durations, recording.fs))
    if recording.pacemaker:
        notes.append(
            "The file says that the patient has a pacemaker: intervals and beat classes are not valid for paced beats."
        )
    if np.all(labels == UNCLASSIFIED):
        notes.append("The beats were not classified: ectopic beats may be among those measured as normal.")
    qtc = None
    if typical and typical[0].qt_ms is not None:
        qtc = corrected_qt(typical[0].qt_ms, typical[2]) | {"rr_s": typical[2]}
    lead = quality.best_lead()
    shapes = beat_shapes(recording.signals[lead], recording.fs, samples, labels)
    bands = band_powers(recording.signals, lead, quality)
    release(recording.signals)
    return Measures(
        heart_rate=heart_rate(found),
        burden=burden(labels, quality.analysable_s),
        durations=durations,
        median_of=typical[1] if typical else None,
        qtc=qtc,
        variability=variability(found),
        shapes=shapes,
        bands=bands,
        episodes=episodes(samples, recording.fs, labels, found),
        notes=tuple(notes),
    )
