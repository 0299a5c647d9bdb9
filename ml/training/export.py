"""Export: one graph that gives logits, embedding and a Grad-CAM map of every class in a single pass.

The head is Flatten, Dense(relu), Dense, so the gradient of logit c with respect to activation k at a place is
``W1[place, k] @ (mask * W2[:, c])`` with ``mask`` the units of the dense layer that are on. Its mean over places needs
only the mean of ``W1``, a constant. Keras' own ONNX export makes inputs of constants, hence SavedModel and tf2onnx.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray

OPSET = 17
POOLED = "pooled"


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


class PooledGraph(tf.Module):
    """A network that ends in a mean over places and one dense layer, with its class activation maps.

    Args:
        model: from images (n, h, w, 1) to logits.
        evidence: name of the layer whose mean is taken: (n, h, w, d), or (n, w, d) for the columns of the picture alone.
        embedding: name of the layer that takes the mean.
    """

    def __init__(self, model: keras.Model, *, evidence: str, embedding: str) -> None:
        super().__init__()
        places = model.get_layer(evidence).output
        self._columns_only = len(places.shape) == 3
        self._network = keras.Model(model.input, [model.output, model.get_layer(embedding).output, places])
        self._weights = tf.constant(model.layers[-1].get_weights()[0])
        shape = (None, *model.input_shape[1:])
        self.call = tf.function(self._call, input_signature=[tf.TensorSpec(shape, tf.uint8, name="image")])

    def _call(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c), embedding (n, d) and maps (n, c, h, w), 0 and above, of images 0 to 255; h is 1 for columns alone."""
        logits, embedding, places = self._network(tf.cast(image, tf.float32), training=False)
        if self._columns_only:
            places = places[:, None]
        maps = tf.nn.relu(tf.einsum("bhwd,dc->bchw", places, self._weights))
        return {"logits": logits, "embedding": embedding, "cam": maps}


def picture_graph(model: keras.Model, layers: dict[str, str]) -> ServingGraph | PooledGraph:
    """The serving graph of a model of pictures.

    Args:
        model: the trained network.
        layers: names of its ``embedding`` and of either its ``evidence`` or its last ``convolution``.
    """
    return PooledGraph(model, **layers) if "evidence" in layers else ServingGraph(model, **layers)


def export_onnx(model: keras.Model, target: Path, *, layers: dict[str, str]) -> None:
    """Write the serving graph of a model of pictures as ONNX.

    Args:
        model: the trained network.
        target: file to write.
        layers: see `picture_graph`.

    Raises:
        ExportError: when the conversion fails.
    """
    convert(picture_graph(model, layers), target)


class SignalGraph(tf.Module):
    """A network of signals with its activation along time, as a TensorFlow function.

    The gradient at each place is known, so the map is HiResCAM (Draelos and Carin 2020): the activation of a place times
    its own gradient, summed over channels. With this head the sum over places is exactly the part of a logit that the
    signal gave, which the mean gradient of Grad-CAM would blur.

    Args:
        model: from named inputs to logits: a network, or several of one build whose logits are averaged (its nested models); those
            without the convolution do not see the signal and have no heat.
            A network ends in Flatten of the last convolution (or its mean over time, in a layer called ``pooled``), alone or
            before other inputs, Dense(relu), [Dropout], Dense.
        convolution: name of the last convolution.
        embedding: name of the first dense layer after it.
    """

    def __init__(self, model: keras.Model, *, convolution: str, embedding: str) -> None:
        super().__init__()
        members = [layer for layer in model.layers if isinstance(layer, keras.Model)] or [model]
        seeing = [any(layer.name == convolution for layer in one.layers) for one in members]
        self._members = [
            _Member(one, convolution=convolution, embedding=embedding)
            for one, sees in zip(members, seeing, strict=True)
            if sees
        ]
        self._blind = [one for one, sees in zip(members, seeing, strict=True) if not sees]
        signature = [
            tf.TensorSpec((None, *given.shape[1:]), tf.float32, name=given.name) for given in model.inputs
        ]
        self.call = tf.function(self._call, input_signature=signature)

    def _call(self, *inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c) and heat (n, c, steps), 0 and above."""
        logits, heat = zip(*(member(list(inputs)) for member in self._members), strict=True)
        others = [one(list(inputs), training=False) for one in self._blind]
        count = len(logits) + len(others)
        return {
            "logits": tf.add_n([*logits, *others]) / count,
            "heat": tf.nn.relu(tf.add_n(heat) / count),
        }


class _Member(tf.Module):
    """One network with the activation along time of every class, negative where it speaks against it."""

    def __init__(self, model: keras.Model, *, convolution: str, embedding: str) -> None:
        super().__init__()
        last = model.get_layer(convolution).output
        self._network = keras.Model(model.inputs, [model.output, model.get_layer(embedding).output, last])
        steps, channels = last.shape[1:]
        first = model.get_layer(embedding).get_weights()[0]
        self._first = tf.constant(_per_step(model, first, steps, channels))
        self._second = tf.constant(model.layers[-1].get_weights()[0])

    def __call__(self, inputs: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits (n, c) and heat (n, c, steps)."""
        logits, embedding, activation = self._network(inputs, training=False)
        given = tf.einsum("btk,tkd->btd", activation, self._first)
        mask = tf.cast(embedding > 0, tf.float32)
        return logits, tf.einsum("btd,dc->bct", given * mask[:, None, :], self._second)


class MeanHeadGraph(tf.Module):
    """A network of signals whose head is linear after a mean over time, with its activation along time.

    The logit is then the mean over places of what each place says, plus a constant, so the map is exact: its mean over time is the
    logit without the constant (class activation mapping, Zhou and others 2016).

    Args:
        model: from one named input (n, t, k) to logits: a network, or several of one build whose logits are averaged (its nested
            models). A network ends in the mean over time of the convolution, [Dropout], Dense.
        convolution: name of the last convolution.
    """

    def __init__(self, model: keras.Model, *, convolution: str) -> None:
        super().__init__()
        self._members = [layer for layer in model.layers if isinstance(layer, keras.Model)] or [model]
        self._networks = [
            keras.Model(one.input, [one.output, one.get_layer(convolution).output]) for one in self._members
        ]
        self._heads = [tf.constant(one.layers[-1].get_weights()[0]) for one in self._members]
        given = model.inputs[0]
        self.call = tf.function(
            self._call, input_signature=[tf.TensorSpec(given.shape, tf.float32, name=given.name)]
        )

    def _call(self, window: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits (n, c) and heat (n, c, steps), 0 and above."""
        both = [network(window, training=False) for network in self._networks]
        heat = [
            tf.einsum("btk,kc->bct", activation, head)
            for (_, activation), head in zip(both, self._heads, strict=True)
        ]
        count = len(both)
        return {
            "logits": tf.add_n([logits for logits, _ in both]) / count,
            "heat": tf.nn.relu(tf.add_n(heat) / count),
        }


def _per_step(
    model: keras.Model, first: NDArray[np.float32], steps: int, channels: int
) -> NDArray[np.float32]:
    """Weights of the first dense layer for each place and channel of the last convolution, shape (steps, channels, units)."""
    if any(layer.name == POOLED for layer in model.layers):
        return np.repeat(first[None, :channels] / steps, steps, axis=0)
    return first[: steps * channels].reshape(steps, channels, -1)


def export_signal_onnx(model: keras.Model, target: Path, *, layers: dict[str, str]) -> None:
    """Write the serving graph of a model of signals as ONNX; see ``SignalGraph``.

    Args:
        model: the trained network.
        target: file to write.
        layers: names of the last ``convolution`` and of the ``embedding``.

    Raises:
        ExportError: when the conversion fails.
    """
    convert(SignalGraph(model, **layers), target)


def export_mean_head_onnx(model: keras.Model, target: Path, *, convolution: str) -> None:
    """Write the serving graph of a model with a linear head as ONNX; see ``MeanHeadGraph``.

    Args:
        model: the trained network.
        target: file to write.
        convolution: name of the last convolution.

    Raises:
        ExportError: when the conversion fails.
    """
    convert(MeanHeadGraph(model, convolution=convolution), target)


def round_to_half(model: keras.Model) -> None:
    """Round every weight of a model to half precision, in place; they are still kept and computed with in single precision."""
    model.set_weights([weights.astype(np.float16).astype(np.float32) for weights in model.get_weights()])


def save_packed(model: keras.Model, target: Path) -> None:
    """Save a model without its optimiser, compressed: weights that were rounded to half precision pack to half the size."""
    with tempfile.TemporaryDirectory(prefix="cardiocare-export-") as folder:
        plain = Path(folder) / "model.keras"
        keras.Model(model.input, model.output, name=model.name).save(plain)
        with zipfile.ZipFile(plain) as given, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in given.namelist():
                packed.writestr(name, given.read(name))


def halve_weights(path: Path, *, least: int = 1024) -> None:
    """Keep the large weights of an ONNX file in half precision, in place; they are still computed with in single precision.

    Args:
        path: of the file. Weights that were not rounded to half precision before lose a little.
        least: smaller ones stay as they are.
    """
    model = onnx.load(str(path))
    graph, casts = model.graph, []
    for weight in [one for one in graph.initializer if one.data_type == onnx.TensorProto.FLOAT]:
        values = onnx.numpy_helper.to_array(weight)
        if values.size < least or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        graph.initializer.remove(weight)
        packed = f"{weight.name}_half"
        graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), packed))
        casts.append(onnx.helper.make_node("Cast", [packed], [weight.name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, str(path))


class Exportable(Protocol):
    """A TensorFlow module with the function that is exported."""

    call: Any


def convert(graph: Exportable, target: Path) -> None:
    """Write a graph as ONNX.

    Args:
        graph: a `tf.Module` whose ``call`` is a `tf.function` with an input signature.
        target: file to write.

    Raises:
        ExportError: when the conversion fails.
    """
    with tempfile.TemporaryDirectory(prefix="cardiocare-export-") as folder:
        tf.saved_model.save(graph, folder, signatures={"serving_default": graph.call})
        # The converter's own command line is its documented way in for a SavedModel.
        command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", folder, "--output", str(target)]
        done = subprocess.run([*command, "--opset", str(OPSET)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ExportError(f"the conversion to ONNX failed:\n{done.stderr[-2000:]}")
