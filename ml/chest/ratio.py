"""The cardiothoracic ratio of a segmented chest X-ray (Danzer 1919): widest heart by widest chest."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

BACKGROUND, RIGHT_LUNG, LEFT_LUNG, HEART = range(4)
_LEAST_PART = 0.1  # of the largest part; what is smaller is a crumb of the segmentation


class NotMeasurable(Exception):
    """A segmentation lacks a lung or the heart."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HeartSize:
    """The two diameters, in pixels of the picture that was segmented.

    Attributes:
        ratio: cardiothoracic ratio; above 0.5 the heart of an adult on a PA film counts as enlarged.
        heart: left edge, right edge and row of the heart's widest extent: (left, right, row).
        chest: the same of the inner chest, from the outer edge of one lung to that of the other.
    """

    ratio: float
    heart: tuple[float, float, float]
    chest: tuple[float, float, float]


def heart_size(classes: NDArray[np.integer]) -> HeartSize:
    """Measure a segmentation.

    The heart's diameter is its whole horizontal extent (the greatest distance to the right of the midline and the greatest to the
    left, each on its own level); so is the chest's.

    Args:
        classes: `BACKGROUND`, `RIGHT_LUNG`, `LEFT_LUNG` or `HEART` of each pixel, shape (rows, columns). The patient's right is on
            the picture's left.

    Raises:
        NotMeasurable: when a lung or the heart is missing.
    """
    parts = {part: _without_crumbs(classes == part) for part in (RIGHT_LUNG, LEFT_LUNG, HEART)}
    missing = [part for part, mask in parts.items() if not mask.any()]
    if missing:
        names = {RIGHT_LUNG: "the right lung", LEFT_LUNG: "the left lung", HEART: "the heart"}
        raise NotMeasurable(f"{' and '.join(names[part] for part in missing)} not found")
    heart = _extent(parts[HEART])
    chest = _extent(parts[RIGHT_LUNG] | parts[LEFT_LUNG] | parts[HEART])
    return HeartSize(ratio=(heart[1] - heart[0]) / (chest[1] - chest[0]), heart=heart, chest=chest)


def _extent(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Left and right edge of a mask, and the row in which it is widest."""
    columns = np.flatnonzero(mask.any(axis=0))
    row = int(mask.sum(axis=1).argmax())
    return float(columns[0]), float(columns[-1] + 1), float(row)


def _without_crumbs(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without separate parts that are much smaller than its largest."""
    numbered, count = label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(numbered.ravel())
    sizes[0] = 0
    kept: NDArray[np.bool_] = (sizes >= _LEAST_PART * sizes.max())[numbered]
    return kept
