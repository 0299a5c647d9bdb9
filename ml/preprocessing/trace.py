"""From any picture to the trace on it: ink, polarity, grid, and the stretch of ink in every column."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

_MIN_CONTRAST = 0.08
_GOOD_CONTRAST = 0.30
_THRESHOLD = 0.4
_FAINT = 0.25
_SPECK_PART = 0.02
_SPECK_WIDTH = 0.10


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The trace found on a picture, and how much the picture looks like a single trace.

    Attributes:
        top: upper end of the centre line per picture column, pixels from the upper edge; NaN where there is no ink.
        bottom: lower end of the centre line per picture column, pixels.
        left: first picture column with ink, pixels.
        width: columns of the picture, pixels.
        pen: estimated width of the pen, pixels.
        height: rows of the picture, pixels.
        contrast: difference of trace and background, 0 to 1.
        covered: part of the columns between the first and the last ink that hold ink, 0 to 1.
        single: part of the inked columns whose ink is one unbroken stretch, 0 to 1.
        inked: part of the picture's pixels that are ink, 0 to 1.
        runs: connected lines that are at least a sixth as wide as the picture.
    """

    top: NDArray[np.float64]
    bottom: NDArray[np.float64]
    left: int
    width: int
    pen: float
    height: int
    contrast: float
    covered: float
    single: float
    inked: float
    runs: int

    @property
    def empty(self) -> bool:
        """Whether no trace at all was found."""
        return self.top.size == 0

    @property
    def reach(self) -> float:
        """Height of the centre line as part of the picture's height, 0 to 1."""
        if self.empty:
            return 0.0
        return float((np.nanmax(self.bottom) - np.nanmin(self.top)) / self.height)


def _nothing(shape: tuple[int, ...], contrast: float) -> Trace:
    void = np.empty(0)
    return Trace(
        top=void,
        bottom=void,
        left=0,
        width=shape[1],
        pen=0.0,
        height=shape[0],
        contrast=contrast,
        covered=0.0,
        single=0.0,
        inked=0.0,
        runs=0,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Shades:
    """How the levels of one grey picture become ink.

    Attributes:
        ink: ink of each level 0 to 255, 0 (background) to 1 (trace).
        contrast: difference of trace and background, 0 to 1.
        light: whether the background is light.
    """

    ink: NDArray[np.float32]
    contrast: float
    light: bool


def histogram(level: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels of a grey picture have each level, shape (256,). Pillow counts bytes faster than numpy."""
    return np.asarray(Image.fromarray(level).histogram())


def _shades(level: NDArray[np.uint8]) -> _Shades:
    """Background and trace of one grey picture, shape (height, width), 0 to 255."""
    counts = histogram(level)
    upto = np.cumsum(counts)
    background = int(np.searchsorted(upto, (level.size + 1) // 2))
    # The trace may be a thousandth of a big picture; the most extreme twenty thousandth part is taken as its level.
    part = max(1, level.size // 20000)
    darkest = int(np.searchsorted(upto, part))
    lightest = 255 - int(np.searchsorted(np.cumsum(counts[::-1]), part))
    light = background - darkest >= lightest - background
    reach = background - darkest if light else lightest - background
    if reach < _MIN_CONTRAST * 255.0:
        return _Shades(np.zeros(256, dtype=np.float32), reach / 255.0, light)
    sign = 1.0 if light else -1.0
    ink = np.clip(sign * (background - np.arange(256.0)) / reach, 0.0, 1.0).astype(np.float32)
    return _Shades(ink, reach / 255.0, light)


def ink_of(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """Ink of a picture of any polarity, with a coloured grid removed where the trace is grey or black.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255.

    Returns:
        Ink, shape (height, width), 0 (background) to 1 (trace), and the contrast, 0 to 1.
    """
    red, green, blue = (np.ascontiguousarray(picture[..., i]) for i in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        shades = _shades(red)
        return shades.ink.take(red), shades.contrast
    weighted = red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)
    grey = np.rint(weighted).astype(np.uint8)
    shades = _shades(grey)
    if shades.contrast >= _MIN_CONTRAST:
        # On light paper a coloured grid is bright in its strongest channel while a dark trace is dark in all of them.
        strongest = np.maximum if shades.light else np.minimum
        colourless = strongest(strongest(red, green), blue)
        without_grid = _shades(colourless)
        if without_grid.light == shades.light and without_grid.contrast >= _GOOD_CONTRAST:
            return without_grid.ink.take(colourless), without_grid.contrast
    return shades.ink.take(grey), shades.contrast


def _without_frame(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Remove straight lines along the picture's edges: the frame of a plot or a scan."""
    height, width = mask.shape
    clean = mask.copy()
    for axis, length, across in ((0, height, width), (1, width, height)):
        edge = max(1, length // 25)
        full = mask.sum(axis=1 - axis) > 0.9 * across
        lines = [i for i in (*range(edge), *range(length - edge, length)) if full[i]]
        if axis == 0:
            clean[lines, :] = False
        else:
            clean[:, lines] = False
    return clean


def _without_specks(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
    """Remove small separate marks (dust, a short caption) beside the trace; count the wide lines."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3), dtype=int))
    if count == 0:
        return mask, 0
    inked = labels[mask]
    sizes = np.bincount(inked, minlength=count + 1)
    widths = np.array([0] + [part[1].stop - part[1].start for part in ndimage.find_objects(labels)])
    small = (sizes < _SPECK_PART * inked.size) & (widths < _SPECK_WIDTH * mask.shape[1])
    kept = mask.copy()
    kept[mask] = ~small[inked]
    return kept, int((widths > mask.shape[1] / 6.0).sum())


def _edges(
    ink: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper and lower edge of the ink of every column that holds some, to a part of a pixel by its coverage."""
    height = mask.shape[0]
    columns = np.arange(mask.shape[1])
    first = mask.argmax(axis=0)
    last = height - 1 - mask[::-1].argmax(axis=0)
    above = np.where(first > 0, ink[np.maximum(first - 1, 0), columns], 0.0)
    below = np.where(last < height - 1, ink[np.minimum(last + 1, height - 1), columns], 0.0)
    same = first == last
    top = first + 1.0 - ink[first, columns] - above
    bottom = last + np.where(same, 1.0, ink[last, columns]) + below
    return top, np.maximum(bottom, top)


def find_trace(picture: NDArray[np.uint8]) -> Trace:
    """Find the trace of a picture.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255, any size from 1x1.

    Returns:
        The trace; empty when the picture is blank.
    """
    ink, contrast = ink_of(picture)
    height = ink.shape[0]
    peak = ink.max(axis=0)
    mask = (ink >= _THRESHOLD * np.maximum(peak, _FAINT)) & (peak >= _FAINT)
    mask, runs = _without_specks(_without_frame(mask))
    held = np.flatnonzero(mask.any(axis=0))
    if held.size < 2:
        return _nothing(ink.shape, contrast)
    left, right = int(held[0]), int(held[-1]) + 1
    mask, ink = mask[:, left:right], ink[:, left:right]
    inside = mask.any(axis=0)
    top, bottom = _edges(ink, mask)
    starts = mask[0].astype(int) + (mask[1:] & ~mask[:-1]).sum(axis=0)
    pen = max(float(np.quantile((bottom - top)[inside], 0.2)), 0.2)
    middle = (top + bottom) / 2.0
    half = np.maximum((bottom - top - pen) / 2.0, 0.0)
    return Trace(
        top=np.where(inside, middle - half, np.nan),
        bottom=np.where(inside, middle + half, np.nan),
        left=left,
        width=picture.shape[1],
        pen=pen,
        height=height,
        contrast=contrast,
        covered=float(inside.mean()),
        single=float((starts[inside] == 1).mean()),
        inked=float(mask.sum() / (height * picture.shape[1])),
        runs=runs,
    )
