"""The two 1-D networks of the CardioCare report over the features of a record: with residual blocks, and with batch normalisation.

A record has no order in time: the convolutions run along the list of features, as the report had it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from ml.clinical.features import NAMES
from ml.models.clinical.members import Scaling, Settings, with_logarithms

RECORD = "record"
FILTERS = 32
DROPOUT = 0.5
# Noise on the scaled input in training, in spreads: with 240 rows a network otherwise learns them by heart.
NOISE = 0.7
RATE = 0.002
DECAY = 0.1
# Rows far outside the training data must not run away.
MOST_SCALED = 4.0


def _head(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Flatten()(x)
    x = layers.Dropout(DROPOUT)(x)
    x = layers.Dense(FILTERS // 2, activation="relu")(x)
    x = layers.Dropout(DROPOUT)(x)
    return layers.Dense(1)(x)


def residual_network() -> keras.Model:
    """Two residual blocks; from scaled rows (n, 11) to log odds (n, 1)."""
    given = keras.Input((len(NAMES),), name=RECORD)
    x = layers.Reshape((len(NAMES), 1))(layers.GaussianNoise(NOISE)(given))
    x = layers.Conv1D(FILTERS, 3, padding="same", activation="relu")(x)
    for _ in range(2):
        y = layers.Conv1D(FILTERS, 3, padding="same", activation="relu")(x)
        y = layers.Conv1D(FILTERS, 3, padding="same")(y)
        x = layers.Activation("relu")(layers.Add()([x, y]))
    return keras.Model(given, _head(x), name="clinical_cnn_residual")


def normalised_network() -> keras.Model:
    """Three convolutions with batch normalisation; from scaled rows (n, 11) to log odds (n, 1)."""
    given = keras.Input((len(NAMES),), name=RECORD)
    x = layers.Reshape((len(NAMES), 1))(layers.GaussianNoise(NOISE)(given))
    for filters in (FILTERS, 2 * FILTERS, FILTERS):
        x = layers.Conv1D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(given, _head(x), name="clinical_cnn_bn")


class _Trainer:
    """Trains networks of one build; the graph is traced once, since hundreds are trained in a cross-validation."""

    def __init__(self, build: Callable[[], keras.Model]) -> None:
        self._build = build
        self._model = build()
        self._optimizer = keras.optimizers.AdamW(RATE, weight_decay=DECAY)
        self._optimizer.build(self._model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def _run(self, rows: tf.Tensor, died: tf.Tensor, epochs: tf.Tensor) -> None:
        for _ in tf.range(epochs):
            with tf.GradientTape() as tape:
                odds = self._model(rows, training=True)[:, 0]
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(died, odds))
            variables = self._model.trainable_variables
            self._optimizer.apply(tape.gradient(loss, variables), variables)

    def fit(self, rows: NDArray[np.float32], died: NDArray[np.int64], settings: Settings) -> keras.Model:
        """A freshly trained network."""
        keras.utils.set_random_seed(settings.seed)
        fresh = self._build()
        # All variables, not weights alone: the states of noise and dropout start afresh too, so that a seed gives the same network.
        for variable, value in zip(self._model.variables, fresh.variables, strict=True):
            variable.assign(value)
        for variable in self._optimizer.variables:
            if variable is not self._optimizer.learning_rate:
                variable.assign(keras.ops.zeros_like(variable))
        self._run(tf.constant(rows), tf.constant(died, tf.float32), tf.constant(settings.epochs))
        fresh.set_weights(self._model.get_weights())
        return fresh


@functools.cache
def _trainer(build: Callable[[], keras.Model]) -> _Trainer:
    return _Trainer(build)


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """A fitted network.

    Attributes:
        model: from scaled rows to log odds.
        scaling: of all columns after logarithms.
    """

    model: keras.Model
    scaling: Scaling

    @classmethod
    def fit(
        cls,
        values: NDArray[np.float32],
        died: NDArray[np.int64],
        settings: Settings,
        build: Callable[[], keras.Model],
    ) -> Network:
        """Fit to complete rows (n, 11) and outcomes (n,)."""
        changed = with_logarithms(values)
        scaling = Scaling.fit(changed)
        return cls(_trainer(build).fit(_bounded(scaling(changed)), died, settings), scaling)

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """See ``members.Member``."""
        rows = _bounded(self.scaling(with_logarithms(values)))
        odds: NDArray[np.float64] = np.asarray(self.model(rows, training=False), dtype=np.float64)[:, 0]
        return odds


def _bounded(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(rows, -MOST_SCALED, MOST_SCALED)
