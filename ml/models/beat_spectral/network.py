"""The network of ``beat-spectral``: the trace as a signal, its STFT and wavelet images, and a small CNN that reads them.

The transforms are convolutions with fixed kernels inside the network, so training and serving cannot differ in them.
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import LABELS
from ml.models.beat_pictures.recipe import EVIDENCE, classified
from ml.preprocessing.beat_image import AFTER_S, BEFORE_S, SIZE

INPUT_SHAPE = (SIZE, SIZE, 1)
RATE_HZ = SIZE / (BEFORE_S + AFTER_S)
FREQUENCIES_HZ = np.linspace(1.0, 22.0, 16)
STRIDE = 2
WINDOW = 21
_CYCLES = 4.0
_LEAST = 1e-3


def stft_kernels() -> NDArray[np.float32]:
    """Windowed cosines and sines of every frequency, shape (21, 1, 32): one Hann window of 0.46 s for all."""
    at = np.arange(WINDOW) - WINDOW // 2
    return _kernels([np.hanning(WINDOW + 2)[1:-1] for _ in FREQUENCIES_HZ], at / RATE_HZ)


def wavelet_kernels() -> NDArray[np.float32]:
    """Morlet wavelets (Torrence and Compo 1998) of every frequency, shape (63, 1, 32): four cycles of each."""
    at = (np.arange(SIZE - 1) - (SIZE - 1) // 2) / RATE_HZ
    return _kernels([np.exp(-0.5 * (at * hz * 2.0 * np.pi / _CYCLES) ** 2) for hz in FREQUENCIES_HZ], at)


def _kernels(windows: list[NDArray[np.float64]], seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Real and imaginary parts of windowed waves of mean 0 and of one energy, shape (length, 1, 2 * frequencies)."""
    parts = []
    for turn in (np.cos, np.sin):
        for hz, window in zip(FREQUENCIES_HZ, windows, strict=True):
            wave = window * turn(2.0 * np.pi * hz * seconds)
            wave -= window * wave.sum() / window.sum()
            parts.append(wave / np.sqrt((window**2).sum()))
    return np.stack(parts, axis=1)[:, None, :].astype(np.float32)


def _trace(ink: keras.KerasTensor, *, steepness: bool) -> keras.KerasTensor:
    """Height of the trace in each column, -1 (bottom) to 1 (top), less its mean; and how much ink a column holds.

    A steep stretch fills its column with ink, and its height alone would lose it. Shape (n, 64, 1) or (n, 64, 2).
    """
    heights = np.linspace(1.0, -1.0, SIZE, dtype=np.float32)[None, :, None, None]
    mass = keras.ops.sum(ink, axis=1)
    height = keras.ops.sum(ink * heights, axis=1) / (mass + _LEAST)
    signals = [height, keras.ops.log(1.0 + mass)] if steepness else [height]
    return keras.ops.concatenate(
        [one - keras.ops.mean(one, axis=1, keepdims=True) for one in signals], axis=2
    )


def _spectrum(signal: keras.KerasTensor, kernels: NDArray[np.float32], name: str) -> keras.KerasTensor:
    """Logarithm of the magnitude at each frequency and time, shape (n, 32, 16, 1), of one signal (n, 64, 1)."""
    layer = keras.layers.Conv1D(
        kernels.shape[2], kernels.shape[0], strides=STRIDE, padding="same", use_bias=False, trainable=False, name=name,
        kernel_initializer=keras.initializers.Constant(kernels.tolist()),
    )  # fmt: skip
    waves = keras.ops.reshape(layer(signal), (-1, SIZE // STRIDE, 2, len(FREQUENCIES_HZ)))
    energy = keras.ops.sum(keras.ops.square(waves), axis=2)
    return keras.ops.expand_dims(0.5 * keras.ops.log(energy + _LEAST**2), axis=3)


def build(
    *, filters: int = 32, dropout: float = 0.3, steepness: bool = True, classes: int = len(LABELS)
) -> keras.Model:
    """Build the untrained network.

    Args:
        filters: channels of the first convolution; the later ones have twice as many.
        dropout: part of the embedding dropped in training, 0 to 1.
        steepness: whether the ink of each column is a second signal beside the height of the trace.
        classes: number of classes.

    Returns:
        Model from images (n, 64, 64, 1), 0 to 255, to logits (n, classes); its evidence is (n, 16, 2 * filters): columns
        of the picture, for the other axis of the images is frequency.
    """
    image = keras.Input(INPUT_SHAPE, name="image")
    ink = keras.layers.Rescaling(1.0 / 255.0, name="scaling")(image)
    signals = _trace(ink, steepness=steepness)
    images = [
        _spectrum(signals[:, :, i : i + 1], kernels, f"{name}_{i}")
        for i in range(signals.shape[2])
        for name, kernels in (("stft", stft_kernels()), ("wavelet", wavelet_kernels()))
    ]
    x = keras.layers.Concatenate(name="spectral_images")(images)
    for step, (width, pooling) in enumerate(
        ((filters, (2, 2)), (2 * filters, (1, 2)), (2 * filters, (1, 2)))
    ):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu", name=f"convolution_{step}")(x)
        x = keras.layers.MaxPooling2D(pooling, name=f"pooling_{step}")(x)
    x = keras.layers.SpatialDropout2D(0.1, name="spatial_dropout")(x)
    x = keras.layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="frequencies_together")(x)
    x = keras.layers.Conv1D(2 * filters, 3, padding="same", activation="relu", name=EVIDENCE)(x)
    return keras.Model(image, classified(x, dropout=dropout, classes=classes), name="beat_spectral")
