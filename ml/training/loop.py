"""Training of small networks on arrays: one loop with warm-up, cosine schedule, checkpoint and early stopping."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

BATCH = 256
PATIENCE = 5
LEAST_SPREAD = (
    0.3  # a feature that never changes in training must not explode on the first recording where it does
)

Batch = tuple[list[NDArray[np.float32]], NDArray[np.float32]]


class Epochs(Protocol):
    """What an epoch shows."""

    def batches(self) -> Iterator[Batch]:
        """Inputs and one-hot targets of one epoch."""

    def steps(self) -> int:
        """Batches per epoch."""


def balanced(
    records: NDArray[np.str_], classes: NDArray[np.int64], most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of at most so many examples of each class and record, ascending."""
    groups, inverse = np.unique(np.stack([records, classes.astype(np.str_)]), axis=1, return_inverse=True)
    chosen = [rng.permutation(np.flatnonzero(inverse == i))[:most] for i in range(groups.shape[1])]
    return np.sort(np.concatenate(chosen))


def capped(groups: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of at most so many examples of each group, drawn at random, in no order."""
    shuffled = rng.permutation(len(groups))
    order = shuffled[np.argsort(groups[shuffled], kind="stable")]
    _, first, counts = np.unique(groups[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, counts)
    chosen: NDArray[np.int64] = order[rank < most]
    return chosen


def steps_of(count: int) -> int:
    """Batches that so many examples fill."""
    return math.ceil(count / BATCH)


def run(
    model: keras.Model,
    shown: Epochs,
    *,
    epochs: int,
    rate: float,
    smoothing: float,
    checkpoint: Path,
    watch: Callable[[keras.Model], float] | None = None,
    verbose: int = 0,
) -> int:
    """Train a classifier in place; it ends with the weights of its best epoch.

    Args:
        model: from a list of inputs to logits.
        shown: what each epoch shows.
        epochs: most epochs; the learning rate reaches 0 at their end.
        rate: highest learning rate.
        smoothing: label smoothing, 0 to 1.
        checkpoint: file for the best weights so far (``*.weights.h5``).
        watch: loss on other records, which decides when to stop; None trains all epochs.
        verbose: 0 silent, else one line per epoch.

    Returns:
        The best epoch, counted from 1; the last one if nothing was watched.
    """
    steps = epochs * shown.steps()
    warm = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 20, steps - warm, warmup_target=rate, warmup_steps=warm
    )
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-4, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        jit_compile=False,  # compiling anew for the last, shorter batch of each epoch costs more than it saves on a CPU
    )
    best, least = epochs, np.inf
    for epoch in range(1, epochs + 1):
        losses = [float(model.train_on_batch(inputs, targets)) for inputs, targets in shown.batches()]
        watched = watch(model) if watch is not None else -float(epoch)
        if verbose:
            others = f", other records {watched:.3f}" if watch is not None else ""
            print(f"epoch {epoch}: loss {float(np.mean(losses)):.3f}{others}", file=sys.stderr, flush=True)
        if watched < least:
            best, least = epoch, watched
            model.save_weights(checkpoint)
        elif epoch - best >= PATIENCE:
            break
    model.load_weights(checkpoint)
    return best


def logits_of(model: keras.Model, *inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits of prepared examples, shape (n, c)."""
    parts = [
        model([value[i : i + 1024] for value in inputs], training=False).numpy()
        for i in range(0, len(inputs[0]), 1024)
    ]
    return np.concatenate(parts).astype(np.float64)
