"""The network of ``beat-hybrid``: convolutions read the shape, a recurrent layer in both directions reads their columns."""

from __future__ import annotations

import keras

from ml.datasets.beats import LABELS
from ml.models.beat_pictures.recipe import EVIDENCE, as_columns, classified

INPUT_SHAPE = (64, 64, 1)
# Filters and pooling (rows, columns): 16 columns of 0.09 s are left, so that the recurrent layer has time to read.
_STEPS = ((16, (2, 2)), (32, (2, 2)), (48, (2, 1)), (48, (2, 1)))


def build(*, units: int = 48, dropout: float = 0.4, classes: int = len(LABELS)) -> keras.Model:
    """Build the untrained network.

    Args:
        units: units of the recurrent layer in each direction.
        dropout: part of the embedding dropped in training, 0 to 1.
        classes: number of classes.

    Returns:
        Model from images (n, 64, 64, 1), 0 to 255, to logits (n, classes); its evidence is (n, 16, 2 * units).
    """
    image = keras.Input(INPUT_SHAPE, name="image")
    x = keras.layers.Rescaling(1.0 / 255.0, name="scaling")(image)
    for step, (filters, pooling) in enumerate(_STEPS):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"convolution_{step}")(x)
        x = keras.layers.MaxPooling2D(pooling, name=f"pooling_{step}")(x)
    x = keras.layers.SpatialDropout2D(0.1, name="spatial_dropout")(x)
    # Unrolled: sixteen steps are few, and the exported graph then holds no loop.
    reader = keras.layers.GRU(units, return_sequences=True, unroll=True, name="reader")
    x = keras.layers.Bidirectional(reader, name=EVIDENCE)(as_columns(x))
    return keras.Model(image, classified(x, dropout=dropout, classes=classes), name="beat_hybrid")
