"""Checks of the heatmap that are stored with the weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import LABELS
from ml.explain.checks import Maps, deletion, randomisation_likeness
from ml.models.beat_pictures.fitting import logits_of
from ml.training.calibration import probabilities

_PER_CLASS = 20


def sanity(
    model: keras.Model, images: NDArray[np.uint8], temperature: float, *, maps: Maps, seed: int
) -> dict[str, Any]:
    """Checks of the heatmap on some calibration beats of each predicted class.

    Args:
        model: the trained network.
        images: prepared pictures of calibration beats, shape (n, 64, 64, 1).
        temperature: of the calibration, above 0.
        maps: makes the heatmaps.
        seed: seed of the random weights and of the random part.
    """
    predicted = logits_of(model, images).argmax(axis=1)
    chosen = np.concatenate([np.flatnonzero(predicted == i)[:_PER_CLASS] for i in range(len(LABELS))])
    pictures, classes = images[chosen], predicted[chosen]
    likeness = randomisation_likeness(model, pictures, classes, maps=maps, seed=seed)
    found = maps(model, pictures, classes=classes)
    dropped = deletion(
        lambda some: probabilities(logits_of(model, some), temperature), pictures, found, classes, seed=seed
    )
    return {
        "randomised_weights_rank_correlation": round(likeness, 4),
        "deletion": dropped,
        "empty_maps": round(float((found.max(axis=(1, 2)) <= 0).mean()), 4),
        "beats": len(chosen),
    }
