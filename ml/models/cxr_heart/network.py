"""The network of ``cxr-heart``: a compact U-Net (Ronneberger and others 2015) whose skips are added, 1.1 million weights.

Each picture is normalised by itself (instance normalisation, Ulyanov and others 2016): what another site's films have in common is not
carried over from those that were learnt from, as means of batches are.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from ml.preprocessing.chest_image import SHAPE

PARTS = 4  # background, right lung, left lung, heart
BOTTOM = "bottom"
WIDTHS = (16, 32, 64, 96, 128, 128)


def _convolution(x: keras.KerasTensor, filters: int, kernel: int = 3, strides: int = 1) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.GroupNormalization(groups=-1)(x))


def build(*, widths: Sequence[int] = WIDTHS, dropout: float = 0.2) -> keras.Model:
    """Build the untrained network.

    Args:
        widths: channels from the half of the picture's resolution downward, each at half of the one before.
        dropout: part of the channels dropped at the bottom, 0 to 1.

    Returns:
        Model from pictures (n, 256, 256, 1), 0 to 255, to logits (n, 256, 256, 4).
    """
    image = keras.Input(SHAPE, name="image")
    x = keras.layers.Rescaling(1.0 / 255.0, offset=-0.5)(image)
    x = _convolution(x, widths[0], kernel=5, strides=2)
    skips = [_convolution(x, widths[0])]
    for filters in widths[1:]:
        x = keras.layers.MaxPooling2D()(skips[-1])
        x = _convolution(x, filters)
        skips.append(_convolution(x, filters))
    x = keras.layers.SpatialDropout2D(dropout, name=BOTTOM)(skips.pop())
    for filters, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = keras.layers.Conv2D(filters, 1)(x)
        x = keras.layers.UpSampling2D()(x)
        x = _convolution(keras.layers.Add()([x, skip]), filters)
    x = keras.layers.Conv2D(PARTS, 1)(x)
    logits = keras.layers.UpSampling2D(interpolation="bilinear", name="logits")(x)
    return keras.Model(image, logits, name="cxr_heart")
