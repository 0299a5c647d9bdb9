"""The served graphs: what every page model says with its class activation maps, and the fusion over what three of them give."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ml.models.page_pictures.head import EMBEDDING, EVIDENCE, LOGITS, per_place
from ml.preprocessing.page_image import SHAPE
from ml.training.export import convert, halve_weights


class PageGraph(tf.Module):
    """A page model with its maps.

    Args:
        model: from pages (n, 256, 512, 1) to logits, ending as `ml.models.page_pictures.head` says.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        evidence = model.get_layer(EVIDENCE).output
        self._network = keras.Model(model.input, [model.output, model.get_layer(EMBEDDING).output, evidence])
        self._columns_only = len(evidence.shape) == 3
        self._weights = tf.constant(per_place(model.get_layer(LOGITS).get_weights()[0], evidence.shape[1:]))
        signature = [tf.TensorSpec((None, *SHAPE), tf.uint8, name="image")]
        self.call = tf.function(self._call, input_signature=signature)

    def _call(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c), embedding, evidence (n, h, w, d) and maps (n, c, h, w), 0 and above."""
        logits, embedding, evidence = self._network(tf.cast(image, tf.float32), training=False)
        places = evidence[:, None] if self._columns_only else evidence
        maps = tf.nn.relu(tf.einsum("bhwd,hwdc->bchw", places, self._weights))
        return {"logits": logits, "embedding": embedding, "evidence": places, "cam": maps}


class FusionGraph(tf.Module):
    """The head over joined embeddings, with the sum of its members' maps.

    Args:
        kernel: of the dense layer over all embeddings, shape (d, c).
        bias: shape (c,).
        places: of each member: its name and the shape of its evidence, (h, w, d).
    """

    def __init__(
        self, kernel: NDArray[np.float32], bias: NDArray[np.float32], places: dict[str, tuple[int, int, int]]
    ) -> None:
        super().__init__()
        self._kernel, self._bias = tf.constant(kernel), tf.constant(bias)
        self._weights, signature, start = [], [], 0
        self._high = max(shape[0] for shape in places.values())
        for shape in places.values():
            width = 16 * shape[2]
            self._weights.append(tf.constant(per_place(kernel[start : start + width], shape)))
            start += width
        for name, shape in places.items():
            key = name.replace("-", "_")
            signature.append(tf.TensorSpec((None, 16 * shape[2]), tf.float32, name=f"embedding_{key}"))
        for name, shape in places.items():
            signature.append(
                tf.TensorSpec((None, *shape), tf.float32, name=f"evidence_{name.replace('-', '_')}")
            )
        self._count = len(places)
        self.call = tf.function(self._call, input_signature=signature)

    def _call(self, *given: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c) and maps (n, c, h, w), 0 and above."""
        logits = tf.concat(given[: self._count], axis=1) @ self._kernel + self._bias
        total = 0.0
        for evidence, weights in zip(given[self._count :], self._weights, strict=True):
            part = tf.einsum("bhwd,hwdc->bhwc", evidence, weights)
            times = self._high // weights.shape[0]
            if times > 1:
                part = tf.repeat(tf.repeat(part, times, axis=1), times, axis=2) / times**2
            total = total + part
        return {"logits": logits, "cam": tf.nn.relu(tf.transpose(total, (0, 3, 1, 2)))}


def export_page(model: keras.Model, target: Path) -> None:
    """Write the served graph of a page model, its large weights in half precision.

    Raises:
        ExportError: when the conversion fails.
    """
    convert(PageGraph(model), target)
    halve_weights(target)


def export_fusion(head: keras.Model, places: dict[str, tuple[int, int, int]], target: Path) -> None:
    """Write the served graph of the fusion.

    Args:
        head: from the members' embeddings to logits.
        places: see `FusionGraph`.
        target: file to write.

    Raises:
        ExportError: when the conversion fails.
    """
    kernel, bias = head.layers[-1].get_weights()
    convert(FusionGraph(kernel, bias, places), target)
