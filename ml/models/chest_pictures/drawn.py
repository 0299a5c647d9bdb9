"""Drawn films beside the real ones in training: hearts of every size, and pictures in which nothing is to be found."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from ml.datasets.simulated_chest import draw_chest, draw_lateral, draw_limb
from ml.preprocessing.chest_image import SIZE, prepare_chest

CHESTS, OTHERS = 80, 30
_FIRST = 10_000  # of the seeds, far from those of tests and demonstration
_RATIOS = (0.35, 0.72)


@functools.cache
def drawn_films() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]]:
    """Pictures (n, 256, 256, 1), masks (n, 256, 256) and ratios (n,): first `CHESTS` chests, then others with empty masks and NaN."""
    wanted = np.linspace(*_RATIOS, CHESTS)
    chests = [draw_chest(seed=_FIRST + i, ratio=float(ratio), size=SIZE) for i, ratio in enumerate(wanted)]
    others = [draw(seed=_FIRST + i, size=SIZE) for i in range(OTHERS) for draw in (draw_lateral, draw_limb)]
    pictures = np.stack([prepare_chest(one).pixels for one in (*(one.grey for one in chests), *others)])
    masks = np.zeros(pictures.shape[:3], dtype=np.uint8)
    masks[:CHESTS] = np.stack([one.classes for one in chests])
    ratios = np.r_[[one.ratio for one in chests], np.full(len(others), np.nan)]
    return pictures, masks, ratios
