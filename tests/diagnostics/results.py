"""Answers of models, made for tests of what the platform does with them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from diagnostics.risk import LABEL_RISK
from ml.contract import ModelResult, Outcome
from tests import images

LABELS = tuple(LABEL_RISK)


def result(
    label: str | None = "PVC", *, model: str = "beat-cnn", outcome: Outcome = Outcome.PREDICTED, **fields: Any
) -> ModelResult:
    predicted = outcome is Outcome.PREDICTED
    values: dict[str, Any] = {
        "model": model,
        "version": "1.0.0",
        "weights_sha256": "a" * 64,
        "outcome": outcome,
        "label": label if predicted else None,
        "confidence": 0.9 if predicted else None,
        "probabilities": {label: 0.9} if predicted else {},
        "prediction_set": (label,) if predicted else (),
        "threshold": 0.5,
        "reason_code": None if predicted else outcome.value,
        "message": f"{model} answers {label if predicted else outcome.value}.",
        "heatmap_png": images.png(size=64) if predicted else None,
        "duration_ms": 4.0,
        "input_sha256": "b" * 64,
        "code_version": "1",
        "device": "cpu",
    }
    return ModelResult(**values | fields)


def answers(
    *labels: str | None, models: tuple[str, ...] = ("beat-cnn", "b", "c", "d", "e")
) -> list[ModelResult]:
    """One answer per model; None abstains."""
    return [
        result(label, model=model) if label else result(model=model, outcome=Outcome.ABSTAINED)
        for model, label in zip(models, labels, strict=False)
    ]


def on_copies(label: str | None, *, stable: bool, model: str = "page-fusion") -> ModelResult:
    """An answer about a page that was asked of changed copies as well."""
    found = {"stability": {"stable": stable, "message": "In 1 of 6 it is another."}}
    outcome = Outcome.PREDICTED if label else Outcome.ABSTAINED
    return result(label, model=model, outcome=outcome, explanation=found)


def contracts(*results: ModelResult) -> dict[str, dict[str, Any]]:
    return {one.model: {"name": one.model} for one in results}


@st.composite
def any_result(draw: st.DrawFn) -> ModelResult:
    """Any answer that the contract allows."""
    outcome = draw(st.sampled_from(Outcome))
    label = draw(st.sampled_from(LABELS))
    others = tuple(draw(st.lists(st.sampled_from(LABELS), unique=True, max_size=4)))
    chosen = (label, *(one for one in others if one != label)) if outcome is Outcome.PREDICTED else others
    return result(
        label, outcome=outcome, prediction_set=chosen, model=draw(st.sampled_from(["beat-cnn", "rhythm-cnn"]))
    )
