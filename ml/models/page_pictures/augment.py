"""Prepared pages as another printer, another camera or another reading of the base lines would have given them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, grey_dilation, shift

from ml.pages.layouts import LAYOUTS
from ml.preprocessing.page_image import PX_PER_MM, ROW_MM

_ROWS = len(LAYOUTS["3x4+1"].strips)
_NO_STRIP = 0.12


def vary_page(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A page with small shifts of every row, another pen, a little noise, and sometimes without its strip.

    Args:
        picture: prepared, shape (256, 512, 1), 0 to 255.
        rng: where chance comes from.
    """
    tall = round(ROW_MM * PX_PER_MM)
    page = picture[..., 0].astype(np.float32)
    along = rng.uniform(-4.0, 4.0)
    rows = [
        shift(page[row * tall : (row + 1) * tall], (rng.normal(0.0, 1.2), along), order=1)
        for row in range(_ROWS)
    ]
    if rng.random() < _NO_STRIP:
        rows[-1] = np.zeros_like(rows[-1])
    page = np.concatenate(rows)
    kind = rng.random()
    if kind < 0.2:
        page = grey_dilation(page, (2, 2))
    elif kind < 0.5:
        page = gaussian_filter(page, rng.uniform(0.3, 0.7)) * rng.uniform(1.0, 1.4)
    page = page * rng.uniform(0.75, 1.15)
    return np.rint(np.clip(page, 0.0, 255.0)).astype(np.uint8)[..., None]


def variants(pictures: NDArray[np.uint8], count: int, *, seed: int) -> NDArray[np.uint8]:
    """Each picture as it is and ``count`` times varied, shape (n, 1 + count, 256, 512, 1)."""
    rng = np.random.default_rng(seed)
    return np.stack([np.stack([one, *(vary_page(one, rng) for _ in range(count))]) for one in pictures])
