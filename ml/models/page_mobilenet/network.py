"""The network of ``page-mobilenet``: MobileNet (Howard and others 2017) down to a sixteenth, and an adapter learnt from drawn pages.

Batch normalisation is folded into the convolutions: its figures stay those of ImageNet.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from ml.datasets.imagenet import published_weights
from ml.models.page_pictures.adapting import adapted, evidenced

WEIGHTS = "mobilenet_v1_notop_float16.npz"
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5)
_EPSILON = 1e-3
adapter, top = adapted, evidenced


def trunk(image: keras.KerasTensor) -> keras.KerasTensor:
    """From pages (n, 256, 512, 1), 0 to 255, to features (n, 16, 32, 512)."""
    x = keras.layers.Rescaling(1.0 / 127.5, offset=-1.0, name="scaling")(image)
    x = keras.layers.Concatenate(name="coloured")([x, x, x])
    x = keras.layers.Conv2D(32, 3, strides=2, padding="same", name="stem")(x)
    x = keras.layers.ReLU(6.0, name="stemmed")(x)
    for position, (filters, stride) in enumerate(BLOCKS):
        x = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", name=f"depthwise_{position}")(x)
        x = keras.layers.ReLU(6.0, name=f"filtered_{position}")(x)
        x = keras.layers.Conv2D(filters, 1, name=f"pointwise_{position}")(x)
        x = keras.layers.ReLU(6.0, name=f"block_{position}")(x)
    return x


def load_weights(model: keras.Model, folder: Path) -> None:
    """Give a model that holds `trunk` the weights of ImageNet.

    Args:
        model: the model; it is changed.
        folder: holds ``imagenet_weights/mobilenet_v1_notop_float16.npz``: arrays in the order of Keras' ``get_weights()``.

    Raises:
        DataNotFoundError: when the file is missing.
    """
    arrays = list(published_weights(folder, WEIGHTS, "MobileNet").values())
    names = ["stem", *(f"{kind}_{i}" for i in range(len(BLOCKS)) for kind in ("depthwise", "pointwise"))]
    for position, name in enumerate(names):
        kernel, gamma, beta, mean, variance = arrays[5 * position : 5 * position + 5]
        scale = gamma / np.sqrt(variance + _EPSILON)
        turned = scale[:, None] if name.startswith("depthwise") else scale
        model.get_layer(name).set_weights([kernel * turned, beta - mean * scale])
