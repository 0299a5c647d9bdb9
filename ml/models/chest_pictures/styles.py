"""Films as other detectors and other processing would show them: tone curve, local contrast, evened out, darker toward the edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

_KNOTS = np.linspace(0.0, 1.0, 5)
_STEEPNESS = 0.4  # standard deviation of the logarithm of the tone curve's slopes
_NEAR = (6.0, 36.0)  # pixels over which contrast is local
_SHARPER = (-0.35, 0.9)
_FLATTER = (0.0, 0.6)
_DARKER = 0.35


def restyled(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A film processed otherwise; places stay.

    Args:
        picture: prepared, shape (n, n, 1).
        rng: where chance comes from.
    """
    film = Image.fromarray(picture[..., 0])
    if rng.random() < 0.25:
        film = Image.blend(film, ImageOps.equalize(film), rng.uniform(0.2, 1.0))
    values = np.asarray(film, dtype=np.float32) / 255.0
    if rng.random() < 0.6:
        near = film.filter(ImageFilter.BoxBlur(rng.uniform(*_NEAR)))
        local = np.asarray(near, dtype=np.float32) / 255.0
        values = (
            values
            + rng.uniform(*_SHARPER) * (values - local)
            - rng.uniform(*_FLATTER) * (local - local.mean())
        )
    if rng.random() < 0.6:
        slopes = np.exp(rng.normal(0.0, _STEEPNESS, len(_KNOTS) - 1))
        values = np.interp(values, _KNOTS, np.r_[0.0, np.cumsum(slopes) / slopes.sum()])
    if rng.random() < 0.3:
        at = np.linspace(-1.0, 1.0, picture.shape[0], dtype=np.float32)
        values = values * (1.0 - rng.uniform(0.0, _DARKER) * (at[:, None] ** 2 + at[None] ** 2) / 2.0)
    pixels: NDArray[np.uint8] = np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)
    return pixels[..., None]
