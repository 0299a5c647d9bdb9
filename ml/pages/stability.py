"""Whether an answer about a page holds when the picture is cropped, turned or faded a little.

The copies are made from the prepared crop, so that the grid is sought and the page straightened only once, and are answered in one
batch. An answer that flips rests on how the page was photographed, and not on what it shows.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_INSTEAD = "in {count} of {of} it is {label}"


class Prepare(Protocol):
    """From a crop to what the model sees."""

    def __call__(self, crop: NDArray[np.uint8], /) -> NDArray[Any]:
        """One crop, RGB, shape (height, width, 3), as one input of the model; all inputs have one shape."""


class Answer(Protocol):
    """The model."""

    def __call__(self, batch: NDArray[Any], /) -> NDArray[np.floating]:
        """Probabilities of a batch of inputs, shape (n, classes), 0 to 1."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A small change of the picture.

    Attributes:
        name: what is done, as a clinician would say it.
        crop: part of the width and height that is cut off at the left, top, right and bottom.
        turn: degrees clockwise.
        contrast: distance of every pixel from the paper's tone is multiplied by this.
    """

    name: str
    crop: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    turn: float = 0.0
    contrast: float = 1.0


VARIANTS = (
    Variant(name="cut at the left and top", crop=(0.02, 0.02, 0.0, 0.0)),
    Variant(name="cut at the right and bottom", crop=(0.0, 0.0, 0.02, 0.02)),
    Variant(name="turned by 1 degree", turn=1.0),
    Variant(name="turned by -1 degree", turn=-1.0),
    Variant(name="turned by 2 degrees", turn=2.0),
    Variant(name="turned by -2 degrees", turn=-2.0),
    Variant(name="paler", contrast=0.8),
    Variant(name="darker", contrast=1.25),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How far an answer holds.

    Attributes:
        label: the answer to the page as it is.
        probability: of that label, 0 to 1.
        answers: the label of every changed copy, by the name of the change.
        lowest: smallest probability of `label` among the copies, 0 to 1.
    """

    label: str
    probability: float
    answers: dict[str, str]
    lowest: float

    @property
    def flipped(self) -> tuple[str, ...]:
        """Names of the changes under which the answer is another."""
        return tuple(name for name, label in self.answers.items() if label != self.label)

    @property
    def stable(self) -> bool:
        """Whether the answer is the same in all copies."""
        return not self.flipped

    @property
    def message(self) -> str:
        """A sentence for the clinician."""
        of = len(self.answers)
        if self.stable:
            return f"The answer is the same in all {of} slightly changed copies of the page ({', '.join(self.answers)})."
        others = collections.Counter(label for label in self.answers.values() if label != self.label)
        said = ", ".join(
            _INSTEAD.format(count=count, of=of, label=label)
            for label, count in sorted(others.items(), key=lambda pair: (-pair[1], pair[0]))
        )
        return (
            f"The answer changes when the picture is changed a little: {said} instead of {self.label} "
            f"({'; '.join(self.flipped)}). Do not rely on it; photograph or scan the page again, or read it yourself."
        )

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON types."""
        return {
            "label": self.label,
            "probability": round(self.probability, 4),
            "lowest": round(self.lowest, 4),
            "stable": self.stable,
            "flips": len(self.flipped),
            "of": len(self.answers),
            "answers": dict(self.answers),
            "message": self.message,
        }


def changed(crop: NDArray[np.uint8], variant: Variant) -> NDArray[np.uint8]:
    """A copy of a crop with a small change; corners that a turn uncovers have the paper's tone.

    Args:
        crop: RGB, shape (height, width, 3), 0 to 255, at least 50 pixels each way.
        variant: what to do.
    """
    height, width = crop.shape[:2]
    left, top, right, bottom = variant.crop
    result = crop[
        round(top * height) : height - round(bottom * height),
        round(left * width) : width - round(right * width),
    ]
    paper = np.median(crop[::8, ::8].reshape(-1, 3), axis=0)
    if variant.turn:
        fill = (int(paper[0]), int(paper[1]), int(paper[2]))
        turned = Image.fromarray(result).rotate(-variant.turn, Image.Resampling.BILINEAR, fillcolor=fill)
        result = np.asarray(turned)
    if variant.contrast != 1.0:
        levels = np.arange(256)[:, None]
        table = np.clip(np.rint(paper + variant.contrast * (levels - paper)), 0, 255).astype(np.uint8)
        result = np.stack([table[:, channel][result[..., channel]] for channel in range(3)], axis=2)
    return np.ascontiguousarray(result)


def check_stability(
    crop: NDArray[np.uint8],
    *,
    prepare: Prepare,
    answer: Answer,
    labels: Sequence[str],
    variants: Sequence[Variant] = VARIANTS,
) -> Stability:
    """Answer about a page as it is and about slightly changed copies of it, in one batch.

    Args:
        crop: `PreparedPage.cropped`, RGB, shape (height, width, 3), 0 to 255.
        prepare: from a crop to one input of the model.
        answer: probabilities of a batch of inputs.
        labels: names of the classes, in the order of the probabilities.
        variants: the changes, at least one.

    Raises:
        ValueError: when there is no variant, or the probabilities are not one row for each input and one column for each label.
    """
    if not variants:
        raise ValueError("at least one variant is needed")
    batch = np.stack([prepare(crop), *(prepare(changed(crop, variant)) for variant in variants)])
    found = np.asarray(answer(batch))
    if found.shape != (len(batch), len(labels)):
        raise ValueError(f"expected probabilities of shape {(len(batch), len(labels))}, got {found.shape}")
    return judged(found, labels=labels, variants=variants)


def judged(found: NDArray[np.floating], *, labels: Sequence[str], variants: Sequence[Variant]) -> Stability:
    """How far an answer holds, from the answers to the page and to its copies.

    Args:
        found: probabilities of the page as it is and of every variant, shape (1 + variants, labels).
        labels: names of the classes.
        variants: the changes, in the order of the answers.
    """
    winners = [int(place) for place in found.argmax(axis=1)]
    first = winners[0]
    return Stability(
        label=labels[first],
        probability=float(found[0, first]),
        answers={variant.name: labels[place] for variant, place in zip(variants, winners[1:], strict=True)},
        lowest=float(found[1:, first].min()),
    )
