"""The cardiothoracic ratio of a segmented chest X-ray (Danzer 1919): widest heart by widest chest."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label

Part = TypeVar("Part", bound=np.integer)

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


def joined_heart(classes: NDArray[Part], gap: float) -> NDArray[Part]:
    """A segmentation whose heart is one piece where its pieces lie close: a morphological closing by a disc.

    A network that is unsure of a border that a vessel or a rib crosses leaves the strip along the border apart from the heart.

    Args:
        classes: as in `heart_size`.
        gap: pixels; what lies between pieces that are twice as far apart or less becomes heart.
    """
    heart = classes == HEART
    if not heart.any():
        return classes
    rows, columns = (np.flatnonzero(heart.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    margin = int(gap) + 2
    near = distance_transform_edt(~np.pad(heart[box], margin)) <= gap
    closed = (distance_transform_edt(near) > gap)[margin:-margin, margin:-margin]
    joined = classes.copy()
    joined[box][closed] = HEART
    return joined


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
