"""The network of ``beat-cnn``: convolution, pooling and dense layers, as in the source report, with its scaling inside."""

from __future__ import annotations

import keras

from ml.datasets.beats import LABELS

LAST_CONVOLUTION = "last_convolution"
EMBEDDING = "embedding"
LOGITS = "logits"
INPUT_SHAPE = (64, 64, 1)
_FILTERS = (16, 32)
_WIDE, _NARROW, _DENSE = 48, 24, 64
_DECAY = 1e-4


def build(*, classes: int = len(LABELS), dropout: float = 0.5) -> keras.Model:
    """Build the untrained network.

    Args:
        classes: number of classes.
        dropout: part of the embedding dropped in training, 0 to 1.

    Returns:
        Model from images (n, 64, 64, 1), 0 to 255, to logits (n, classes). The last convolution is (n, 16, 16, 24), and
        its flattened values go through one dense layer of 64 (the embedding) to the logits, so that the gradient of a
        logit has a closed form (``ml.explain.gradcam``).
    """
    image = keras.Input(INPUT_SHAPE, name="image")
    x = keras.layers.Rescaling(1.0 / 255.0, name="scaling")(image)
    for step, filters in enumerate(_FILTERS):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"convolution_{step}")(x)
        x = keras.layers.MaxPooling2D(name=f"pooling_{step}")(x)
    x = keras.layers.Conv2D(_WIDE, 3, padding="same", activation="relu", name="convolution_wide")(x)
    x = keras.layers.SpatialDropout2D(0.1, name="spatial_dropout")(x)
    x = keras.layers.Conv2D(_NARROW, 3, padding="same", activation="relu", name=LAST_CONVOLUTION)(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(
        _DENSE, activation="relu", kernel_regularizer=keras.regularizers.L2(_DECAY), name=EMBEDDING
    )(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(image, keras.layers.Dense(classes, name=LOGITS)(x), name="beat_cnn")
