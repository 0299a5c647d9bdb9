"""Calibration of a model whose classes may hold at the same time: Platt scaling, thresholds, conformal sets, abstention."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MultilabelCalibration:
    """What calibration recordings decide.

    Attributes:
        slope: of the logit of each class, shape (c,), above 0.
        offset: added to it, shape (c,).
        suspected_from: probability from which each class is suspected: the highest F1, shape (c,).
        least: least probability for each class to be in the prediction set, shape (c,).
        threshold: probability of the most probable class below which the model abstains.
    """

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    suspected_from: NDArray[np.float64]
    least: NDArray[np.float64]
    threshold: float

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated probability of each class, shape (n, c)."""
        return platt(logits, self.slope, self.offset)

    def as_contract(self, labels: tuple[str, ...], alpha: float) -> dict[str, Any]:
        """The fields of a contract that calibration decides; the temperature is 1, each class has its own line."""

        def named(values: NDArray[np.float64]) -> dict[str, float]:
            return {label: round(float(value), 6) for label, value in zip(labels, values, strict=True)}

        return {
            "temperature": 1.0,
            "conformal": {
                "alpha": alpha,
                "min_probability": named(self.least),
                "suspected_from": named(self.suspected_from),
                "platt_slope": named(self.slope),
                "platt_offset": named(self.offset),
                "notes": {},
            },
            "abstention_threshold": round(self.threshold, 4),
        }


def best_threshold(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """The score from which calling a class gives the highest F1; shapes (n,)."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2.0 * hits / (np.arange(1, len(truth) + 1) + max(1, truth.sum()))
    return float(scores[order][int(f1.argmax())])


def platt(
    logits: NDArray[np.floating], slope: NDArray[np.floating], offset: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Probability of each class by its own line (Platt 1999), shape (n, c)."""
    shares: NDArray[np.float64] = expit(np.asarray(logits, dtype=np.float64) * slope + offset)
    return shares


def fit_platt(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Slope and offset of one class with the smallest negative log likelihood.

    Args:
        logits: shape (n,), of recordings not trained on.
        truth: 0 or 1, shape (n,), with both there.
    """
    z = np.asarray(logits, dtype=np.float64)

    def loss(line: NDArray[np.float64]) -> float:
        values = np.exp(line[0]) * z + line[1]
        return float(np.mean(np.logaddexp(0.0, values) - truth * values))

    found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9})
    return float(np.exp(found.x[0])), float(found.x[1])


def conformal_minimum(
    probability: NDArray[np.float64], truth: NDArray[np.int64], *, alpha: float
) -> NDArray[np.float64]:
    """Smallest probability at which each class belongs to the prediction set (class-conditional split conformal).

    Args:
        probability: calibrated, shape (n, c).
        truth: 0 or 1, shape (n, c).
        alpha: part of the true classes that may be missed, 0 to 1.

    Returns:
        Shape (c,); 0 for a class with too few examples.
    """
    least = np.zeros(probability.shape[1])
    for position in range(len(least)):
        own = np.sort(probability[truth[:, position] == 1, position])
        rank = int(np.floor(alpha * (len(own) + 1))) - 1
        least[position] = own[rank] if 0 <= rank < len(own) else 0.0
    return least


def abstention_threshold(
    probability: NDArray[np.float64], truth: NDArray[np.int64], *, accuracy: float, least_coverage: float
) -> float:
    """Lowest probability of the most probable class from which that class holds often enough, unless that refuses too many.

    Args:
        probability: calibrated, shape (n, c).
        truth: 0 or 1, shape (n, c).
        accuracy: wanted part of the accepted whose most probable class is a true one, 0 to 1.
        least_coverage: least part to accept, 0 to 1.
    """
    confidence = probability.max(axis=1)
    right = truth[np.arange(len(truth)), probability.argmax(axis=1)] == 1
    order = np.argsort(-confidence, kind="stable")
    running = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    good = np.flatnonzero(running >= accuracy)
    accepted = max(int(good[-1]) + 1 if len(good) else 0, int(least_coverage * len(right)), 1)
    return float(confidence[order][accepted - 1])


def settle(
    logits: NDArray[np.float64],
    truth: NDArray[np.int64],
    *,
    alpha: float,
    accuracy: float,
    least_coverage: float,
) -> MultilabelCalibration:
    """Fit everything that calibration recordings decide.

    Args:
        logits: shape (n, c), of recordings not trained on.
        truth: 0 or 1, shape (n, c).
        alpha: part of true classes that a prediction set may miss.
        accuracy: wanted part of right answers among the accepted.
        least_coverage: least part of answers to accept.
    """
    lines = np.array([fit_platt(logits[:, i], truth[:, i]) for i in range(truth.shape[1])])
    shares = platt(logits, lines[:, 0], lines[:, 1])
    return MultilabelCalibration(
        slope=lines[:, 0],
        offset=lines[:, 1],
        suspected_from=np.array([best_threshold(shares[:, i], truth[:, i]) for i in range(truth.shape[1])]),
        least=conformal_minimum(shares, truth, alpha=alpha),
        threshold=abstention_threshold(shares, truth, accuracy=accuracy, least_coverage=least_coverage),
    )
