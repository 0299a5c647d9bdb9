"""The network of ``beat-efficientnet-lstm``: the columns of EfficientNet's features as a sequence, read by an LSTM."""

from __future__ import annotations

import keras

from ml.datasets.beats import LABELS
from ml.models.beat_pictures.recipe import EVIDENCE, as_columns, classified
from ml.models.efficientnet import backbone

INPUT_SHAPE = (64, 64, 1)


def build(
    *, units: int = 64, dropout: float = 0.3, edge: int = backbone.EDGE, classes: int = len(LABELS)
) -> keras.Model:
    """Build the network with random weights; see `ml.models.efficientnet.backbone.load_weights`.

    Args:
        units: units of the LSTM.
        dropout: part of the embedding dropped in training, 0 to 1.
        edge: edge of the picture after enlarging, pixels.
        classes: number of classes.

    Returns:
        Model from images (n, 64, 64, 1), 0 to 255, to logits (n, classes); its evidence is (n, edge / 16, units).
    """
    image = keras.Input(INPUT_SHAPE, name="image")
    columns = as_columns(backbone.features(image, edge=edge))
    # Unrolled: the columns are few, and the exported graph then holds no loop.
    x = keras.layers.LSTM(units, return_sequences=True, unroll=True, name=EVIDENCE)(columns)
    return keras.Model(image, classified(x, dropout=dropout, classes=classes), name="beat_efficientnet_lstm")
