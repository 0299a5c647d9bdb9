"""Grad-CAM (Selvaraju and others 2017) of a class logit, by automatic differentiation: the reference.

Serving does not use it: the exported graph computes the same map in closed form (``ml.training.export``). A test holds
the two together.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def gradcam(
    model: keras.Model, images: NDArray[np.uint8], *, classes: NDArray[np.int64], layer: str
) -> NDArray[np.float32]:
    """Grad-CAM maps of chosen classes.

    Args:
        model: from images (n, 64, 64, 1), 0 to 255, to logits (n, c).
        images: prepared pictures, shape (n, 64, 64, 1).
        classes: class whose logit is explained, per image, shape (n,).
        layer: name of the convolution whose output is mapped.

    Returns:
        Shape (n, height, width) of that layer, 0 and above, not scaled. All zero means no positive evidence.
    """
    both = keras.Model(model.input, [model.get_layer(layer).output, model.output])
    with tf.GradientTape() as tape:
        activation, logits = both(tf.cast(images, tf.float32), training=False)
        tape.watch(activation)
        chosen = tf.reduce_sum(
            _logits_from(model, layer, activation) * tf.one_hot(classes, logits.shape[-1]), axis=1
        )
    gradient = tape.gradient(chosen, activation)
    alpha = tf.reduce_mean(gradient, axis=(1, 2))
    maps = tf.nn.relu(tf.einsum("bk,bhwk->bhw", alpha, activation))
    result: NDArray[np.float32] = maps.numpy()
    return result


def _logits_from(model: keras.Model, layer: str, activation: tf.Tensor) -> tf.Tensor:
    """Run the rest of a sequential network from the output of one of its layers."""
    names = [part.name for part in model.layers]
    value = activation
    for part in model.layers[names.index(layer) + 1 :]:
        value = part(value, training=False)
    return value
