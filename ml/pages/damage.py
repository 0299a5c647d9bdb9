"""What scanners and telephones do to a page, with the truth about where everything went.

Everything follows from the fields of `Damage` and a seed: the same seed gives the same picture.
"""

from __future__ import annotations

import dataclasses
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ml.pages.geometry import Homography, apply, fitted, shift, turn, warped

MOST_ROTATION = 15.0  # degrees
_COARSE = 24  # cells of the smooth fields of light


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What happens to a page.

    Attributes:
        rotation: degrees clockwise, -15 to 15.
        perspective: how far the corners move at most, part of the page's size, 0 to 0.1.
        upside_down: whether the page lies upside down.
        margin: table or scanner lid that is seen around the page, part of its size.
        background: colour of what is around the page.
        blur: standard deviation of the blur, pixels.
        noise: standard deviation of the sensor's noise, grey levels of 0 to 255.
        shadow: how much light is lost where the shadow is deepest, 0 to 1.
        glare: light added where the lamp mirrors, 0 to 1.
        folds: creases.
        stains: pale spots of dirt.
        cast: red, green and blue are multiplied by these.
        contrast: ink and grid are faded to this part, 0 to 1.
        jpeg: quality of the compression, 1 to 95; None for none.
    """

    rotation: float = 0.0
    perspective: float = 0.0
    upside_down: bool = False
    margin: float = 0.0
    background: tuple[int, int, int] = (245, 245, 245)
    blur: float = 0.0
    noise: float = 0.0
    shadow: float = 0.0
    glare: float = 0.0
    folds: int = 0
    stains: int = 0
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    jpeg: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DamagedPage:
    """A picture of a page.

    Attributes:
        image: RGB, shape (height, width, 3), 0 to 255.
        homography: from pixels of the page to pixels of the picture, shape (3, 3).
    """

    image: NDArray[np.uint8]
    homography: Homography


def scan_damage(rng: np.random.Generator) -> Damage:
    """A page from a flat-bed scanner: nearly straight, evenly lit."""
    return Damage(
        rotation=float(np.clip(rng.normal(0.0, 0.8), -3.0, 3.0)),
        margin=float(rng.uniform(0.0, 0.03)),
        background=(250, 250, 250) if rng.random() < 0.7 else (30, 30, 30),
        blur=float(rng.uniform(0.0, 0.8)),
        noise=float(rng.uniform(0.5, 5.0)),
        folds=int(rng.random() < 0.2),
        stains=int(rng.integers(0, 3)) if rng.random() < 0.3 else 0,
        cast=tuple(rng.uniform(0.96, 1.0, 3).tolist()),
        contrast=float(rng.uniform(0.75, 1.0)),
        jpeg=int(rng.integers(60, 95)),
    )


def phone_damage(rng: np.random.Generator) -> Damage:
    """A page photographed by hand on a table, some upside down."""
    warmth = float(rng.uniform(-1, 1))
    table = rng.integers(20, 190, 3)
    return Damage(
        rotation=float(rng.uniform(-MOST_ROTATION, MOST_ROTATION)),
        perspective=float(rng.uniform(0.0, 0.06)),
        upside_down=bool(rng.random() < 0.1),
        margin=float(rng.uniform(0.01, 0.08)),
        background=(int(table[0]), int(table[1]), int(table[2])),
        blur=float(rng.uniform(0.4, 1.3)),
        noise=float(rng.uniform(2.0, 9.0)),
        shadow=float(rng.uniform(0.0, 0.5)),
        glare=float(rng.uniform(0.1, 0.4)) if rng.random() < 0.35 else 0.0,
        folds=int(rng.integers(0, 3)),
        stains=int(rng.integers(0, 3)),
        cast=(1.0 + 0.06 * warmth, 1.0, 1.0 - 0.12 * warmth),
        contrast=float(rng.uniform(0.7, 1.0)),
        jpeg=int(rng.integers(50, 92)),
    )


def _placed(
    size: tuple[int, int], what: Damage, rng: np.random.Generator
) -> tuple[Homography, tuple[int, int]]:
    """Where the page comes to lie in the picture, and the picture's size: all of the page is seen."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    moved = corners + rng.uniform(-1, 1, (4, 2)) * what.perspective * np.array([width, height])
    tilted = fitted(corners, moved)
    angle = what.rotation + (180.0 if what.upside_down else 0.0)
    homography = turn(angle) @ shift(-width / 2, -height / 2) @ tilted
    seen = apply(homography, corners)
    room = what.margin * max(width, height)
    low = seen.min(axis=0) - room
    homography = shift(-low[0], -low[1]) @ homography
    reach = seen.max(axis=0) + room - low - 1e-6  # arithmetic alone needs no further pixel
    return homography / homography[2, 2], (int(np.ceil(reach[0])), int(np.ceil(reach[1])))


def _field(rng: np.random.Generator, size: tuple[int, int], cells: int) -> NDArray[np.float32]:
    """A smooth random field of 0 to 1, shape (height, width)."""
    coarse = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    smooth = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))
    low, high = float(smooth.min()), float(smooth.max())
    return ((smooth - low) / max(high - low, 1e-6)).astype(np.float32)


def _light(what: Damage, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Light that falls on every pixel, 1 for plenty; folds are narrow darker and brighter stripes."""
    coarse = (_COARSE * 8, _COARSE * 8)
    light = 1.0 - np.float32(what.shadow) * _field(rng, coarse, 3)
    y, x = np.mgrid[0 : coarse[1], 0 : coarse[0]].astype(np.float32) / coarse[0]
    if what.shadow > 0.15:  # the hard edge of a hand or a telephone
        angle, place = rng.uniform(0, np.pi), rng.uniform(0.3, 0.9)
        side = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5) + 0.5 - place
        light = light * (1.0 - np.float32(0.5 * what.shadow) / (1.0 + np.exp(-side * 60.0))).astype(
            np.float32
        )
    for _ in range(what.stains):
        at, wide = rng.uniform(0.05, 0.95, 2), rng.uniform(0.01, 0.05)
        light *= 1.0 - 0.15 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * wide**2)).astype(
            np.float32
        )
    full = np.array(Image.fromarray(light.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
    for _ in range(what.folds):
        upright = rng.random() < 0.5
        along = np.arange(size[0] if upright else size[1], dtype=np.float32)
        side = (along - rng.uniform(0.2, 0.8) * len(along)) / (0.004 * max(size))
        crease = 1.0 - 0.18 * np.exp(-0.5 * side**2) + 0.06 * np.exp(-0.5 * (side - 2.0) ** 2)
        full *= crease.astype(np.float32)[None, :] if upright else crease.astype(np.float32)[:, None]
    return full


def _lit(page: Image.Image, what: Damage, rng: np.random.Generator) -> Image.Image:
    """Fading, shadow, folds, glare, colour cast and noise."""
    values = np.asarray(page, dtype=np.float32)
    if what.contrast < 1.0:
        values = 255.0 - (255.0 - values) * np.float32(what.contrast)
    if what.shadow or what.folds or what.stains:
        values = values * _light(what, page.size, rng)[..., None]
    values = values * np.array(what.cast, dtype=np.float32)
    if what.glare:
        spot = _field(rng, page.size, 5)
        values = (
            values + (255.0 - values) * (np.float32(what.glare) * np.clip(2.5 * spot - 1.5, 0, 1))[..., None]
        )
    if what.noise:
        values = values + rng.standard_normal(values.shape, dtype=np.float32) * np.float32(what.noise)
    return Image.fromarray(np.clip(values, 0.0, 255.0).astype(np.uint8))


def damaged(image: NDArray[np.uint8], what: Damage, *, seed: int) -> DamagedPage:
    """Photograph or scan a page.

    Args:
        image: the page, RGB, shape (height, width, 3), 0 to 255.
        what: what happens to it.
        seed: the same seed gives the same picture.

    Raises:
        ValueError: when the rotation is more than 15 degrees.
    """
    if abs(what.rotation) > MOST_ROTATION:
        raise ValueError(f"a rotation of {what.rotation} degrees; at most {MOST_ROTATION} are made")
    rng = np.random.default_rng([seed, 4])
    page = Image.fromarray(image)
    homography, size = _placed(page.size, what, rng)
    if size != page.size or not np.allclose(homography, np.eye(3), atol=1e-6):
        page = warped(page, homography, size, fill=what.background)
    if what.blur:
        page = page.filter(ImageFilter.GaussianBlur(what.blur))
    page = _lit(page, what, rng)
    if what.jpeg is not None:
        stream = io.BytesIO()
        page.save(stream, "JPEG", quality=what.jpeg)
        page = Image.open(stream).convert("RGB")
    return DamagedPage(image=np.asarray(page), homography=homography)
