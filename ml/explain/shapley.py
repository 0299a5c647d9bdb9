"""Exact Shapley values of a row against a reference row (baseline Shapley: Sundararajan and Najmi 2020).

The value of a set of features is the model's answer with those features of the row and the others of the reference. All sets are
given, so nothing is sampled and the contributions sum exactly to the difference of the two answers.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

MOST_FEATURES = 16


def shapley(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each feature adds to the answer of the reference.

    Args:
        answers: of every set of k features, shape (n, 2, ..., 2) with k axes of two: index 1 where the feature is the row's.

    Returns:
        Shape (n, k), summing along k to the answer with all features less the answer with none.

    Raises:
        ValueError: when there are more than 16 features.
    """
    count = answers.ndim - 1
    if count > MOST_FEATURES:
        raise ValueError(f"{count} features differ; at most {MOST_FEATURES} can be explained exactly")
    return answers.reshape(len(answers), -1) @ _shares(count)


@functools.cache
def _shares(count: int) -> NDArray[np.float64]:
    """How the answer of each set counts for each feature, shape (2^k, k); sets in the order of the flattened axes."""
    held = np.indices([2] * count).reshape(count, 2**count).T == 1
    sizes = held.sum(axis=1)[:, None]
    weights = np.array([1.0 / (count * math.comb(count - 1, size)) for size in range(count)] + [0.0])
    return np.where(held, weights[sizes - 1], -weights[sizes])
