"""Calibration on records that the network did not learn from: temperature, conformal sets, abstention, gate."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.neighbors import NearestNeighbors

FEW_RECORDS = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What calibration records decide.

    Attributes:
        temperature: above 0.
        least: least probability for each class to be in the prediction set, shape (c,).
        notes: per class, why its set is less certain than it looks.
        threshold: confidence below which the model abstains.
    """

    temperature: float
    least: NDArray[np.float64]
    notes: dict[str, str]
    threshold: float

    def as_contract(self, labels: tuple[str, ...], alpha: float) -> dict[str, Any]:
        """The fields of a contract that calibration decides."""
        shares = zip(labels, self.least, strict=True)
        return {
            "temperature": round(self.temperature, 5),
            "conformal": {
                "alpha": alpha,
                "min_probability": {label: round(float(share), 6) for label, share in shares},
                "notes": self.notes,
            },
            "abstention_threshold": round(self.threshold, 4),
        }


def settle(
    logits: NDArray[np.float64],
    classes: NDArray[np.int64],
    records: NDArray[np.str_],
    *,
    labels: tuple[str, ...],
    alpha: float,
    accuracy: float,
    least_coverage: float,
) -> Calibration:
    """Fit temperature, conformal sets and abstention.

    Args:
        logits: shape (n, c), of records not trained on.
        classes: shape (n,).
        records: record of each row, shape (n,).
        labels: names of the classes.
        alpha: part of true classes that a prediction set may miss, 0 to 1.
        accuracy: wanted part of right answers among the accepted, 0 to 1.
        least_coverage: least part of answers to accept, 0 to 1.
    """
    temperature = fit_temperature(logits, classes)
    probability = probabilities(logits, temperature)
    notes = {}
    for position, label in enumerate(labels):
        count = len(np.unique(records[classes == position]))
        if count < FEW_RECORDS:
            notes[label] = f"only {count} calibration record(s): the coverage of this class is not assured"
    return Calibration(
        temperature=temperature,
        least=conformal_minimum(probability, classes, alpha=alpha),
        notes=notes,
        threshold=abstention_threshold(
            probability, classes, accuracy=accuracy, least_coverage=least_coverage
        ),
    )


def probabilities(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Softmax of logits (n, c) over a temperature above 0 (Guo and others 2017)."""
    values: NDArray[np.float64] = softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return values


def fit_temperature(logits: NDArray[np.floating], classes: NDArray[np.int64]) -> float:
    """Temperature with the smallest negative log likelihood.

    Args:
        logits: shape (n, c), of records not trained on.
        classes: shape (n,), 0 to c - 1.

    Returns:
        Between 0.25 and 20.
    """
    rows = np.arange(len(classes))

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / np.exp(log_temperature), axis=1)[rows, classes].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.25), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def conformal_minimum(
    probability: NDArray[np.float64], classes: NDArray[np.int64], *, alpha: float
) -> NDArray[np.float64]:
    """Smallest probability at which each class belongs to the prediction set (class-conditional split conformal).

    Args:
        probability: calibrated, shape (n, c).
        classes: shape (n,).
        alpha: part of true classes that may be missed, 0 to 1.

    Returns:
        Shape (c,); 0, which is "always in the set", for a class without examples.
    """
    least = np.zeros(probability.shape[1])
    for position in range(len(least)):
        own = np.sort(probability[classes == position, position])
        rank = int(np.floor(alpha * (len(own) + 1))) - 1
        least[position] = own[rank] if 0 <= rank < len(own) else 0.0
    return least


def abstention_threshold(
    probability: NDArray[np.float64], classes: NDArray[np.int64], *, accuracy: float, least_coverage: float
) -> float:
    """Lowest confidence from which the accepted answers reach an accuracy, unless that would refuse too many.

    Args:
        probability: calibrated, shape (n, c).
        classes: shape (n,).
        accuracy: wanted part of right answers among the accepted, 0 to 1.
        least_coverage: least part of answers to accept, 0 to 1.

    Returns:
        Threshold, 0 to 1.
    """
    confidence = probability.max(axis=1)
    order = np.argsort(-confidence)
    right = (probability.argmax(axis=1) == classes)[order]
    running = np.cumsum(right) / np.arange(1, len(right) + 1)
    good = np.flatnonzero(running >= accuracy)
    accepted = max(int(good[-1]) + 1 if len(good) else 0, int(least_coverage * len(right)), 1)
    return float(confidence[order][accepted - 1])


def neighbour_distance(
    embeddings: NDArray[np.floating], reference: NDArray[np.floating], *, neighbours: int
) -> NDArray[np.float64]:
    """Mean distance to the nearest reference embeddings, after scaling every embedding to length one.

    Args:
        embeddings: shape (n, d).
        reference: shape (m, d), embeddings of training beats, of length one.
        neighbours: how many of the nearest count.

    Returns:
        Shape (n,), 0 to 2.
    """
    finder = NearestNeighbors(n_neighbors=neighbours).fit(np.asarray(reference, dtype=np.float32))
    distances, _ = finder.kneighbors(unit(embeddings))
    means: NDArray[np.float64] = distances.mean(axis=1)
    return means


def unit(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """Embeddings (n, d) scaled to length one."""
    values = np.asarray(embeddings, dtype=np.float32)
    scaled: NDArray[np.float32] = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    return scaled
