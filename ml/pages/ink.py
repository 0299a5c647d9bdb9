"""Ink of trace and letters on a straightened page, without the grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.pages.grid import flattened

_PAPER_AND_GRID = 92.0  # percentile: at most that share of a page is trace and letters
_CORE = 99.8
_LEAST_CONTRAST = 0.12


def ink_map(page: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """How much of every pixel is ink.

    A coloured grid is as bright as the paper in its strongest channel, where dark ink is dark in all; a grey grid is paler
    than the ink.

    Args:
        page: straightened, RGB, shape (height, width, 3), 0 to 255.

    Returns:
        Shape (height, width), 0 (paper or grid) to 1 (ink), and the contrast of ink over grid, 0 to 1. All zero
        when there is hardly any contrast.
    """
    flat = flattened(page)
    dark = 1.0 - np.maximum(np.maximum(flat[..., 0], flat[..., 1]), flat[..., 2])
    sample = dark[::2, ::2]
    low, high = (float(v) for v in np.percentile(sample, [_PAPER_AND_GRID, _CORE]))
    low = max(low, 0.04)
    contrast = high - low
    if contrast < _LEAST_CONTRAST:
        return np.zeros_like(dark), max(contrast, 0.0)
    # The rim of the pen is as wide as its core on a small picture: full ink is reached before the darkest.
    return np.clip((dark - low) / (0.8 * contrast), 0.0, 1.0).astype(np.float32), contrast
