"""The network of ``ecg-signals``: 1-D residual blocks with squeeze-and-excitation over twelve leads, mean over time, one head.

Residual blocks after He and others 2016, squeeze-and-excitation after Hu and others 2018. It reads any length from 2.5 to 10
seconds. The head is linear after the mean over time, so the class activation of a place has a closed form
(``ml.training.export.MeanHeadGraph``).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from ml.datasets.ptbxl_superclasses import SUPERCLASSES
from ml.preprocessing.twelve_lead import LEADS

LABELS = SUPERCLASSES
LAST_CONVOLUTION = "last_convolution"
LAYERS = {"convolution": LAST_CONVOLUTION}
WINDOW = "window"
WIDTHS = (64, 96, 128, 192)
_KERNEL, _FIRST_KERNEL = 5, 9
_SQUEEZE = 8
_PER_MILLIVOLT = 4.0  # brings the leads to a standard deviation of about 1


def _convolution(x: keras.KerasTensor, filters: int, width: int, strides: int = 1) -> keras.KerasTensor:
    x = keras.layers.Conv1D(filters, width, strides=strides, padding="same", use_bias=False)(x)
    return keras.layers.BatchNormalization()(x)


def _excited(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Channels weighted by what the whole window shows."""
    weights = keras.layers.GlobalAveragePooling1D(keepdims=True)(x)
    weights = keras.layers.Dense(filters // _SQUEEZE, activation="relu")(weights)
    weights = keras.layers.Dense(filters, activation="sigmoid")(weights)
    return keras.layers.Multiply()([x, weights])


def _residual(x: keras.KerasTensor, filters: int, strides: int, name: str | None) -> keras.KerasTensor:
    """Two convolutions and the way around them."""
    inner = keras.layers.ReLU()(_convolution(x, filters, _KERNEL, strides))
    inner = _excited(_convolution(inner, filters, _KERNEL), filters)
    if strides > 1:
        x = keras.layers.AveragePooling1D(strides, padding="same")(x)
    if x.shape[-1] != filters:
        x = _convolution(x, filters, 1)
    return keras.layers.ReLU(name=name)(keras.layers.Add()([x, inner]))


def build(*, widths: Sequence[int] = WIDTHS, dropout: float = 0.3) -> keras.Model:
    """Build the untrained network.

    Args:
        widths: channels of the blocks; each block after the first halves the rate.
        dropout: part dropped before the logits, 0 to 1.

    Returns:
        Model from windows (n, t, 12), millivolt at 100 Hz, to logits (n, 5), one per superclass, each a yes or no of its own.
    """
    window = keras.Input((None, LEADS), name=WINDOW)
    x = keras.layers.Rescaling(_PER_MILLIVOLT)(window)
    x = keras.layers.ReLU()(_convolution(x, widths[0], _FIRST_KERNEL, 2))
    for place, filters in enumerate(widths):
        last = place == len(widths) - 1
        x = _residual(x, filters, 2 if place else 1, LAST_CONVOLUTION if last else None)
    x = keras.layers.GlobalAveragePooling1D(name="pooled")(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(window, keras.layers.Dense(len(LABELS), name="logits")(x), name="ecg_signals")


def together(members: Sequence[keras.Model]) -> keras.Model:
    """Several trained networks as one whose logits are their mean."""
    window = keras.Input((None, LEADS), name=WINDOW)
    named = [
        keras.Model(member.input, member.output, name=f"member_{place}")
        for place, member in enumerate(members)
    ]
    return keras.Model(window, keras.layers.Average()([one(window) for one in named]), name="ecg_signals")
