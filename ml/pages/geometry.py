"""Plane geometry of photographed paper: homographies between pages and pictures.

Coordinates are continuous: pixel i reaches from i to i + 1, so that its middle is i + 0.5, as in Pillow.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.threads import SIDE_BY_SIDE

Homography = NDArray[np.float64]
_WORTH_SHARING = 500_000  # pixels: a larger picture is seen in halves side by side


def apply(homography: Homography, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Map points.

    Args:
        homography: shape (3, 3).
        points: x and y, shape (n, 2).

    Returns:
        Shape (n, 2).
    """
    mapped = np.c_[points, np.ones(len(points))] @ homography.T
    result: NDArray[np.float64] = mapped[:, :2] / mapped[:, 2:]
    return result


def fitted(source: NDArray[np.floating], target: NDArray[np.floating]) -> Homography:
    """The homography that maps four or more points onto others best (direct linear transform, least squares).

    Args:
        source: shape (n, 2), n at least 4, no three of four on one line.
        target: shape (n, 2).
    """
    middle, spread = source.mean(axis=0), max(float(source.std()), 1e-9)
    scaled = (source - middle) / spread
    x, y = scaled.T
    u, v = np.asarray(target, dtype=np.float64).T
    ones, none = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, ones, none, none, none, -u * x, -u * y], axis=1),
            np.stack([none, none, none, x, y, ones, -v * x, -v * y], axis=1),
        ]
    )
    solved = np.linalg.lstsq(rows, np.concatenate([u, v]), rcond=None)[0]
    to_scaled = np.array([[1.0, 0.0, -middle[0]], [0.0, 1.0, -middle[1]], [0.0, 0.0, spread]]) / spread
    result: Homography = np.append(solved, 1.0).reshape(3, 3) @ to_scaled
    return result / result[2, 2]


def inverse(homography: Homography) -> Homography:
    """The homography that leads back."""
    return np.asarray(np.linalg.inv(homography), dtype=np.float64)


def shift(x: float, y: float) -> Homography:
    """A translation."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def turn(degrees: float) -> Homography:
    """A rotation about the origin, clockwise as seen on the screen, where y points down."""
    angle = np.deg2rad(degrees)
    return np.array(
        [[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]]
    )


def warped(
    image: Image.Image,
    homography: Homography,
    size: tuple[int, int],
    *,
    fill: int | tuple[int, int, int] = 0,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> Image.Image:
    """A picture seen through a homography.

    Args:
        image: any mode.
        homography: from pixels of `image` to pixels of the result.
        size: width and height of the result.
        fill: colour of what lies outside the picture.
        resample: how values between pixels are found.
    """
    width, height = size
    if width * height < _WORTH_SHARING or SIDE_BY_SIDE < 2:
        return _part(image, homography, size, fill, resample)
    middle = height // 2
    result = Image.new(image.mode, size)
    with ThreadPoolExecutor(1) as pool:
        upper = pool.submit(_part, image, homography, (width, middle), fill, resample)
        lower = _part(image, shift(0.0, -middle) @ homography, (width, height - middle), fill, resample)
        result.paste(upper.result(), (0, 0))
    result.paste(lower, (0, middle))
    return result


def _part(
    image: Image.Image,
    homography: Homography,
    size: tuple[int, int],
    fill: int | tuple[int, int, int],
    resample: Image.Resampling,
) -> Image.Image:
    """A picture seen through a homography, in one piece."""
    back = np.linalg.inv(homography)
    coefficients = (back / back[2, 2]).ravel()[:8].tolist()
    return image.transform(size, Image.Transform.PERSPECTIVE, coefficients, resample, fillcolor=fill)


def rotation_of(homography: Homography, at: NDArray[np.floating]) -> float:
    """How far a homography turns the direction of x at a point, degrees clockwise on the screen, -180 to 180."""
    ends = apply(homography, np.array([at, [at[0] + 1.0, at[1]]], dtype=np.float64))
    along = ends[1] - ends[0]
    return float(np.rad2deg(np.arctan2(along[1], along[0])))
