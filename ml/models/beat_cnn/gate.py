"""The gate of ``beat-cnn``: how far embeddings of held-out beats are from those of training beats."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import LABELS
from ml.models.beat_cnn import network
from ml.training import calibration

NEIGHBOURS = 5
GATE_QUANTILE = 0.98
REFERENCE_PER_CLASS = 300


def embeddings(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embeddings of prepared pictures, of length one, shape (n, 64)."""
    part = keras.Model(model.input, model.get_layer(network.EMBEDDING).output)
    found = [
        part.predict_on_batch(images[i : i + 512].astype(np.float32)) for i in range(0, len(images), 512)
    ]
    return calibration.unit(np.concatenate(found))


def reference(
    model: keras.Model, images: NDArray[np.uint8], classes: NDArray[np.int64], seed: int
) -> NDArray[np.float16]:
    """Embeddings of some training beats of each class, shape (m, 64), for the gate."""
    rng = np.random.default_rng(seed)
    chosen = [
        rng.permutation(np.flatnonzero(classes == position))[:REFERENCE_PER_CLASS]
        for position in range(len(LABELS))
    ]
    return embeddings(model, images[np.concatenate(chosen)]).astype(np.float16)


def gate_limits(model: keras.Model, near: NDArray[np.float16], images: NDArray[np.uint8]) -> dict[str, Any]:
    """Limits of the gate: the distance that all but two in a hundred calibration beats keep to their neighbours."""
    far = calibration.neighbour_distance(
        embeddings(model, images), near.astype(np.float32), neighbours=NEIGHBOURS
    )
    return {"neighbours": NEIGHBOURS, "max_distance": round(float(np.quantile(far, GATE_QUANTILE)), 5)}
