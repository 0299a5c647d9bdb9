"""Between features of ImageNet and evidence of the heart: layers that learn from drawn pages."""

from __future__ import annotations

import keras

from ml.models.page_pictures.head import EVIDENCE, FEATURES


def adapted(x: keras.KerasTensor) -> keras.KerasTensor:
    """From features of a trunk (n, h, w, d) to `FEATURES` (n, h, w, 64)."""
    x = keras.layers.Conv2D(64, 1, use_bias=False, name="adapter_narrow")(x)
    x = keras.layers.BatchNormalization(name="adapter_normed")(x)
    x = keras.layers.ReLU(name="adapter_narrowed")(x)
    x = keras.layers.Conv2D(64, 3, padding="same", name="adapter_wide")(x)
    return keras.layers.ReLU(name=FEATURES)(x)


def evidenced(features: keras.KerasTensor) -> keras.KerasTensor:
    """From `FEATURES` to `EVIDENCE` (n, h, w, 48)."""
    x = keras.layers.Conv2D(48, 1, name="evidence_conv")(features)
    return keras.layers.ReLU(name=EVIDENCE)(x)
