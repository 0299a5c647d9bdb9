"""The network of ``page-cnn``: plain and residual convolutions down to a sixteenth of the page."""

from __future__ import annotations

import keras

from ml.models.page_pictures.head import EVIDENCE, FEATURES


def _convolution(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    x = keras.layers.BatchNormalization(name=f"{name}_normed")(x)
    return keras.layers.ReLU(name=f"{name}_out")(x)


def adapter(image: keras.KerasTensor) -> keras.KerasTensor:
    """From pages (n, 256, 512, 1), 0 to 255, to features (n, 16, 32, 96)."""
    x = keras.layers.Rescaling(1.0 / 255.0, name="scaling")(image)
    x = _convolution(x, 20, 5, 2, "stem")
    for step, filters in enumerate((32, 56, 96)):
        x = _convolution(x, filters, 3, 2, f"down_{step}")
        y = _convolution(x, filters, 3, 1, f"deep_{step}") if step else x
        x = keras.layers.Add(name=f"sum_{step}")([x, y]) if step else x
    y = _convolution(x, 96, 3, 1, "deep_3")
    return keras.layers.Add(name=FEATURES)([x, y])


def top(features: keras.KerasTensor) -> keras.KerasTensor:
    """From features to evidence (n, 16, 32, 48)."""
    x = keras.layers.Conv2D(48, 1, name="evidence_conv")(features)
    return keras.layers.ReLU(name=EVIDENCE)(x)
