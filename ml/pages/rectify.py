"""A photograph of a page made straight: upright, at a known number of pixels per millimetre, cropped to its grid."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.pages.geometry import Homography, warped
from ml.pages.grid import WORKING_EDGE, Grid, find_grid, flattened

SCALE = 8  # pixels per millimetre: coarser pictures are interpolated, which leaves more of a narrow QRS
AROUND_MM = 2.0  # of paper beyond the grid
# What tells how large a millimetre is: the grid; the calibration pulse, on paper without a grid; or nothing but the usual length of a row.
ScaleFrom = Literal["grid", "pulse", "rows"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StraightPage:
    """A page without perspective and rotation.

    Attributes:
        image: RGB, shape (height, width, 3), 0 to 255.
        scale: pixels per millimetre, the same across and down.
        from_picture: from pixels of the picture to pixels of this page, shape (3, 3).
        inside: whether a pixel was seen in the picture, shape (height, width).
        grid: where the paper lies in the picture.
        turned: degrees clockwise by which the picture was turned besides, 0, 90, 180 or 270.
        scale_from: what told how large a millimetre is.
    """

    image: NDArray[np.uint8]
    scale: int
    from_picture: Homography
    inside: NDArray[np.bool_]
    grid: Grid
    turned: int = 0
    scale_from: ScaleFrom = "grid"


def _grid(picture: NDArray[np.uint8]) -> Grid | None:
    """The grid, sought on a picture no finer than is needed for it, in pixels of the whole one."""
    factor = -(-max(picture.shape[:2]) // WORKING_EDGE)
    small = picture if factor == 1 else np.asarray(Image.fromarray(picture).reduce(factor))
    found = find_grid(flattened(small))
    if found is None or factor == 1:
        return found
    across, down = found.px_per_mm
    return dataclasses.replace(
        found,
        to_mm=found.to_mm @ np.diag([1.0 / factor, 1.0 / factor, 1.0]),
        px_per_mm=(across * factor, down * factor),
    )


def straightened(picture: NDArray[np.uint8]) -> StraightPage | None:
    """Straighten a picture by the lines of its grid; it may still lie upside down.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255.

    Returns:
        None when there is no grid.
    """
    grid = _grid(picture)
    return None if grid is None else laid_flat(picture, grid)


def laid_flat(picture: NDArray[np.uint8], grid: Grid, *, scale_from: ScaleFrom = "grid") -> StraightPage:
    """The part of a picture that a grid covers, seen from straight above.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255.
        grid: where the paper lies in it.
        scale_from: what told how large a millimetre is.
    """
    scale = SCALE
    left, top, right, bottom = grid.box_mm
    left, top = left - AROUND_MM, top - AROUND_MM
    size = (round((right + AROUND_MM - left) * scale), round((bottom + AROUND_MM - top) * scale))
    to_page = (
        np.diag([scale, scale, 1.0])
        @ np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
        @ grid.to_mm
    )
    image = warped(Image.fromarray(picture), to_page, size, fill=(255, 255, 255))
    seen = warped(
        Image.new("L", (picture.shape[1], picture.shape[0]), 255),
        to_page,
        size,
        resample=Image.Resampling.NEAREST,
    )
    return StraightPage(
        image=np.asarray(image),
        scale=scale,
        from_picture=to_page,
        inside=np.asarray(seen) > 0,
        grid=grid,
        scale_from=scale_from,
    )


def turned_over(page: StraightPage) -> StraightPage:
    """The same page turned by 180 degrees."""
    height, width = page.inside.shape
    turn = np.array([[-1.0, 0.0, width], [0.0, -1.0, height], [0.0, 0.0, 1.0]])
    return dataclasses.replace(
        page,
        image=np.ascontiguousarray(page.image[::-1, ::-1]),
        inside=np.ascontiguousarray(page.inside[::-1, ::-1]),
        from_picture=turn @ page.from_picture,
        turned=(page.turned + 180) % 360,
    )


def quarter_turned(page: StraightPage) -> StraightPage:
    """The same page turned by 90 degrees clockwise."""
    height = page.inside.shape[0]
    turn = np.array([[0.0, -1.0, height], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    across, down = page.grid.px_per_mm
    return dataclasses.replace(
        page,
        image=np.ascontiguousarray(np.rot90(page.image, -1)),
        inside=np.ascontiguousarray(np.rot90(page.inside, -1)),
        from_picture=turn @ page.from_picture,
        grid=dataclasses.replace(page.grid, px_per_mm=(down, across)),
        turned=(page.turned + 90) % 360,
    )
