"""Films as another device, another exposure or another stance of the patient would have given them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ml.preprocessing.chest_image import SIZE

_TURN = 12.0  # degrees
_SHIFT = 0.08  # of the edge
_SCALE = (0.78, 1.15)
_STRETCH = 0.12
_GAMMA = 0.7  # largest logarithm
_TURNED_OVER = 0.05  # part of the films that lie on a side or upside down: no chest as it must stand, so nothing is to be found


def vary(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator, *, upright: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A film with its mask, moved, turned, stretched and exposed otherwise.

    Args:
        picture: prepared, shape (256, 256, 1).
        mask: classes, shape (256, 256).
        rng: where chance comes from.
        upright: never on a side or upside down.
    """
    inverse = _placement(rng)
    size = (SIZE, SIZE)
    film = Image.fromarray(picture[..., 0]).transform(
        size, Image.Transform.AFFINE, inverse, resample=Image.Resampling.BILINEAR
    )
    moved = np.asarray(
        Image.fromarray(mask).transform(
            size, Image.Transform.AFFINE, inverse, resample=Image.Resampling.NEAREST
        )
    )
    if rng.random() < 0.25:
        film = film.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    exposed = _exposed(np.asarray(film, dtype=np.float32), rng)
    if rng.random() < _TURNED_OVER and not upright:
        exposed, moved = np.rot90(exposed, int(rng.integers(1, 4))), np.zeros_like(moved)
    return np.ascontiguousarray(exposed)[..., None], moved


def _placement(rng: np.random.Generator) -> tuple[float, float, float, float, float, float]:
    """From places of the varied film to those of the film, as PIL takes it."""
    angle = np.deg2rad(np.clip(rng.normal(0.0, _TURN / 2.0), -_TURN, _TURN))
    scale = rng.uniform(*_SCALE)
    across, down = scale * np.exp(rng.uniform(-_STRETCH, _STRETCH, 2) / 2.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    a, b, d, e = cosine / across, sine / across, -sine / down, cosine / down
    centre = (SIZE - 1) / 2.0
    x, y = centre + rng.uniform(-_SHIFT, _SHIFT, 2) * SIZE
    return a, b, centre - a * x - b * y, d, e, centre - d * x - e * y


def _exposed(film: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Other exposure, a window that cuts, noise, and a marker or a shade in a corner."""
    values = (film / 255.0) ** np.exp(rng.uniform(-_GAMMA, _GAMMA))
    low, high = rng.uniform(-0.10, 0.08), rng.uniform(0.85, 1.15)
    values = np.clip((values - low) / (high - low), 0.0, 1.0)
    if rng.random() < 0.3:
        slope = rng.uniform(-0.25, 0.25, 2)
        at = np.linspace(-1.0, 1.0, SIZE, dtype=np.float32)
        values = values * (1.0 + slope[0] * at[:, None] + slope[1] * at[None])
    if rng.random() < 0.5:
        values = values + rng.normal(0.0, rng.uniform(0.005, 0.05), values.shape)
    values = values * rng.uniform(0.7, 1.05)
    if rng.random() < 0.4:
        top, left = rng.integers(0, 24), rng.integers(0, SIZE - 40)
        values[top : top + rng.integers(6, 24), left : left + rng.integers(6, 40)] = rng.integers(0, 2)
    pixels: NDArray[np.uint8] = np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)
    return pixels
