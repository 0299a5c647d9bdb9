"""The network of ``beat-resnet``: 1-D residual blocks on the signal, a dense branch on rhythm and form, one head.

Residual blocks after He and others 2016; batch normalisation is folded into the export. The head is Flatten,
Dense(relu), Dense, so that the class activation of a place in time has a closed form (``ml.training.export``).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from ml.models.beat_resnet.classes import LABELS
from ml.preprocessing.beat_signal import FEATURES, LEAD_FEATURES, LEADS, LENGTH, RHYTHM_FEATURES
from ml.recordings.ec57 import CLASSES, classes_of

LAST_CONVOLUTION = "last_convolution"
EMBEDDING = "embedding"
LAYERS = {"convolution": LAST_CONVOLUTION, "embedding": EMBEDDING}
WINDOW = "window"
FEATURE_INPUT = "features"
STEPS = LENGTH // 4
# What the signal is read for: P wave and QRS complex. The T wave of a premature ventricular beat is as telling as its QRS,
# and a network that may read it puts its heat there; the figures of form still hold it.
FROM, TO = 20, 76
_BEFORE, _AFTER = FROM // 4, (LENGTH - TO) // 4
_LAST_FILTERS = 12
_EMBEDDING_UNITS = 64
_DECAY = 1e-3


def _convolution(x: keras.KerasTensor, filters: int, width: int) -> keras.KerasTensor:
    """A convolution along time, the same for every lead."""
    x = keras.layers.Conv2D(filters, (1, width), padding="same", use_bias=False)(x)
    return keras.layers.BatchNormalization()(x)


def _residual(x: keras.KerasTensor, filters: int, width: int, dropout: float) -> keras.KerasTensor:
    """Two convolutions and the way around them."""
    inner = keras.layers.ReLU()(_convolution(x, filters, width))
    inner = keras.layers.SpatialDropout2D(dropout)(inner)
    inner = _convolution(inner, filters, width)
    if x.shape[-1] != filters:
        x = keras.layers.Conv2D(filters, 1, use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.Add()([x, inner]))


def _both_ways(x: keras.KerasTensor, axis: int) -> list[keras.KerasTensor]:
    """The smallest and the largest over the leads: what they say together, whichever stands first."""
    return [keras.ops.min(x, axis=axis), keras.ops.max(x, axis=axis)]


def build(
    *,
    mean: NDArray[np.floating],
    spread: NDArray[np.floating],
    filters: int = 24,
    hidden: int = 48,
    dropout: float = 0.4,
    noise: float = 0.1,
) -> keras.Model:
    """Build the untrained network.

    Args:
        mean: of the training features, shape (73,).
        spread: their standard deviation, shape (73,), above 0.
        filters: channels of the first block; the second has half as many again, the third twice as many.
        hidden: units of the branch of rhythm and form.
        dropout: part dropped before the logits, 0 to 1; half of it elsewhere.
        noise: standard deviation of the noise on the scaled features in training.

    Returns:
        Model from ``[window (n, 2, 128, 2), features (n, 73)]`` to logits (n, classes).
    """
    window = keras.Input((LEADS, LENGTH, 2), name=WINDOW)
    features = keras.Input((FEATURES,), name=FEATURE_INPUT)
    x = keras.layers.Cropping2D(((0, 0), (FROM, LENGTH - TO)))(window)
    x = keras.layers.ReLU()(_convolution(x, filters, 7))
    # The kernels narrow, so that a step of the last convolution sees a fifth of a second and its heat can point at a wave.
    x = _residual(x, filters, 5, dropout / 4)
    x = keras.layers.MaxPooling2D((1, 2))(x)
    x = _residual(x, filters * 3 // 2, 3, dropout / 4)
    x = keras.layers.MaxPooling2D((1, 2))(x)
    x = _residual(x, filters * 2, 1, dropout / 4)
    x = keras.layers.Conv2D(_LAST_FILTERS, 1, activation="relu")(x)
    x = keras.layers.Concatenate()(_both_ways(x, axis=1))
    x = keras.layers.ZeroPadding1D((_BEFORE, _AFTER), name=LAST_CONVOLUTION)(x)
    x = keras.layers.Dropout(dropout / 2)(keras.layers.Flatten(name="flat")(x))
    y = _scaled_set(features, mean=mean, spread=spread, noise=noise)
    y = keras.layers.Dense(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(_DECAY))(y)
    y = keras.layers.Dropout(dropout / 2)(y)
    both = keras.layers.Concatenate(name="both")([x, y])
    both = keras.layers.Dense(
        _EMBEDDING_UNITS, activation="relu", kernel_regularizer=keras.regularizers.L2(_DECAY), name=EMBEDDING
    )(both)
    both = keras.layers.Dropout(dropout)(both)
    return keras.Model(
        [window, features], keras.layers.Dense(len(LABELS), name="logits")(both), name="beat_resnet"
    )


def build_plain(
    *, mean: NDArray[np.floating], spread: NDArray[np.floating], hidden: int = 32, noise: float = 0.1
) -> keras.Model:
    """Build an untrained network of rhythm and form alone: it learns less from each person than one that sees the signal.

    Args:
        mean: of the training features, shape (73,).
        spread: their standard deviation, shape (73,), above 0.
        hidden: units.
        noise: standard deviation of the noise on the scaled features in training.

    Returns:
        Model from ``[window, features]``, the first of which it does not use, to logits (n, classes).
    """
    window = keras.Input((LEADS, LENGTH, 2), name=WINDOW)
    features = keras.Input((FEATURES,), name=FEATURE_INPUT)
    y = _scaled_set(features, mean=mean, spread=spread, noise=noise)
    y = keras.layers.Dense(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(_DECAY))(y)
    four = keras.layers.Dense(len(CLASSES), name="origins")(y)
    # Relative to the recording's own beat, normal beats and both blocks look alike: the signal alone tells them apart.
    origins = classes_of(np.arange(len(LABELS)), LABELS)
    logits = keras.layers.Dense(len(LABELS), trainable=False, name="logits")
    model = keras.Model([window, features], logits(four), name="rhythm_and_form")
    logits.set_weights([np.eye(len(CLASSES))[:, origins], np.zeros(len(LABELS))])
    return model


def _scaled_set(
    features: keras.KerasTensor, *, mean: NDArray[np.floating], spread: NDArray[np.floating], noise: float
) -> keras.KerasTensor:
    """Scaled figures of rhythm, and the smallest and largest of each figure of form over the leads."""
    y = keras.layers.Normalization(mean=mean, variance=spread**2, name="scaling")(features)
    y = keras.layers.GaussianNoise(noise)(y)
    forms = keras.layers.Reshape((LEADS, LEAD_FEATURES))(y[:, RHYTHM_FEATURES:])
    return keras.layers.Concatenate()([y[:, :RHYTHM_FEATURES], *_both_ways(forms, axis=1)])


def together(members: Sequence[keras.Model]) -> keras.Model:
    """Several trained networks as one whose logits are their mean."""
    window = keras.Input((LEADS, LENGTH, 2), name=WINDOW)
    features = keras.Input((FEATURES,), name=FEATURE_INPUT)
    named = []
    for place, member in enumerate(members):
        own = keras.Model(member.inputs, member.output, name=f"member_{place}")
        named.append(own([window, features]))
    return keras.Model([window, features], keras.layers.Average()(named), name="beat_resnet")
