"""Class activation map (Zhou and others 2016) of a network that ends in a mean over places and one dense layer: the reference.

Serving does not use it: the exported graph computes the same map (``ml.training.export``). A test holds the two together.
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray


def class_activation(
    model: keras.Model, images: NDArray[np.uint8], *, classes: NDArray[np.int64], layer: str
) -> NDArray[np.float32]:
    """Maps of chosen classes: the part of the logit that each place gave, where it spoke for the class.

    Args:
        model: from images (n, 64, 64, 1), 0 to 255, to logits (n, c).
        images: prepared pictures, shape (n, 64, 64, 1).
        classes: class whose logit is explained, per image, shape (n,).
        layer: name of the layer whose mean over places the last layer reads: (n, h, w, d), or (n, w, d) for columns alone.

    Returns:
        Shape (n, h, w), or (n, 1, w) for columns alone, 0 and above, not scaled. All zero means no positive evidence.
    """
    places = keras.Model(model.input, model.get_layer(layer).output).predict_on_batch(
        images.astype(np.float32)
    )
    rows = places[:, None] if places.ndim == 3 else places
    weights = model.layers[-1].get_weights()[0][:, classes]
    maps: NDArray[np.float32] = np.maximum(np.einsum("bhwd,db->bhw", rows, weights), 0.0).astype(np.float32)
    return maps
