"""Is this a picture of one heartbeat? Checks of the trace before the network runs, and of its embedding after."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.contract import Outcome
from ml.preprocessing.beat_image import PreparedImage

MIN_EDGE = 16
MIN_COVERED = 0.90
MIN_SINGLE = 0.90
MIN_REACH = 0.06
MAX_ASPECT = 2.2
MAX_INKED = 0.30
MIN_CONTRAST = 0.25
PAGE_PLAIN = 0.80
PAGE_WIDTH = 300
PAGE_CONTRAST = 0.60
PAGE_INKED = 0.13
PAGE_COVERED = 0.95


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """Why no prediction is given: the kind of answer, a stable code, a sentence for the clinician."""

    outcome: Outcome
    code: str
    message: str


UNREADABLE = Refusal(
    Outcome.POOR_INPUT,
    "unreadable_image",
    "The file could not be read as a picture. Please export it again and retry.",
)
TOO_SMALL = Refusal(
    Outcome.POOR_INPUT,
    "image_too_small",
    "The picture is too small to show a heartbeat. Please send it at 64 by 64 pixels or more.",
)
BLANK = Refusal(
    Outcome.POOR_INPUT, "blank_image", "No ECG trace was found: the picture is blank or shows a flat line."
)
SEVERAL = Refusal(
    Outcome.NOT_ELIGIBLE,
    "not_a_single_beat",
    "The picture seems to show several leads or a long strip. This model reads one heartbeat; please crop to a single beat.",
)
NOT_ECG = Refusal(
    Outcome.NOT_ELIGIBLE, "not_an_ecg", "The picture does not look like an ECG trace of one heartbeat."
)


def check_trace(prepared: PreparedImage) -> Refusal | None:
    """Judge a picture by its trace alone.

    Args:
        prepared: the picture as ``examine_beat_image`` gave it.

    Returns:
        Why it cannot be used, or None.
    """
    trace = prepared.trace
    if min(prepared.width, prepared.height) < MIN_EDGE:
        return TOO_SMALL
    if trace.empty and trace.contrast >= MIN_CONTRAST:
        return NOT_ECG  # there is something, but nothing that could be a trace
    if trace.empty or (trace.reach < MIN_REACH and trace.single >= MIN_SINGLE):
        return BLANK
    if _page(prepared):
        return SEVERAL
    if trace.single < MIN_SINGLE or trace.covered < MIN_COVERED or trace.inked > MAX_INKED:
        return NOT_ECG
    return None


def _page(prepared: PreparedImage) -> bool:
    """Whether the picture is a long strip, or line art of several wide traces on a plain background."""
    trace = prepared.trace
    if trace.contrast < PAGE_CONTRAST or trace.inked > PAGE_INKED:
        return False
    strip = prepared.width > MAX_ASPECT * prepared.height and trace.covered >= 0.5
    wide = trace.runs >= 1 and trace.covered >= PAGE_COVERED
    several = wide and trace.single < MIN_SINGLE and prepared.width >= PAGE_WIDTH
    return (strip or several) and prepared.plain >= PAGE_PLAIN


def distance(embedding: NDArray[np.float32], reference: NDArray[np.float32], *, neighbours: int) -> float:
    """Mean distance of one embedding, shape (d,), to its nearest reference embeddings (m, d) of length one; 0 to 2."""
    own = embedding / max(float(np.linalg.norm(embedding)), 1e-9)
    likeness = np.partition(reference @ own, -neighbours)[-neighbours:]
    return float(np.sqrt(np.maximum(2.0 - 2.0 * likeness, 0.0)).mean())


def check_embedding(
    embedding: NDArray[np.float32], reference: NDArray[np.float32], limits: dict[str, Any]
) -> Refusal | None:
    """Judge a picture by how far its embedding is from those of training beats.

    Args:
        embedding: shape (d,).
        reference: shape (m, d), of length one.
        limits: the contract's ``gate``: ``neighbours`` and ``max_distance``.

    Returns:
        Why it cannot be used, or None.
    """
    far = distance(embedding, reference, neighbours=int(limits["neighbours"]))
    return NOT_ECG if far > float(limits["max_distance"]) else None
