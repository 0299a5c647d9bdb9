"""The network of ``rhythm-vf``: 1-D residual blocks on four seconds of signal beside the figures of its form."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.rhythm_segment import FEATURES, LENGTH

LABELS = ("other", "VF/VT")
LAST_CONVOLUTION = "last_convolution"
EMBEDDING = "embedding"
LAYERS = {"convolution": LAST_CONVOLUTION, "embedding": EMBEDDING}
WINDOW = "window"
FEATURE_INPUT = "features"
_LAST_FILTERS = 32
_DECAY = 1e-3


def _residual(x: keras.KerasTensor, filters: int, dropout: float) -> keras.KerasTensor:
    """Two convolutions and the way around them, then half the rate."""
    inner = x
    for step in range(2):
        inner = keras.layers.Conv1D(filters, 7, padding="same", use_bias=False)(inner)
        inner = keras.layers.BatchNormalization()(inner)
        if not step:
            inner = keras.layers.SpatialDropout1D(dropout)(keras.layers.ReLU()(inner))
    if x.shape[-1] != filters:
        x = keras.layers.Conv1D(filters, 1, use_bias=False)(x)
    return keras.layers.MaxPooling1D()(keras.layers.ReLU()(keras.layers.Add()([x, inner])))


def build(
    *,
    mean: NDArray[np.floating],
    spread: NDArray[np.floating],
    filters: int = 16,
    dropout: float = 0.4,
    noise: float = 0.2,
) -> keras.Model:
    """Build the untrained network.

    Args:
        mean: of the training features, shape (61,).
        spread: their standard deviation, shape (61,), above 0.
        filters: channels of the first block.
        dropout: part dropped before the logits, 0 to 1.
        noise: standard deviation of the noise on the scaled features in training.

    Returns:
        Model from ``[window (n, 500, 1), features (n, 61)]`` to logits (n, 2).
    """
    window = keras.Input((LENGTH, 1), name=WINDOW)
    features = keras.Input((FEATURES,), name=FEATURE_INPUT)
    x = keras.layers.Conv1D(filters, 9, strides=2, padding="same", use_bias=False)(window)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    for wider in (1.0, 1.5, 2.0):
        x = _residual(x, round(filters * wider), dropout / 4)
    x = keras.layers.Conv1D(_LAST_FILTERS, 5, padding="same", activation="relu", name=LAST_CONVOLUTION)(x)
    x = keras.layers.GlobalAveragePooling1D(name="pooled")(x)
    y = keras.layers.Normalization(mean=mean, variance=spread**2, name="scaling")(features)
    y = keras.layers.GaussianNoise(noise)(y)
    y = keras.layers.Dense(24, activation="relu", kernel_regularizer=keras.regularizers.L2(_DECAY))(y)
    both = keras.layers.Concatenate(name="both")([x, keras.layers.Dropout(dropout / 2)(y)])
    both = keras.layers.Dense(
        32, activation="relu", kernel_regularizer=keras.regularizers.L2(_DECAY), name=EMBEDDING
    )(both)
    both = keras.layers.Dropout(dropout)(both)
    return keras.Model(
        [window, features], keras.layers.Dense(len(LABELS), name="logits")(both), name="rhythm_vf"
    )
