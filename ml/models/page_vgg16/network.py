"""The network of ``page-vgg16``: VGG16 (Simonyan and Zisserman 2014) up to its fourth block, and an adapter learnt from drawn pages."""

from __future__ import annotations

from pathlib import Path

import keras

from ml.datasets.imagenet import published_weights
from ml.models.page_pictures.adapting import adapted, evidenced

WEIGHTS = "vgg16_notop_float16.npz"
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3))
_MEAN = (103.939, 116.779, 123.68)  # blue, green, red of ImageNet
adapter, top = adapted, evidenced


def trunk(image: keras.KerasTensor) -> keras.KerasTensor:
    """From pages (n, 256, 512, 1), 0 to 255, to features (n, 8, 16, 512)."""
    x = keras.layers.AveragePooling2D(2, name="reduced")(image)
    x = keras.layers.Concatenate(name="coloured")(
        [keras.layers.Rescaling(1.0, offset=-mean, name=f"shifted_{i}")(x) for i, mean in enumerate(_MEAN)]
    )
    for block, (filters, count) in enumerate(BLOCKS, start=1):
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return x


def load_weights(model: keras.Model, folder: Path) -> None:
    """Give a model that holds `trunk` the weights of ImageNet.

    Args:
        model: the model; it is changed.
        folder: holds ``imagenet_weights/vgg16_notop_float16.npz``: arrays in the order of Keras' ``get_weights()``.

    Raises:
        DataNotFoundError: when the file is missing.
    """
    arrays = list(published_weights(folder, WEIGHTS, "VGG16").values())
    names = [f"block{b}_conv{n}" for b, (_, count) in enumerate(BLOCKS, start=1) for n in range(1, count + 1)]
    for position, name in enumerate(names):
        model.get_layer(name).set_weights(arrays[2 * position : 2 * position + 2])
