"""The served graphs: what every page model says with its class activation maps, and the fusion over what three of them give."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ml.models.page_pictures.head import CELLS, EMBEDDING, EVIDENCE, LAID, LOGITS, per_place
from ml.training.export import convert, halve_weights

_LARGE = 1_000_000  # weights


def _over_leads(maps: tf.Tensor) -> tf.Tensor:
    """`ml.models.page_pictures.head.over_leads` of maps (n, c, 1, w)."""
    high, wide = LAID
    rows = high * (CELLS - 1) // CELLS
    shape = tf.shape(maps)
    across = [shape[0], shape[1], 1, wide // CELLS, maps.shape[-1] * CELLS // wide]
    steps = tf.reduce_sum(tf.reshape(maps, across), axis=-1) / (CELLS * rows)
    return tf.pad(tf.tile(steps, (1, 1, rows, CELLS)), ((0, 0), (0, 0), (0, high - rows), (0, 0)))


class PageGraph(tf.Module):
    """A page model with its maps.

    Args:
        model: from pages (n, 256, 512, 1), or leads (n, 250, 12), to logits, ending as `ml.models.page_pictures.head` says.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        evidence = model.get_layer(EVIDENCE).output
        self._network = keras.Model(model.input, [model.output, model.get_layer(EMBEDDING).output, evidence])
        self._columns_only = len(evidence.shape) == 3
        self._weights = tf.constant(per_place(model.get_layer(LOGITS).get_weights()[0], evidence.shape[1:]))
        given = model.inputs[0]
        self._of_leads = len(given.shape) == 3
        kind = tf.float32 if self._of_leads else tf.uint8
        signature = [tf.TensorSpec((None, *given.shape[1:]), kind, name=given.name)]
        self.call = tf.function(self._call, input_signature=signature)

    def _call(self, given: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c), embedding, evidence (n, h, w, d) and maps (n, c, h, w), 0 and above, those of leads laid over the page."""
        logits, embedding, evidence = self._network(tf.cast(given, tf.float32), training=False)
        places = evidence[:, None] if self._columns_only else evidence
        maps = tf.nn.relu(tf.einsum("bhwd,hwdc->bchw", places, self._weights))
        if self._of_leads:
            maps = _over_leads(maps)
        return {"logits": logits, "embedding": embedding, "evidence": places, "cam": maps}


class FusionGraph(tf.Module):
    """The head over joined embeddings, with the sum of its members' maps.

    Args:
        kernel: of the dense layer over all embeddings, shape (d, c).
        bias: shape (c,).
        places: of each member: its name and the shape of its evidence, (h, w, d), or (w, d) for leads, whose mean is the embedding.
    """

    def __init__(
        self, kernel: NDArray[np.float32], bias: NDArray[np.float32], places: dict[str, tuple[int, ...]]
    ) -> None:
        super().__init__()
        self._kernel, self._bias = tf.constant(kernel), tf.constant(bias)
        self._weights, signature, start = [], [], 0
        for name, shape in places.items():
            width = shape[-1] if len(shape) == 2 else CELLS**2 * shape[-1]
            self._weights.append(tf.constant(per_place(kernel[start : start + width], shape)))
            start += width
            signature.append(
                tf.TensorSpec((None, width), tf.float32, name=f"embedding_{name.replace('-', '_')}")
            )
        for (name, shape), weights in zip(places.items(), self._weights, strict=True):
            size = (*weights.shape[:2], shape[-1])
            signature.append(
                tf.TensorSpec((None, *size), tf.float32, name=f"evidence_{name.replace('-', '_')}")
            )
        self._count = len(places)
        self.call = tf.function(self._call, input_signature=signature)

    def _call(self, *given: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c) and maps (n, c, 16, 32), 0 and above."""
        logits = tf.concat(given[: self._count], axis=1) @ self._kernel + self._bias
        total = 0.0
        for evidence, weights in zip(given[self._count :], self._weights, strict=True):
            part = tf.einsum("bhwd,hwdc->bchw", evidence, weights)
            if weights.shape[0] == 1:
                total = total + _over_leads(part)
                continue
            times = LAID[0] // weights.shape[0]
            if times > 1:
                part = tf.repeat(tf.repeat(part, times, axis=2), times, axis=3) / times**2
            total = total + part
        return {"logits": logits, "cam": tf.nn.relu(total)}


def export_page(model: keras.Model, target: Path) -> None:
    """Write the served graph of a page model; the large weights of a large one in half precision.

    The conversion folds batch normalisation into convolutions: to round those would change the answers of a small network by more than
    the half megabyte is worth.

    Raises:
        ExportError: when the conversion fails.
    """
    convert(PageGraph(model), target)
    if model.count_params() > _LARGE:
        halve_weights(target)


def export_fusion(head: keras.Model, places: dict[str, tuple[int, ...]], target: Path) -> None:
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
