"""What ``dicom-cardiac`` says about a prepared film, and where it looked."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.contract import ModelResult, Outcome, as_percent
from ml.preprocessing.chest_image import SIZE
from ml.serving.chest_measurement import Frame
from ml.serving.signals import SignalMember

_EDGE = 64


def classified(opened: SignalMember, frame: Frame, *, sha256: str, code_version: str) -> ModelResult:
    """Classify a film that ``cxr-heart`` found eligible.

    Args:
        opened: the classifier.
        frame: the film in the square.
        sha256: of the file.
        code_version: of the code that calls.
    """
    started = time.perf_counter()
    contract = opened.contract
    logits, cam = opened.session.run(["logits", "cam"], {"image": frame.prepared.pixels[None]})
    scaled = logits[0].astype(np.float64) / contract.temperature
    powers = np.exp(scaled - scaled.max())
    shares = powers / powers.sum()
    top = int(shares.argmax())
    label, confidence = contract.labels[top], float(shares[top])
    least = contract.conformal["min_probability"]
    chosen = [i for i in np.argsort(-shares) if i == top or shares[i] >= least[contract.labels[i]]]
    sure = confidence >= contract.abstention_threshold
    message = (
        f"The classifier says {label.lower()} ({as_percent(confidence)} probability); read it beside the measured heart."
        if sure
        else "The classifier is not sure enough to say whether the heart is enlarged; read the measured heart."
    )
    return ModelResult(
        model=contract.name,
        version=contract.version,
        weights_sha256=contract.weights_sha256,
        outcome=Outcome.PREDICTED if sure else Outcome.ABSTAINED,
        label=label if sure else None,
        confidence=confidence if sure else None,
        probabilities={name: float(share) for name, share in zip(contract.labels, shares, strict=True)},
        prediction_set=tuple(contract.labels[i] for i in chosen),
        threshold=contract.abstention_threshold,
        reason_code=None if sure else "low_confidence",
        message=message,
        heatmap_png=_heat(cam[0, top], frame),
        duration_ms=(time.perf_counter() - started) * 1000.0,
        input_sha256=sha256,
        code_version=code_version,
        device=opened.device["name"],
    )


def _heat(activation: NDArray[np.float32], frame: Frame) -> bytes | None:
    """A map as 8-bit grey PNG over the stored image; None where it is zero everywhere."""
    peak = float(activation.max())
    if not np.isfinite(peak) or peak <= 0.0:
        return None
    square = np.asarray(Image.fromarray(activation / peak).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    part = frame.cut(np.rint(np.clip(square, 0.0, 1.0) * 255.0).astype(np.uint8))
    smaller = min(1.0, _EDGE / max(part.shape))
    size = (max(1, round(part.shape[1] * smaller)), max(1, round(part.shape[0] * smaller)))
    return frame.png(
        np.asarray(Image.fromarray(np.ascontiguousarray(part)).resize(size, Image.Resampling.BILINEAR))
    )
