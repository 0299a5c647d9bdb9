"""The serving graph of ``cxr-heart``: the share of each part at each pixel, and the embedding that the gate compares.

Two networks that differ by their seeds answer together: the mean of their shares errs less than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from ml.models.cxr_heart.network import BOTTOM
from ml.training.export import convert, halve_weights


class OutlineGraph(tf.Module):
    """Networks that answer together as a TensorFlow function.

    Args:
        members: each from pictures (n, 256, 256, 1) to logits (n, 256, 256, 4); the embedding is of the first.
    """

    def __init__(self, members: Sequence[keras.Model]) -> None:
        super().__init__()
        first, *self._others = members
        self._first = keras.Model(first.input, [first.output, first.get_layer(BOTTOM).output])
        shape = (None, *first.input_shape[1:])
        self.call = tf.function(self._call, input_signature=[tf.TensorSpec(shape, tf.uint8, name="image")])

    def _call(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Shares (n, 256, 256, 4) and embedding (n, 128) of length one, of pictures 0 to 255."""
        pictures = tf.cast(image, tf.float32)
        logits, bottom = self._first(pictures, training=False)
        every = [logits, *(other(pictures, training=False) for other in self._others)]
        shares = tf.add_n([tf.nn.softmax(one) for one in every]) / len(every)
        pooled = tf.reduce_mean(bottom, axis=(1, 2))
        return {"shares": shares, "embedding": tf.math.l2_normalize(pooled, axis=-1)}


def export_outlines(members: Sequence[keras.Model], target: Path) -> None:
    """Write the serving graph as ONNX, its weights in half precision.

    Args:
        members: the trained networks, their weights rounded to half precision.
        target: file to write.

    Raises:
        ExportError: when the conversion fails.
    """
    convert(OutlineGraph(members), target)
    halve_weights(target)
