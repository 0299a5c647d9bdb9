"""The steps of the cardiotoxicity report on a page, each viewable: crop and rectify, grey, blur, Otsu, binary.

The crop follows the grid, and where rows are found also leaves out what stands above the first and below the last of them, so that
no header, footer or date reaches a model.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from scipy.ndimage import gaussian_filter

from ml.pages.digitise import oriented_page
from ml.pages.reading import Reading
from ml.pages.rectify import StraightPage

BLUR = 0.7  # standard deviation, pixels; the report's
_AROUND_ROWS_MM = 16.0
_TILES = 8
_CLIP = 0.02


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedPage:
    """A page after each step, all of the same size, 0 to 255.

    Attributes:
        cropped: upright, straight, without header and footer, RGB, shape (height, width, 3).
        grey: shape (height, width).
        blurred: grey after the Gaussian blur.
        binary: 255 for paper, 0 for ink.
        threshold: Otsu's, 0 to 255.
        scale: pixels per millimetre.
        box: left, top, right and bottom of the crop on the straightened page, pixels.
    """

    cropped: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    blurred: NDArray[np.uint8]
    binary: NDArray[np.uint8]
    threshold: int
    scale: int
    box: tuple[int, int, int, int]


def otsu(grey: NDArray[np.uint8]) -> int:
    """The level that divides a picture best in two (Otsu 1979): at or below it is ink.

    Args:
        grey: any shape, 0 to 255.
    """
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    share = np.cumsum(counts) / counts.sum()
    mean = np.cumsum(counts * np.arange(256)) / counts.sum()
    between = (mean[-1] * share - mean) ** 2 / np.maximum(share * (1.0 - share), 1e-12)
    return int(np.argmax(between))


def clahe(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) on 8 x 8 tiles.

    Args:
        grey: shape (height, width), 0 to 255, at least 16 pixels each way.
    """
    height, width = grey.shape
    rows = np.linspace(0, height, _TILES + 1).astype(int)
    columns = np.linspace(0, width, _TILES + 1).astype(int)
    curves = np.empty((_TILES, _TILES, 256), dtype=np.float32)
    for r in range(_TILES):
        for c in range(_TILES):
            tile = grey[rows[r] : rows[r + 1], columns[c] : columns[c + 1]]
            counts = np.bincount(tile.ravel(), minlength=256).astype(np.float64) / tile.size
            over = np.maximum(counts - _CLIP, 0.0).sum()
            curves[r, c] = 255.0 * np.cumsum(np.minimum(counts, _CLIP) + over / 256.0)
    y = np.clip((np.arange(height) + 0.5) * _TILES / height - 0.5, 0, _TILES - 1)
    x = np.clip((np.arange(width) + 0.5) * _TILES / width - 0.5, 0, _TILES - 1)
    top, left = y.astype(int), x.astype(int)
    down, right = np.minimum(top + 1, _TILES - 1), np.minimum(left + 1, _TILES - 1)
    v, u = (y - top)[:, None], (x - left)[None, :]
    upper = (1 - u) * curves[top[:, None], left, grey] + u * curves[top[:, None], right, grey]
    lower = (1 - u) * curves[down[:, None], left, grey] + u * curves[down[:, None], right, grey]
    return np.rint((1 - v) * upper + v * lower).astype(np.uint8)


def edges(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Steepness of a picture after a light blur, 0 to 255 for the steepest.

    Args:
        grey: shape (height, width), 0 to 255.
    """
    down, across = np.gradient(gaussian_filter(grey.astype(np.float32), 1.0))
    steep = np.hypot(down, across)
    return np.rint(255.0 * steep / max(float(steep.max()), 1e-6)).astype(np.uint8)


def _box(page: StraightPage, rows: NDArray[np.float64] | None) -> tuple[int, int, int, int]:
    height, width = page.inside.shape
    if rows is None or not len(rows):
        return 0, 0, width, height
    around = round(_AROUND_ROWS_MM * page.scale)
    return 0, max(0, round(rows[0]) - around), width, min(height, round(rows[-1]) + around)


def prepare_page(picture: NDArray[np.uint8]) -> PreparedPage:
    """Bring a picture of a page into the form that page models see.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255.

    Raises:
        UnusablePage: too small, no grid, blurred, glare, or rows of no layout that is known.
    """
    page, reading, _ = oriented_page(picture)
    return prepared(page, reading)


def prepared(page: StraightPage, reading: Reading) -> PreparedPage:
    """The steps on a page that has been straightened and read already.

    Args:
        page: upright.
        reading: where its rows lie.
    """
    left, top, right, bottom = _box(page, reading.rows)
    cropped = np.ascontiguousarray(page.image[top:bottom, left:right])
    grey = ImageOps.grayscale(Image.fromarray(cropped))
    blurred = np.asarray(grey.filter(ImageFilter.GaussianBlur(BLUR)))
    threshold = otsu(blurred)
    return PreparedPage(
        cropped=cropped,
        grey=np.asarray(grey),
        blurred=blurred,
        binary=np.where(blurred <= threshold, 0, 255).astype(np.uint8),
        threshold=threshold,
        scale=page.scale,
        box=(left, top, right, bottom),
    )
