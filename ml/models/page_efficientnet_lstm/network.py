"""The network of ``page-efficientnet-lstm``: the columns of EfficientNet's features in the order of time, read by an LSTM."""

from __future__ import annotations

import keras

from ml.models.page_efficientnet.network import adapter, load_weights, trunk
from ml.models.page_pictures.head import EVIDENCE

__all__ = ["adapter", "load_weights", "top", "trunk"]

UNITS = 48


def top(features: keras.KerasTensor) -> keras.KerasTensor:
    """From `FEATURES` (n, h, w, d) to evidence (n, w, 48)."""
    _, height, width, depth = features.shape
    x = keras.layers.Permute((2, 1, 3), name="columns_first")(features)
    x = keras.layers.Reshape((width, height * depth), name="columns")(x)
    # Unrolled: the columns are few, and the exported graph then holds no loop.
    return keras.layers.LSTM(UNITS, return_sequences=True, unroll=True, name=EVIDENCE)(x)
