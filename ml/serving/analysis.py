"""From the bytes of a picture to the answers of every model that reads ECG pictures."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import registry
from ml.contract import ModelResult, Outcome, as_percent
from ml.pictures import UnreadableImageError
from ml.preprocessing.beat_image import VERSION, PreparedImage, examine_beat_image
from ml.preprocessing.trace import Trace
from ml.registry import ModelContract
from ml.serving.gate import UNREADABLE, Refusal, check_embedding, check_trace
from ml.serving.heatmap import heatmap_png
from ml.serving.session import Answer, Member, member

CODE_VERSION = f"{VERSION}+serving-1"
GATEKEEPER = "beat-cnn"
_second_opinions = functools.cache(registry.second_opinions)
_READABLE = {
    "Normal": "a normal beat",
    "LBBB": "left bundle branch block",
    "RBBB": "right bundle branch block",
    "PAC": "a premature atrial beat",
    "PVC": "a premature ventricular beat",
    "VF": "ventricular fibrillation or flutter",
}


def analyse(data: bytes, *, second_opinions: bool = False) -> tuple[ModelResult, ...]:
    """Let the models that read ECG pictures answer.

    Args:
        data: bytes of a picture file. Strange, damaged and empty files give a result too, never an error.
        second_opinions: whether the models of the comparison answer, too. They are opened when first asked.

    Returns:
        One result per model, that of ``beat-cnn`` first. The same bytes give the same numbers.

    Raises:
        TamperedArtefactError: when a model's files are not the ones that were measured.
    """
    names = (GATEKEEPER, *_second_opinions()) if second_opinions else (GATEKEEPER,)
    return _answers(names, data)


def answer_one(name: str, data: bytes) -> ModelResult:
    """Let one model answer; see ``analyse``.

    Args:
        name: model, for example ``beat-cnn``.
        data: bytes of a picture file.

    Raises:
        ModelNotFoundError: when no model has that name.
        TamperedArtefactError: when a file of the model is not the one that was measured.
    """
    return _answers((name,), data)[0]


def _answers(names: tuple[str, ...], data: bytes) -> tuple[ModelResult, ...]:
    """Answers of some models to one picture, which is prepared and judged by the gate once."""
    opened = [member(name) for name in names]
    sha256 = hashlib.sha256(data).hexdigest()
    started = time.perf_counter()
    judged: Judged | Refusal
    try:
        judged = judge(examine_beat_image(data), opened[0])
    except UnreadableImageError:
        judged = UNREADABLE
    results = []
    for one in opened:
        fields = _refused(judged) if isinstance(judged, Refusal) else _asked(one, judged)
        ended = time.perf_counter()
        results.append(
            ModelResult(
                **fields,
                model=one.contract.name,
                version=one.contract.version,
                weights_sha256=one.contract.weights_sha256,
                threshold=one.contract.abstention_threshold,
                duration_ms=(ended - started) * 1000.0,
                input_sha256=sha256,
                code_version=CODE_VERSION,
                device=one.network.device["name"],
            )
        )
        started = ended
    return tuple(results)


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """A picture that may be answered.

    Attributes:
        prepared: the picture as ``examine_beat_image`` gave it.
        keeper: the model that judged it.
        answer: what that model's network gave, so that it need not run again.
    """

    prepared: PreparedImage
    keeper: str
    answer: Answer


def judge(prepared: PreparedImage, asked: Member) -> Judged | Refusal:
    """Whether a picture shows one heartbeat: decided once for all models, by the model that has a gate.

    Args:
        prepared: the picture as ``examine_beat_image`` gave it.
        asked: the model that is asked; one without a gate of its own leaves it to ``beat-cnn``.
    """
    refusal = check_trace(prepared)
    if refusal is not None:
        return refusal
    keeper = asked if asked.contract.gate else member(GATEKEEPER)
    answer = keeper.network(prepared.pixels[None])
    refusal = check_embedding(answer.embedding[0], keeper.reference, keeper.contract.gate)
    return refusal or Judged(prepared, keeper.contract.name, answer)


def answer_prepared(opened: Member, prepared: PreparedImage) -> dict[str, Any]:
    """The fields of a result that depend on the picture: outcome, label, probabilities, set, heatmap, message.

    Args:
        opened: the model.
        prepared: the picture as ``examine_beat_image`` gave it.
    """
    judged = judge(prepared, opened)
    return _refused(judged) if isinstance(judged, Refusal) else _asked(opened, judged)


def _asked(opened: Member, judged: Judged) -> dict[str, Any]:
    """What a model says to a picture that passed the gate."""
    own = judged.keeper == opened.contract.name
    answer = judged.answer if own else opened.network(judged.prepared.pixels[None])
    return _decided(opened.contract, answer, judged.prepared.trace)


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
