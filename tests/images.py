"""Image files made for tests."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def picture(*, seed: int = 0, size: int = 96) -> Image.Image:
    """A dark curve on white; different for each seed, which stands in the top row as bits too faint to be seen."""
    phase = np.random.default_rng(seed).uniform(0, 6)
    columns = np.arange(size)
    rows = (size / 2 + size / 3 * np.sin(columns / size * 12 + phase)).astype(int)
    pixels = np.full((size, size), 255, np.uint8)
    for offset in (-1, 0, 1):
        pixels[np.clip(rows + offset, 0, size - 1), columns] = 0
    bits = np.unpackbits(np.frombuffer(seed.to_bytes(2, "big"), np.uint8))
    pixels[0, : len(bits)] = 255 - bits[:size]
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def png(*, seed: int = 0, size: int = 96) -> bytes:
    return encoded(picture(seed=seed, size=size), "PNG")


def jpeg(*, seed: int = 0, size: int = 96) -> bytes:
    return encoded(picture(seed=seed, size=size), "JPEG")
