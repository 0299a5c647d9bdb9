"""Exact Shapley values of one row against a reference row (baseline Shapley: Sundararajan and Najmi 2020).

The value of a set of features is the model's answer with those features of the row and the others of the reference. All sets are
computed, so nothing is sampled and the contributions sum exactly to the difference of the two answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

MOST_FEATURES = 16

Answer = Callable[[NDArray[np.float32]], NDArray[np.float64]]


def shapley(answer: Answer, row: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    """What each feature adds to the answer of the reference.

    Args:
        answer: from rows (m, k) to numbers (m,).
        row: shape (k,), no NaN.
        reference: shape (k,), no NaN.

    Returns:
        Shape (k,), summing to ``answer(row) - answer(reference)``; 0 for a feature that equals the reference.

    Raises:
        ValueError: when more than 16 features differ, which would take too many answers.
    """
    differing = np.flatnonzero(row != reference)
    count = len(differing)
    if count > MOST_FEATURES:
        raise ValueError(
            f"{count} features differ from the reference; at most {MOST_FEATURES} can be explained exactly"
        )
    amounts = np.zeros(len(row))
    if not count:
        return amounts
    # Row s holds the features whose bit is set in s.
    chosen = (np.arange(2**count)[:, None] >> np.arange(count)) & 1 == 1
    rows = np.repeat(reference[None], len(chosen), axis=0)
    rows[:, differing] = np.where(chosen, row[differing], reference[differing])
    answers = np.asarray(answer(rows), dtype=np.float64)
    sizes = chosen.sum(axis=1)
    weights = np.array([1.0 / (count * math.comb(count - 1, size)) for size in range(count)])
    for bit, feature in enumerate(differing):
        without = np.flatnonzero(~chosen[:, bit])
        gained = answers[without | (1 << bit)] - answers[without]
        amounts[feature] = float(weights[sizes[without]] @ gained)
    return amounts
