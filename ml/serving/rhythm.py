"""From one lead of a recording to whether each stretch of four seconds shows a ventricular arrhythmia."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.rhythm_segment import SECONDS, held, prepare_segments
from ml.serving.signals import SignalMember, signal_member

MODEL = "rhythm-vf"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SegmentAnswers:
    """Answers for consecutive stretches of one lead.

    Attributes:
        labels: names of the classes: ``other``, ``VF/VT``.
        starts_s: where each stretch begins, shape (k,), seconds.
        seconds: length of a stretch.
        probabilities: calibrated probability of ventricular fibrillation, flutter or tachycardia, shape (k,).
        decisions: 1 VF/VT, 0 other, -1 where the model abstains, shape (k,).
        model: name of the model.
        version: its version.
        weights_sha256: hash of the served weights.
        threshold: confidence below which the model abstains, 0 to 1.
        duration_ms: preparation and model, milliseconds.
        device: ``cpu`` or ``cuda``.
    """

    labels: tuple[str, ...]
    starts_s: NDArray[np.float64]
    seconds: float
    probabilities: NDArray[np.float32]
    decisions: NDArray[np.int8]
    model: str
    version: str
    weights_sha256: str
    threshold: float
    duration_ms: float
    device: str


def classify_segments(
    signal_mv: NDArray[np.floating], fs: float, *, opened: SignalMember | None = None
) -> SegmentAnswers:
    """Ventricular fibrillation, flutter or tachycardia in consecutive stretches of four seconds.

    Args:
        signal_mv: one lead, shape (n,), millivolt. What is left over at the end gets no answer.
        fs: sampling rate, Hz, at least 100.
        opened: the model to ask; the installed one if None.

    Raises:
        ValueError: when the shape does not fit or the rate is too low.
        TamperedArtefactError: when the model's files are not the ones that were measured.
    """
    opened = opened or signal_member(MODEL)
    started = time.perf_counter()
    prepared = prepare_segments(signal_mv, fs)
    shares = held(
        opened.probabilities(window=prepared.windows, features=prepared.features), prepared.reach_mv
    )
    return SegmentAnswers(
        labels=opened.contract.labels,
        starts_s=prepared.starts_s,
        seconds=SECONDS,
        probabilities=shares[:, 1],
        decisions=opened.decide(shares),
        model=opened.contract.name,
        version=opened.contract.version,
        weights_sha256=opened.contract.weights_sha256,
        threshold=opened.contract.abstention_threshold,
        duration_ms=(time.perf_counter() - started) * 1000.0,
        device=opened.device["name"],
    )
