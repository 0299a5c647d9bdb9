"""Films as they would look with a larger or smaller heart: a network that saw few sizes draws all others like them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.chest.ratio import HEART, NotMeasurable, heart_size

SIZES = (0.36, 0.75)  # ratios that are asked for
_FACTORS = (0.65, 1.7)  # of the heart's width: beyond it the picture looks drawn out
_UNEVEN = 0.12  # how far one side of the heart may differ from the other, as part of its width
_MOST_BENT = 0.85  # below 1 the columns keep their order
_FARTHEST = 0.94  # of the half chest that a heart's edge may reach


def resized_heart(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A film with its mask, the heart made wider or narrower and the lungs pushed aside; the chest keeps its width.

    The columns of the heart's rows are moved along a smooth curve that leaves midline and ribs in their place, and less and less above
    and below the heart. A mask that cannot be measured is left as it is.

    Args:
        picture: prepared, shape (n, n, 1).
        mask: classes of `ml.chest.ratio`, shape (n, n).
        rng: where chance comes from; the ratio asked for is even over `SIZES`.
    """
    try:
        size = heart_size(mask)
    except NotMeasurable:
        return picture, mask
    factor = np.clip(rng.uniform(*SIZES) / size.ratio, *_FACTORS)
    centre, half = (size.chest[0] + size.chest[1]) / 2.0, (size.chest[1] - size.chest[0]) / 2.0
    across = (np.arange(mask.shape[1]) - centre) / half
    bend = np.where(
        across < 0.0,
        _bend((centre - size.heart[0]) / half, factor * np.exp(rng.normal(0.0, _UNEVEN / 2.0))),
        _bend((size.heart[1] - centre) / half, factor * np.exp(rng.normal(0.0, _UNEVEN / 2.0))),
    )
    moved = across + _rows(mask)[:, None] * bend * across * np.maximum(1.0 - np.abs(across), 0.0)
    columns = np.clip(centre + half * moved, 0.0, mask.shape[1] - 1.0)
    left = np.minimum(columns.astype(np.intp), mask.shape[1] - 2)
    part = (columns - left)[..., None]
    rows = np.arange(len(mask))[:, None]
    film = picture[rows, left] * (1.0 - part) + picture[rows, left + 1] * part
    drawn = mask[rows, np.rint(columns).astype(np.intp)]
    return np.rint(film).astype(np.uint8), drawn


def _bend(edge: float, factor: float) -> float:
    """How strongly columns bend for a heart's edge (0 midline, 1 ribs) to move outward by a factor."""
    if not 0.05 < edge < _FARTHEST:
        return 0.0
    wanted = min(edge * factor, _FARTHEST)
    return float(np.clip((edge - wanted) / (wanted * (1.0 - wanted)), -_MOST_BENT, _MOST_BENT))


def _rows(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How far each row takes part, 0 to 1: the heart's rows wholly from half its height on."""
    rows = np.flatnonzero((mask == HEART).any(axis=1))
    top, height = rows[0], rows[-1] + 1 - rows[0]
    at = (np.arange(len(mask)) - top) / height
    rising, falling = (np.clip(edge, 0.0, 1.0) for edge in ((at + 0.15) / 0.5, (1.5 - at) / 0.5))
    return np.asarray(rising * rising * (3.0 - 2.0 * rising) * falling * falling * (3.0 - 2.0 * falling))
