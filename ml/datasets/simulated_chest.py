"""Drawn chest X-rays with a known heart, and drawn films that are no frontal chest: for tests, demonstration and training."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ml.chest.ratio import HEART, LEFT_LUNG, RIGHT_LUNG, heart_size

_Plane = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedChest:
    """A drawn frontal film.

    Attributes:
        grey: 0 to 255, bone is bright, shape (size, size).
        classes: as `ml.chest.ratio` names them, same shape.
        ratio: cardiothoracic ratio of `classes`, 0 to 1.
    """

    grey: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    ratio: float


def draw_chest(*, seed: int, ratio: float = 0.45, size: int = 512) -> SimulatedChest:
    """A frontal chest of ellipses: lungs, heart, spine, ribs, diaphragm.

    Args:
        seed: of build, stance and noise.
        ratio: wanted cardiothoracic ratio, 0.3 to 0.75; what came out is in the answer.
        size: edge, pixels.
    """
    rng = np.random.default_rng(seed)
    x, y = _places(size)
    half, middle = rng.uniform(0.30, 0.40), 0.5 + rng.uniform(-0.03, 0.03)
    top, base = rng.uniform(0.08, 0.20), rng.uniform(0.66, 0.84)
    lungs = [_lung(x, y, side, middle, half, top, base, rng) for side in (-1.0, 1.0)]
    heart = _heart(x, y, middle, ratio * half, base, rng)
    classes = np.zeros((size, size), dtype=np.uint8)
    classes[lungs[0]], classes[lungs[1]], classes[heart] = RIGHT_LUNG, LEFT_LUNG, HEART
    density = _body(x, y, middle, half, base, rng)
    for lung in lungs:
        density = np.where(lung & ~heart, density - rng.uniform(0.35, 0.5), density)
    density = np.where(heart, density + 0.04, density) + _bones(x, y, middle, half, top, rng)
    grey = _exposed(density, size, rng)
    return SimulatedChest(grey=grey, classes=classes, ratio=heart_size(classes).ratio)


def _places(size: int) -> tuple[_Plane, _Plane]:
    """Column and row of each pixel's centre, 0 to 1."""
    at = (np.arange(size) + 0.5) / size
    return np.meshgrid(at, at)


def _lung(
    x: _Plane,
    y: _Plane,
    side: float,
    middle: float,
    half: float,
    top: float,
    base: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """A lung: narrow above, its outermost column at ``half`` from the midline, a dome below."""
    outward = side * (x - middle)
    down = np.clip((y - top) / (0.85 * (base - top)), 0.0, 1.0)
    outer = half * np.sqrt(1.0 - (1.0 - down) ** rng.uniform(1.8, 2.6))
    inner = rng.uniform(0.05, 0.08) + rng.uniform(0.0, 0.02) * down
    dome = base + 0.03 - rng.uniform(0.05, 0.11) * (1.0 - ((outward - 0.4 * half) / (0.65 * half)) ** 2)
    return (y > top) & (outward > inner) & (outward < outer) & (y < dome)


def _heart(
    x: _Plane, y: _Plane, middle: float, half: float, base: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A leaning ellipse whose whole width is twice ``half``, a third of it right of the midline."""
    tall, lean = rng.uniform(0.12, 0.16), rng.uniform(0.1, 0.5)
    centre, height = middle + half * rng.uniform(0.2, 0.5), base - rng.uniform(0.09, 0.13)
    upright = np.sqrt(max(half**2 - (lean * tall) ** 2, 1e-4))
    across = (x - centre - lean * (y - height)) / upright
    return across**2 + ((y - height) / tall) ** 2 < 1.0


def _body(x: _Plane, y: _Plane, middle: float, half: float, base: float, rng: np.random.Generator) -> _Plane:
    """Soft tissue: trunk and shoulders, denser below the diaphragm and in the midline."""
    wide = half + rng.uniform(0.05, 0.12)
    trunk = np.abs(x - middle) < wide + 0.15 * np.clip(0.35 - y, 0.0, 0.25)
    neck = (np.abs(x - middle) < 0.12) | (y > 0.10 + 0.25 * np.abs(x - middle))
    density = np.where(trunk & neck, 0.62, 0.04)
    density = (
        density
        + 0.14 * np.clip((y - base + 0.06) / 0.15, 0.0, 1.0) * trunk
        + 0.10 * np.exp(-(((x - middle) / 0.05) ** 2))
    )
    return np.asarray(density)


def _bones(x: _Plane, y: _Plane, middle: float, half: float, top: float, rng: np.random.Generator) -> _Plane:
    """Ribs as arcs, collar bones, vertebrae."""
    outward = np.abs(x - middle)
    inside = (outward < half + 0.02) & (outward > 0.03)
    bones = np.zeros_like(x)
    for row in np.arange(top + 0.02, 0.85, rng.uniform(0.055, 0.075)):
        arc = row + rng.uniform(0.15, 0.25) * outward + 0.5 * outward**2
        bones += 0.07 * inside * np.exp(-(((y - arc) / 0.011) ** 2))
    collar = top + 0.03 - 0.12 * outward
    bones += 0.12 * (outward < half + 0.05) * np.exp(-(((y - collar) / 0.014) ** 2))
    vertebra = 0.5 + 0.5 * np.cos(2.0 * np.pi * y / 0.06)
    return np.asarray(bones + 0.05 * vertebra * (outward < 0.035))


def _exposed(density: _Plane, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A density as a film: blurred edges, noise, 0 to 255."""
    plane = Image.fromarray(density.astype(np.float32) * 255.0)
    soft = np.asarray(plane.convert("L").filter(ImageFilter.GaussianBlur(0.006 * size)), dtype=np.float64)
    noisy = soft * rng.uniform(0.8, 1.15) + rng.normal(0.0, rng.uniform(1.0, 5.0), soft.shape)
    return np.rint(np.clip(noisy, 0.0, 255.0)).astype(np.uint8)


def draw_lateral(*, seed: int, size: int = 512) -> NDArray[np.uint8]:
    """A chest from the side: one clear space between spine and breastbone, the heart before and below it; shape (size, size)."""
    rng = np.random.default_rng(seed)
    x, y = _places(size)
    middle, half = 0.5 + rng.uniform(-0.04, 0.04), rng.uniform(0.24, 0.32)
    density = np.where(np.abs(x - middle) < half + 0.08 + 0.1 * y, 0.65, 0.03)
    clear = ((x - middle) / half) ** 2 + ((y - 0.45) / 0.34) ** 2 < 1.0
    heart = ((x - middle + 0.3 * half) / (0.55 * half)) ** 2 + ((y - 0.58) / 0.16) ** 2 < 1.0
    density = np.where(clear, density - 0.38, density) + 0.26 * (heart & clear)
    spine = middle + half * (0.75 + 0.15 * np.sin(3.0 * y))
    density = density + (0.12 + 0.06 * np.cos(2.0 * np.pi * y / 0.07)) * (np.abs(x - spine) < 0.05)
    for row in np.arange(0.12, 0.85, 0.07):
        arc = row + rng.uniform(0.2, 0.3) * (middle + half - x)
        density = density + 0.05 * clear * np.exp(-(((y - arc) / 0.01) ** 2))
    return _exposed(density, size, rng)


def draw_limb(*, seed: int, size: int = 512) -> NDArray[np.uint8]:
    """Two long bones in soft tissue, as a forearm or a lower leg; shape (size, size)."""
    rng = np.random.default_rng(seed)
    x, y = _places(size)
    lean = rng.uniform(-0.15, 0.15)
    middle = 0.5 + lean * (y - 0.5)
    density = np.where(np.abs(x - middle) < rng.uniform(0.16, 0.24) + 0.05 * y, 0.40, 0.02)
    for side, width in ((-0.08, rng.uniform(0.03, 0.05)), (0.09, rng.uniform(0.02, 0.04))):
        off = np.abs(x - middle - side)
        flare = width * (1.0 + 1.2 * np.exp(-((np.minimum(y, 1.0 - y) / 0.08) ** 2)))
        density = density + np.where(off < flare, 0.25 + 0.2 * (off / flare) ** 2, 0.0)
    return _exposed(density, size, rng)
