"""One preparation of chest X-rays for training, evaluation and serving: percentile window, aspect kept by padding, 256 x 256."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = "chest-1"
SIZE = 256
SHAPE = (SIZE, SIZE, 1)
_TAILS = (0.5, 99.5)  # percentiles that become black and white
_MOST_SAMPLED = 250_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedChest:
    """A film as the networks see it, and where it lies in their square.

    Attributes:
        pixels: 0 to 255, shape (256, 256, 1); what is beside the film is 0.
        scale: prepared pixels per pixel of the film.
        left: first prepared column of the film.
        top: first prepared row of the film.
        width: columns of the film, in its own pixels.
        height: rows of the film, in its own pixels.
    """

    pixels: NDArray[np.uint8]
    scale: float
    left: int
    top: int
    width: int
    height: int

    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the film in the prepared square."""
        across, down = _fitted(self.width, self.height)
        return self.left, self.top, self.left + across, self.top + down

    def on_film(self, x: float, y: float) -> tuple[float, float]:
        """A place of the prepared square in pixels of the film, within the film."""
        left, top, right, bottom = self.box()
        return (
            float(np.clip((x - left) * self.width / (right - left), 0.0, self.width)),
            float(np.clip((y - top) * self.height / (bottom - top), 0.0, self.height)),
        )


def prepare_chest(film: NDArray[np.integer] | NDArray[np.floating]) -> PreparedChest:
    """Window a film by its own values and fit it into the square of the networks.

    Args:
        film: any range, bone brighter than air, shape (rows, columns), at least 2 x 2.

    Raises:
        ValueError: when it is no picture of one channel.
    """
    if film.ndim != 2 or min(film.shape) < 2:
        raise ValueError(f"expected a film of one channel, got shape {film.shape}")
    height, width = film.shape
    step = max(1, film.size // _MOST_SAMPLED)
    low, high = np.percentile(film.ravel()[::step], _TAILS)
    values = (film.astype(np.float32) - np.float32(low)) * np.float32(255.0 / max(float(high - low), 1e-6))
    across, down = _fitted(width, height)
    fitted = np.asarray(
        Image.fromarray(np.clip(values, 0.0, 255.0)).resize((across, down), Image.Resampling.BILINEAR)
    )
    left, top = (SIZE - across) // 2, (SIZE - down) // 2
    pixels = np.zeros(SHAPE, dtype=np.uint8)
    pixels[top : top + down, left : left + across, 0] = np.rint(fitted).astype(np.uint8)
    return PreparedChest(
        pixels=pixels, scale=SIZE / max(width, height), left=left, top=top, width=width, height=height
    )


def _fitted(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of a film that just fits into the square."""
    longest = max(width, height)
    return max(1, round(width * SIZE / longest)), max(1, round(height * SIZE / longest))


def prepare_mask(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Classes of a film's pixels as `prepare_chest` places the film, shape (256, 256); beside the film is 0."""
    height, width = classes.shape
    across, down = _fitted(width, height)
    left, top = (SIZE - across) // 2, (SIZE - down) // 2
    prepared = np.zeros((SIZE, SIZE), dtype=np.uint8)
    prepared[top : top + down, left : left + across] = np.asarray(
        Image.fromarray(classes).resize((across, down), Image.Resampling.NEAREST)
    )
    return prepared
