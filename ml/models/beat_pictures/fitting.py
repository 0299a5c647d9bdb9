"""Fitting a network once: weights of classes, variants of pictures, early stopping."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from ml.datasets.beats import LABELS

BATCH = 64
LEARNING_RATE = 1e-3
PATIENCE = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Pictures with their classes.

    Attributes:
        variants: shape (n, v, 64, 64, 1), 0 to 255: each beat drawn v times; or what a part of a network that does not
            learn makes of them, shape (n, v, ...).
        classes: shape (n,), positions in ``LABELS``.
    """

    variants: NDArray[Any]
    classes: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> Examples:
        """The examples chosen by a mask."""
        return Examples(variants=self.variants[chosen], classes=self.classes[chosen])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and how fast a network learns.

    Attributes:
        epochs: most epochs.
        seed: seed of weights and order.
        rate: learning rate of the first epoch.
    """

    epochs: int
    seed: int
    rate: float = LEARNING_RATE


class _Batches(keras.utils.PyDataset):
    """Shuffled batches, each beat in one of its variants, anew every epoch."""

    def __init__(self, examples: Examples, weights: NDArray[np.float64], seed: int) -> None:
        super().__init__()
        self._examples = examples
        self._weights = weights
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(examples.classes))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / BATCH)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        rows = self._order[index * BATCH : (index + 1) * BATCH]
        variant = self._rng.integers(0, self._examples.variants.shape[1], len(rows))
        classes = self._examples.classes[rows]
        return (
            self._examples.variants[rows, variant].astype(np.float32),
            np.eye(len(LABELS), dtype=np.float32)[classes],
            self._weights[classes].astype(np.float32),
        )

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._order))


def class_weights(classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Square root of the balanced weight of each class, shape (6,): rare classes count more, but not fully.

    Full balance would make the network cry wolf; none would let it forget the rare classes.
    """
    present = np.unique(classes)
    weights = np.ones(len(LABELS))
    weights[present] = np.sqrt(compute_class_weight("balanced", classes=present, y=classes))
    return weights


def fit(
    build: Callable[[], keras.Model],
    training: Examples,
    validation: Examples,
    *,
    schedule: Schedule,
    checkpoint: Path,
    learner: Callable[[keras.Model], keras.Model] = lambda model: model,
    verbose: int = 0,
) -> tuple[keras.Model, int]:
    """Train a network and return it with the weights of its best epoch.

    Args:
        build: makes the untrained network, or one with transferred weights.
        training: pictures to learn from.
        validation: pictures of other records that decide when to stop; their first variant is used.
        schedule: see ``Schedule``.
        checkpoint: file for the best weights so far (``*.keras``).
        learner: the part of the network that learns from the examples; all of it as given.
        verbose: 0 silent, 2 one line per epoch.

    Returns:
        The trained model, images 0 to 255 to logits, and its best epoch, counted from 1.
    """
    keras.utils.set_random_seed(schedule.seed)
    model = build()
    part = learner(model)
    part.compile(
        keras.optimizers.AdamW(schedule.rate, weight_decay=1e-4),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05),
        weighted_metrics=[],
    )
    seen = validation.classes
    history = part.fit(
        _Batches(training, class_weights(training.classes), schedule.seed),
        validation_data=(
            validation.variants[:, 0].astype(np.float32),
            np.eye(len(LABELS), dtype=np.float32)[seen],
            (class_weights(seen)[seen] ** 2).astype(np.float32),
        ),
        epochs=schedule.epochs,
        verbose=verbose,
        callbacks=[
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=PATIENCE, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=1),
            keras.callbacks.ModelCheckpoint(checkpoint, monitor="val_loss", save_best_only=True),
        ],
    )
    return model, int(np.argmin(history.history["val_loss"])) + 1


def logits_of(model: keras.Model, images: NDArray[Any]) -> NDArray[np.float64]:
    """Logits of prepared pictures, or of what the learning part of a network is given, shape (n, 6)."""
    batches = [
        model.predict_on_batch(images[i : i + 512].astype(np.float32)) for i in range(0, len(images), 512)
    ]
    return np.concatenate(batches).astype(np.float64)
