"""The network of ``dicom-cardiac``: plain convolutions, a mean over places, one dense layer (activation maps of Zhou and others 2016)."""

from __future__ import annotations

import keras

from ml.preprocessing.chest_image import SHAPE

LABELS = ("Normal heart size", "Cardiomegaly")
EVIDENCE, EMBEDDING = "evidence", "pooled"
LAYERS = {"evidence": EVIDENCE, "embedding": EMBEDDING}
WIDTHS = (16, 32, 64)
_COARSER = 4  # the heart's width, not its texture, is what counts


def build(*, dropout: float = 0.3) -> keras.Model:
    """Build the untrained network.

    Args:
        dropout: part dropped before the logits, 0 to 1.

    Returns:
        Model from pictures (n, 256, 256, 1), 0 to 255, to logits (n, 2).
    """
    image = keras.Input(SHAPE, name="image")
    x = keras.layers.Rescaling(1.0 / 255.0, offset=-0.5)(image)
    x = keras.layers.AveragePooling2D(_COARSER)(x)
    for filters in WIDTHS:
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.MaxPooling2D()(keras.layers.ReLU()(x))
    for filters, name in ((96, None), (128, EVIDENCE)):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU(name=name)(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D(name=EMBEDDING)(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(image, keras.layers.Dense(len(LABELS), name="logits")(x), name="dicom_cardiac")
