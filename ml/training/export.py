"""Export: one graph that gives logits, embedding and a Grad-CAM map of every class in a single pass.

The head is Flatten, Dense(relu), Dense, so the gradient of logit c with respect to activation k at a place is
``W1[place, k] @ (mask * W2[:, c])`` with ``mask`` the units of the dense layer that are on. Its mean over places needs
only the mean of ``W1``, a constant. Keras' own ONNX export makes inputs of constants, hence SavedModel and tf2onnx.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

OPSET = 17


class ExportError(RuntimeError):
    """The network could not be converted."""


class ServingGraph(tf.Module):
    """A network with its maps, as a TensorFlow function.

    Args:
        model: from images (n, h, w, 1) to logits, ending in Flatten, Dense(relu), [Dropout], Dense.
        convolution: name of the last convolution.
        embedding: name of the first dense layer.
    """

    def __init__(self, model: keras.Model, *, convolution: str, embedding: str) -> None:
        super().__init__()
        last = model.get_layer(convolution).output
        self._network = keras.Model(model.input, [model.output, model.get_layer(embedding).output, last])
        first = model.get_layer(embedding).get_weights()[0]
        channels = last.shape[-1]
        self._mean_first = tf.constant(first.reshape(-1, channels, first.shape[1]).mean(axis=0))
        self._second = tf.constant(model.layers[-1].get_weights()[0])
        shape = (None, *model.input_shape[1:])
        self.call = tf.function(self._call, input_signature=[tf.TensorSpec(shape, tf.uint8, name="image")])

    def _call(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c), embedding (n, d) and maps (n, c, h, w), 0 and above, of images 0 to 255."""
        logits, embedding, activation = self._network(tf.cast(image, tf.float32), training=False)
        mask = tf.cast(embedding > 0, tf.float32)
        alpha = tf.einsum("bd,dc,kd->bck", mask, self._second, self._mean_first)
        maps = tf.nn.relu(tf.einsum("bck,bhwk->bchw", alpha, activation))
        return {"logits": logits, "embedding": embedding, "cam": maps}


def export_onnx(model: keras.Model, target: Path, *, convolution: str, embedding: str) -> None:
    """Write the serving graph of a model as ONNX.

    Args:
        model: the trained network.
        target: file to write.
        convolution: name of the last convolution.
        embedding: name of the first dense layer.

    Raises:
        ExportError: when the conversion fails.
    """
    graph = ServingGraph(model, convolution=convolution, embedding=embedding)
    with tempfile.TemporaryDirectory(prefix="cardiocare-export-") as folder:
        tf.saved_model.save(graph, folder, signatures={"serving_default": graph.call})
        # The converter's own command line is its documented way in for a SavedModel.
        command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", folder, "--output", str(target)]
        done = subprocess.run([*command, "--opset", str(OPSET)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ExportError(f"the conversion to ONNX failed:\n{done.stderr[-2000:]}")
