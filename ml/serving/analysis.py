"""From the bytes of a picture to the answers of every model that reads ECG pictures."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.contract import ModelResult, Outcome, as_percent
from ml.preprocessing.beat_image import VERSION, PreparedImage, UnreadableImageError, examine_beat_image
from ml.preprocessing.trace import Trace
from ml.registry import ModelContract
from ml.serving.gate import UNREADABLE, Refusal, check_embedding, check_trace
from ml.serving.heatmap import heatmap_png
from ml.serving.session import Answer, Member, member

CODE_VERSION = f"{VERSION}+serving-1"
BEAT_MODELS = ("beat-cnn",)
_READABLE = {
    "Normal": "a normal beat",
    "LBBB": "left bundle branch block",
    "RBBB": "right bundle branch block",
    "PAC": "a premature atrial beat",
    "PVC": "a premature ventricular beat",
    "VF": "ventricular fibrillation or flutter",
}


def analyse(data: bytes) -> tuple[ModelResult, ...]:
    """Let every model that reads ECG pictures answer.

    Args:
        data: bytes of a picture file. Strange, damaged and empty files give a result too, never an error.

    Returns:
        One result per model. The same bytes give the same numbers.

    Raises:
        TamperedArtefactError: when a model's files are not the ones that were measured.
    """
    return tuple(answer_one(name, data) for name in BEAT_MODELS)


def answer_one(name: str, data: bytes) -> ModelResult:
    """Let one model answer; see ``analyse``.

    Args:
        name: model, for example ``beat-cnn``.
        data: bytes of a picture file.

    Raises:
        ModelNotFoundError: when no model has that name.
        TamperedArtefactError: when a file of the model is not the one that was measured.
    """
    opened = member(name)
    started = time.perf_counter()
    try:
        prepared = examine_beat_image(data)
    except UnreadableImageError:
        fields = _refused(UNREADABLE)
    else:
        fields = answer_prepared(opened, prepared)
    return ModelResult(
        **fields,
        model=opened.contract.name,
        version=opened.contract.version,
        weights_sha256=opened.contract.weights_sha256,
        threshold=opened.contract.abstention_threshold,
        duration_ms=(time.perf_counter() - started) * 1000.0,
        input_sha256=hashlib.sha256(data).hexdigest(),
        code_version=CODE_VERSION,
        device=opened.network.device["name"],
    )


def answer_prepared(opened: Member, prepared: PreparedImage) -> dict[str, Any]:
    """The fields of a result that depend on the picture: outcome, label, probabilities, set, heatmap, message.

    Args:
        opened: the model.
        prepared: the picture as ``examine_beat_image`` gave it.
    """
    refusal = check_trace(prepared)
    if refusal is not None:
        return _refused(refusal)
    answer = opened.network(prepared.pixels[None])
    refusal = check_embedding(answer.embedding[0], opened.reference, opened.contract.gate)
    if refusal is not None:
        return _refused(refusal)
    return _decided(opened.contract, answer, prepared.trace)


def calibrated(contract: ModelContract, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Calibrated probabilities of one row of logits, shape (c,)."""
    scaled = logits.astype(np.float64) / contract.temperature
    powers = np.exp(scaled - scaled.max())
    shares: NDArray[np.float64] = powers / powers.sum()
    return shares


def prediction_set(contract: ModelContract, shares: NDArray[np.float64]) -> tuple[str, ...]:
    """Labels of the conformal prediction set, most probable first; the most probable is always among them."""
    least = contract.conformal["min_probability"]
    order = np.argsort(-shares, kind="stable")
    return tuple(
        contract.labels[i]
        for rank, i in enumerate(order)
        if rank == 0 or shares[i] >= least[contract.labels[i]]
    )


def _decided(contract: ModelContract, answer: Answer, trace: Trace) -> dict[str, Any]:
    """A prediction, or an abstention when the confidence is below the model's threshold."""
    shares = calibrated(contract, answer.logits[0])
    top = int(shares.argmax())
    label, confidence = contract.labels[top], float(shares[top])
    chosen = prediction_set(contract, shares)
    sure = confidence >= contract.abstention_threshold
    if sure:
        message = (
            f"The picture is most like {_READABLE.get(label, label)} ({as_percent(confidence)} probability)."
        )
    else:
        names = ", ".join(chosen)
        message = f"The model is not sure enough to name one class; compatible with: {names}. Please read the trace yourself."
    return {
        "outcome": Outcome.PREDICTED if sure else Outcome.ABSTAINED,
        "label": label if sure else None,
        "confidence": confidence if sure else None,
        "probabilities": {name: float(share) for name, share in zip(contract.labels, shares, strict=True)},
        "prediction_set": chosen,
        "reason_code": None if sure else "low_confidence",
        "message": message,
        "heatmap_png": heatmap_png(answer.cam[0, top], trace),
    }


def _refused(refusal: Refusal) -> dict[str, Any]:
    """A result without a prediction."""
    return {
        "outcome": refusal.outcome,
        "label": None,
        "confidence": None,
        "probabilities": {},
        "prediction_set": (),
        "reason_code": refusal.code,
        "message": refusal.message,
        "heatmap_png": None,
    }
