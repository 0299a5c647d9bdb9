"""The network of ``beat-efficientnet``: EfficientNet-Lite0 with weights of ImageNet, its last blocks tuned to beats."""

from __future__ import annotations

import keras

from ml.datasets.beats import LABELS
from ml.models.beat_pictures.recipe import EVIDENCE, classified
from ml.models.efficientnet import backbone

INPUT_SHAPE = (64, 64, 1)


def build(*, dropout: float = 0.3, edge: int = backbone.EDGE, classes: int = len(LABELS)) -> keras.Model:
    """Build the network with random weights; see `ml.models.efficientnet.backbone.load_weights`.

    Args:
        dropout: part of the embedding dropped in training, 0 to 1.
        edge: edge of the picture after enlarging, pixels.
        classes: number of classes.

    Returns:
        Model from images (n, 64, 64, 1), 0 to 255, to logits (n, classes); its evidence is (n, edge / 16, edge / 16, 112).
    """
    image = keras.Input(INPUT_SHAPE, name="image")
    x = keras.layers.Identity(name=EVIDENCE)(backbone.features(image, edge=edge))
    return keras.Model(image, classified(x, dropout=dropout, classes=classes), name="beat_efficientnet")
