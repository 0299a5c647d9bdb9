"""Stretches of a recording that look like ventricular fibrillation, flutter or tachycardia."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recordings.recording import Recording
from ml.recordings.rhythm import Episode
from ml.serving.rhythm import SegmentAnswers, classify_segments

KIND = "ventricular_fibrillation"
# One segment of four seconds alone is mostly a false alarm (card of rhythm-vf); two in a row make an episode.
LEAST_SEGMENTS = 2
_PIECE_SEGMENTS = 300


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fibrillation:
    """What the rhythm model says about one lead of a recording.

    Attributes:
        episodes: stretches of at least `LEAST_SEGMENTS` segments, by time.
        probability: mean calibrated probability over the segments of the episodes, 0 to 1; None without one.
        facts: model, version, hash, lead, number of segments, and how many were called VF/VT or left open.
        threshold: confidence below which the model abstains.
        duration_ms: of the model, milliseconds.
        device: where it ran.
    """

    episodes: tuple[Episode, ...]
    probability: float | None
    facts: dict[str, Any]
    threshold: float
    duration_ms: float
    device: str


def find_fibrillation(recording: Recording, lead: int) -> Fibrillation | None:
    """Ask the rhythm model about every four seconds of one lead; None for a recording of less.

    Args:
        recording: the recording.
        lead: position of the lead.
    """
    parts = list(_pieces(recording, lead))
    if not parts:
        return None
    decisions = np.concatenate([part.decisions for part in parts])
    probabilities = np.concatenate([part.probabilities for part in parts])
    found = [run for run in _runs(decisions == 1) if run.stop - run.start >= LEAST_SEGMENTS]
    inside = np.concatenate([probabilities[run] for run in found]) if found else probabilities[:0]
    first = parts[0]
    return Fibrillation(
        episodes=tuple(
            Episode(
                kind=KIND,
                start_s=run.start * first.seconds,
                end_s=run.stop * first.seconds,
                beats=0,
                rate_bpm=None,
            )
            for run in found
        ),
        probability=float(inside.mean()) if found else None,
        facts={
            "model": first.model,
            "version": first.version,
            "weights_sha256": first.weights_sha256,
            "lead": recording.leads[lead],
            "segments": len(decisions),
            "vf_vt": int((decisions == 1).sum()),
            "unsure": int((decisions == -1).sum()),
        },
        threshold=first.threshold,
        duration_ms=sum(part.duration_ms for part in parts),
        device=first.device,
    )


def _pieces(recording: Recording, lead: int) -> Iterator[SegmentAnswers]:
    """Answers for pieces of twenty minutes, so that a day is not in memory at once."""
    piece = round(_PIECE_SEGMENTS * 4.0 * recording.fs)
    for start in range(0, recording.samples, piece):
        part = np.nan_to_num(recording.signals[lead, start : start + piece])
        if len(part) >= 4.0 * recording.fs:
            yield classify_segments(part, recording.fs)


def _runs(flags: NDArray[np.bool_]) -> list[slice]:
    """Stretches of true values."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
