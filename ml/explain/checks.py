"""Does a heatmap mean something? Two checks after Adebayo and others 2018 and Petsiuk and others 2018."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr


class Maps(Protocol):
    """Something that makes heatmaps, for example ``ml.explain.gradcam.gradcam`` for one layer."""

    def __call__(
        self, model: keras.Model, images: NDArray[np.uint8], *, classes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Maps of chosen classes, shape (n, h, w), 0 and above."""


def _enlarged(maps: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Maps (n, h, w) as large as the picture, each place becoming a rectangle."""
    rows, columns = (np.arange(wide) * edge // wide for wide, edge in zip(size, maps.shape[1:], strict=True))
    return maps[:, rows[:, None], columns[None, :]]


def randomisation_likeness(
    model: keras.Model, images: NDArray[np.uint8], classes: NDArray[np.int64], *, maps: Maps, seed: int
) -> float:
    """Mean rank correlation of maps before and after all weights were drawn anew; near 0 is as it should be.

    Args:
        model: the trained network; it is not changed.
        images: prepared pictures, shape (n, height, width, 1).
        classes: explained class per image, shape (n,).
        maps: makes the heatmaps.
        seed: seed of the random weights.

    Returns:
        -1 to 1; maps that are zero everywhere count as 0.
    """
    keras.utils.set_random_seed(seed)
    blank = keras.models.clone_model(model)
    trained = maps(model, images, classes=classes)
    random = maps(blank, images, classes=classes)
    scores = [
        0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(spearmanr(a.ravel(), b.ravel()).statistic)
        for a, b in zip(trained, random, strict=True)
    ]
    return float(np.mean(scores))


def deletion(
    probability: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    images: NDArray[np.uint8],
    maps: NDArray[np.float32],
    classes: NDArray[np.int64],
    *,
    part: float = 0.2,
    seed: int,
) -> dict[str, Any]:
    """Drop of the class probability when the highest part of the map is blanked, beside a random part of equal size.

    Args:
        probability: from images (n, height, width, 1) to probabilities (n, c).
        images: prepared pictures.
        maps: maps of the classes, shape (n, h, w).
        classes: explained class per image, shape (n,).
        part: part of the picture to blank, 0 to 1.
        seed: seed of the random part.

    Returns:
        ``part``, ``drop_of_map`` and ``drop_of_random``, mean differences of probability, -1 to 1.
    """
    rng = np.random.default_rng(seed)
    rows = np.arange(len(classes))
    before = probability(images)[rows, classes]
    drops = []
    for ranking in (maps, rng.random(maps.shape).astype(np.float32)):
        limit = np.quantile(ranking.reshape(len(ranking), -1), 1.0 - part, axis=1)[:, None, None]
        keep = _enlarged((ranking < np.maximum(limit, 1e-12)).astype(np.float32), images.shape[1:3])
        after = probability((images * keep[..., None]).astype(np.uint8))[rows, classes]
        drops.append(float((before - after).mean()))
    return {"part": part, "drop_of_map": round(drops[0], 4), "drop_of_random": round(drops[1], 4)}
