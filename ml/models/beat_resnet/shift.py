"""How much the logits of premature beats are moved: training shows rare classes far more often than a heart does."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ml.models.beat_resnet.classes import LABELS
from ml.recordings.ec57 import CLASSES, classes_of, to_ec57

_GRID = np.arange(-2.0, 1.01, 0.25)
_MOVED = ("S", "V")


def best_shift(logits: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shift of the logits with the largest mean F1 of N, S and V.

    Args:
        logits: of records not trained on, shape (n, classes).
        classes: positions in ``LABELS``, shape (n,).

    Returns:
        What to add to the logit of each label, shape (classes,): one value for the labels of S, one for those of V, else 0.
    """
    truth = classes_of(classes, LABELS)
    labels = classes_of(np.arange(len(LABELS)), LABELS)
    found, most = np.zeros(len(LABELS)), -1.0
    for values in itertools.product(_GRID, repeat=len(_MOVED)):
        shift = np.zeros(len(LABELS))
        for name, value in zip(_MOVED, values, strict=True):
            shift[labels == CLASSES.index(name)] = value
        score = _mean_f1(to_ec57(softmax(logits + shift, axis=1), LABELS).argmax(axis=1), truth)
        if score > most:
            found, most = shift, score
    return found


def _mean_f1(said: NDArray[np.intp], truth: NDArray[np.int64]) -> float:
    """Mean F1 of N, S and V; of those that are neither there nor called it is 0."""
    counts = np.zeros((len(CLASSES), len(CLASSES)))
    np.add.at(counts, (truth, said), 1.0)
    sums = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2.0 * np.diagonal(counts) / np.maximum(sums, 1.0))[: CLASSES.index("F")].mean())


def move(members: Sequence[keras.Model], shift: NDArray[np.float64]) -> None:
    """Add a shift to the logits of networks in place, in the bias of their last layer."""
    for member in members:
        weights, bias = member.get_layer("logits").get_weights()
        member.get_layer("logits").set_weights([weights, bias + shift])
