"""The serving graph of ``cxr-heart``: the share of each part at each pixel, and the embedding that the gate compares."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from ml.models.cxr_heart.network import BOTTOM
from ml.training.export import convert, halve_weights


class OutlineGraph(tf.Module):
    """The network as a TensorFlow function.

    Args:
        model: from pictures (n, 256, 256, 1) to logits (n, 256, 256, 4).
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._network = keras.Model(model.input, [model.output, model.get_layer(BOTTOM).output])
        shape = (None, *model.input_shape[1:])
        self.call = tf.function(self._call, input_signature=[tf.TensorSpec(shape, tf.uint8, name="image")])

    def _call(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Shares (n, 256, 256, 4) and embedding (n, 128) of length one, of pictures 0 to 255."""
        logits, bottom = self._network(tf.cast(image, tf.float32), training=False)
        pooled = tf.reduce_mean(bottom, axis=(1, 2))
        return {"shares": tf.nn.softmax(logits), "embedding": tf.math.l2_normalize(pooled, axis=-1)}


def export_outlines(model: keras.Model, target: Path) -> None:
    """Write the serving graph as ONNX, its weights in half precision.

    Args:
        model: the trained network, its weights rounded to half precision.
        target: file to write.

    Raises:
        ExportError: when the conversion fails.
    """
    convert(OutlineGraph(model), target)
    halve_weights(target)
