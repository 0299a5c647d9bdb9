"""EfficientNet-Lite0 (Tan and Le 2019; Lite: no squeeze-excitation, ReLU6) up to stride 16, with weights of ImageNet.

Batch normalisation is folded into the convolutions: its figures stay those of ImageNet, so it would only cost time.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ml.datasets.imagenet import published_weights

WEIGHTS = "efficientnet_lite0_float16.npz"
EDGE = 96  # pixels
# Kernel, stride, expansion and channels of each block: stages 1 to 5 of B0. Stages 6 and 7 would leave 3x3 places of a beat.
BLOCKS = (
    (3, 1, 1, 16),
    (3, 2, 6, 24), (3, 1, 6, 24),
    (5, 2, 6, 40), (5, 1, 6, 40),
    (3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80),
    (5, 1, 6, 112), (5, 1, 6, 112), (5, 1, 6, 112),
)  # fmt: skip
STEM = 32
_EPSILON = 1e-3


def _convolution(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    return keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", name=name)(x)


def _block(
    x: keras.KerasTensor, kernel: int, stride: int, expansion: int, channels: int, name: str
) -> keras.KerasTensor:
    """An inverted bottleneck."""
    before = x
    if expansion > 1:
        x = _convolution(x, x.shape[-1] * expansion, 1, 1, f"{name}_expand_conv")
        x = keras.layers.ReLU(6.0, name=f"{name}_expanded")(x)
    x = keras.layers.DepthwiseConv2D(kernel, strides=stride, padding="same", name=f"{name}_depthwise_conv")(x)
    x = keras.layers.ReLU(6.0, name=f"{name}_filtered")(x)
    x = _convolution(x, channels, 1, 1, f"{name}_project_conv")
    alike = stride == 1 and before.shape[-1] == channels
    return (
        keras.layers.Add(name=f"{name}_out")([x, before])
        if alike
        else keras.layers.Identity(name=f"{name}_out")(x)
    )


def features(image: keras.KerasTensor, *, edge: int | tuple[int, int] = EDGE) -> keras.KerasTensor:
    """The untrained layers from pictures to features.

    Args:
        image: shape (n, h, w, 1), 0 (background) to 255 (trace).
        edge: edge of the picture after enlarging, pixels; or its height and width.

    Returns:
        Shape (n, edge / 16, edge / 16, 112). The output of block i is the layer ``block_i_out``.
    """
    size = (edge, edge) if isinstance(edge, int) else edge
    x = image
    if tuple(image.shape[1:3]) != size:
        x = keras.layers.Resizing(*size, interpolation="bilinear", name="enlarged")(x)
    x = keras.layers.Rescaling(1.0 / (255.0 * 0.502), offset=-0.498 / 0.502, name="scaling")(x)
    x = keras.layers.Concatenate(name="coloured")([x, x, x])
    x = keras.layers.ReLU(6.0, name="stemmed")(_convolution(x, STEM, 3, 2, "conv_stem"))
    for position, block in enumerate(BLOCKS):
        x = _block(x, *block, name=f"block_{position}")
    return x


def _folded(arrays: dict[str, NDArray[np.float32]], layer: str, norm: str) -> list[NDArray[np.float32]]:
    """Kernel and bias of a convolution with the batch normalisation after it folded in, in the order of Keras."""
    scale = arrays[f"{norm}.weight"] / np.sqrt(arrays[f"{norm}.running_var"] + _EPSILON)
    kernel = arrays[f"{layer}.weight"] * scale[:, None, None, None]
    turned = (
        kernel.transpose(2, 3, 0, 1) if layer.endswith("depthwise_conv") else kernel.transpose(2, 3, 1, 0)
    )
    return [turned, arrays[f"{norm}.bias"] - arrays[f"{norm}.running_mean"] * scale]


def load_weights(model: keras.Model, folder: Path) -> None:
    """Give a model that holds `features` the weights of ImageNet.

    Args:
        model: the model; it is changed.
        folder: holds ``imagenet_weights/efficientnet_lite0_float16.npz``: the arrays of the published PyTorch weights
            of EfficientNet-Lite0, by their names.

    Raises:
        DataNotFoundError: when the file is missing.
    """
    arrays = published_weights(folder, WEIGHTS, "EfficientNet-Lite0")
    model.get_layer("conv_stem").set_weights(_folded(arrays, "_conv_stem", "_bn0"))
    for position, (_, _, expansion, _) in enumerate(BLOCKS):
        parts = ("expand_conv", "depthwise_conv", "project_conv")[expansion == 1 :]
        first = 0 if expansion > 1 else 1
        for number, part in enumerate(parts, start=first):
            folded = _folded(arrays, f"_blocks.{position}._{part}", f"_blocks.{position}._bn{number}")
            model.get_layer(f"block_{position}_{part}").set_weights(folded)
