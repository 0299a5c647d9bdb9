"""What a model promises and what it answers: the only part of the suite that the site may import.

Standard library only, so that importing it costs the web process nothing.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any


def as_percent(probability: float) -> str:
    """A probability, 0 to 1, in whole percent for people; never 0 or 100 %, which no model can promise."""
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else share_as_percent(probability)


def share_as_percent(share: float) -> str:
    """A counted share, 0 to 1, in whole percent for people; unlike a probability it may be 100 %."""
    return f"{100 * share:.0f} %"


class Outcome(StrEnum):
    """What kind of answer a model gave. All four are results: stored and shown, never errors."""

    PREDICTED = "predicted"
    ABSTAINED = "abstained"
    NOT_ELIGIBLE = "not_eligible"
    POOR_INPUT = "poor_input"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelResult:
    """One model's answer to one input.

    Attributes:
        model: name of the model, for example ``beat-cnn``.
        version: semantic version of the model.
        weights_sha256: hash of the served weights, lower-case hexadecimal.
        outcome: predicted, abstained, not_eligible or poor_input.
        label: the most probable class; None unless predicted.
        confidence: calibrated probability of ``label``, 0 to 1; None unless predicted.
        probabilities: calibrated probability of every class, 0 to 1, empty if the model was not run. They sum to 1, unless several
            classes may hold at once.
        prediction_set: classes of the conformal prediction set, most probable first.
        threshold: the confidence below which the model abstains, 0 to 1.
        reason_code: stable code when not predicted, else None.
        message: one sentence for the clinician.
        heatmap_png: 8-bit grey PNG of the class activation map (0 = none, 255 = most), in the proportions of the
            picture given; None if there is no positive evidence.
        duration_ms: time of the model call, milliseconds.
        input_sha256: hash of the bytes analysed.
        code_version: version of preprocessing and serving code.
        device: execution device, for example ``cpu`` or ``cuda``.
        suspected: of a model whose classes may hold at once, those at or above their own threshold, most probable first; abnormal
            ones only.
    """

    model: str
    version: str
    weights_sha256: str
    outcome: Outcome
    label: str | None
    confidence: float | None
    probabilities: dict[str, float]
    prediction_set: tuple[str, ...]
    threshold: float
    reason_code: str | None
    message: str
    heatmap_png: bytes | None
    duration_ms: float
    input_sha256: str
    code_version: str
    device: str
    suspected: tuple[str, ...] = ()
    explanation: dict[str, Any] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types; the heatmap is left out."""
        fields = dataclasses.asdict(self)
        del fields["heatmap_png"]
        return fields | {
            "outcome": self.outcome.value,
            "prediction_set": list(self.prediction_set),
            "suspected": list(self.suspected),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFindings:
    """What was found in a recording beside the models' answers: its beats, measurements and how its signal is kept.

    Attributes:
        leads: names in the usual spelling.
        fs: sampling rate, Hz.
        samples: length.
        summary: measurements, episodes, unanalysable stretches and warnings, as JSON types.
        classes: names of the beat classes.
        beat_samples: R peaks, int32 little endian, ascending.
        beat_classes: one int8 per beat: position in ``classes``, -1 where the model was not sure.
        beat_confidences: one byte per beat: calibrated probability of the most probable class in percent.
        beat_heat: bytes per beat of where the model looked, 0 to 255, `heat_steps` each; empty if there is none.
        heat: ``before_s`` and ``after_s`` of a beat's heat and its number of ``steps``; None if there is none.
        signal: layout of the kept signal: ``tile`` (stretches per tile) and ``steps`` (samples per stretch of each level).
    """

    leads: tuple[str, ...]
    fs: float
    samples: int
    summary: dict[str, Any]
    classes: tuple[str, ...]
    beat_samples: bytes
    beat_classes: bytes
    beat_confidences: bytes
    beat_heat: bytes
    heat: dict[str, Any] | None
    signal: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything that the suite says about one file.

    Attributes:
        results: one per model, or one that says why no model could answer.
        findings: of a recording that could be analysed, else None.
    """

    results: tuple[ModelResult, ...]
    findings: RecordingFindings | None = None
