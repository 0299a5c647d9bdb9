"""The result of a model that was not asked: who would have answered, and why it does not."""

from __future__ import annotations

import time

from ml.contract import ModelResult
from ml.registry import ModelContract
from ml.serving.gate import Refusal


def unanswered(
    contract: ModelContract,
    why: Refusal,
    *,
    input_sha256: str,
    code_version: str,
    started: float | None = None,
    device: str = "cpu",
) -> ModelResult:
    """A result without an answer.

    Args:
        contract: of the model.
        why: the kind of refusal, its stable code, and the sentence for the clinician.
        input_sha256: hash of the bytes that were given.
        code_version: of the serving code.
        started: by `time.perf_counter`, when work on the input began; None where there was none.
        device: where the model would run.
    """
    return ModelResult(
        model=contract.name,
        version=contract.version,
        weights_sha256=contract.weights_sha256,
        outcome=why.outcome,
        label=None,
        confidence=None,
        probabilities={},
        prediction_set=(),
        threshold=contract.abstention_threshold,
        reason_code=why.code,
        message=why.message,
        heatmap_png=None,
        duration_ms=0.0 if started is None else (time.perf_counter() - started) * 1000.0,
        input_sha256=input_sha256,
        code_version=code_version,
        device=device,
    )
