"""How differently the readers of the two sites draw a heart: outlines of one size laid on each other, within and across sites."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.chest.ratio import HEART
from ml.datasets.chest_xray import SITES
from ml.models.chest_pictures.data import Films

_WIDE, _HIGH = 64, 96  # of the frame into which each heart is fitted by its width
_ALIKE = 0.01  # two hearts are of one size when their ratios differ by no more
_TOP = 0.1  # of the heart's height: how broad its upper end is drawn
MEANING = (
    "Drawn hearts alone, no network: each is scaled to one width and laid on others by left edge and centre of gravity. Overlap is the "
    f"mean Dice of pairs of different patients whose ratios differ by at most {_ALIKE:.2f}. Fullness is the area as part of the box around "
    "the heart; the breadth of the upper tenth is told as part of the heart's width."
)


def _fitted(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A heart in a frame of one width, its centre of gravity in the frame's middle row, flat."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    high = min(max(1, round(cut.shape[0] * _WIDE / cut.shape[1])), _HIGH)
    scaled = np.asarray(
        Image.fromarray(cut.astype(np.uint8) * 255).resize((_WIDE, high), Image.Resampling.BILINEAR)
    )
    heart = scaled >= 128
    top = _HIGH // 2 - round(float(np.nonzero(heart)[0].mean()))
    frame = np.zeros((_HIGH, _WIDE), dtype=bool)
    kept = slice(max(0, top), min(_HIGH, top + high))
    frame[kept] = heart[kept.start - top : kept.stop - top]
    return frame.ravel()


def _shape(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Fullness, and breadth of the upper tenth."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    high, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    upper = mask[rows[0] : rows[0] + max(1, round(_TOP * high))]
    return float(mask.sum() / (high * wide)), float(upper.sum(axis=1).mean() / wide)


def manners(films: Films) -> dict[str, Any]:
    """Overlap of drawn hearts of one size within and across sites, and what tells the sites' outlines apart."""
    hearts = films.masks == HEART
    framed = np.stack([_fitted(heart) for heart in hearts]).astype(np.float32)
    areas = framed.sum(axis=1)
    overlap = 2.0 * (framed @ framed.T) / (areas[:, None] + areas[None])
    pairs = np.triu(np.abs(films.ratios[:, None] - films.ratios[None]) <= _ALIKE, k=1)
    pairs |= pairs.T
    shapes = np.array([_shape(heart) for heart in hearts])
    rows = {}
    for one, other in itertools.combinations_with_replacement(SITES, 2):
        here = pairs & (films.sites == one)[:, None] & (films.sites == other)[None]
        name = f"within {one}" if one == other else f"{one} on {other}"
        rows[name] = round(float(overlap[here].mean()), 4)
    by_site = {
        site: {
            "fullness": round(float(shapes[films.sites == site, 0].mean()), 3),
            "upper_breadth": round(float(shapes[films.sites == site, 1].mean()), 3),
        }
        for site in SITES
    }
    fullness = [row["fullness"] for row in by_site.values()]
    most = round(2.0 * min(fullness) / sum(fullness), 3)
    return {"meaning": MEANING, "overlap": rows, "most_overlap": most, "shape": by_site}
