"""Figures of a classifier with 95 % intervals from a bootstrap over records (beats of one person are not independent)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
RESAMPLES = 1000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the figures need, summed per record, so that a resample of records is a sum.

    Attributes:
        confusion: shape (records, c, c), true class by predicted class, counts.
        bin_count: shape (records, bins), answers per bin of confidence.
        bin_right: shape (records, bins), right answers.
        bin_confidence: shape (records, bins), sum of confidences.
    """

    confusion: NDArray[np.float64]
    bin_count: NDArray[np.float64]
    bin_right: NDArray[np.float64]
    bin_confidence: NDArray[np.float64]


def tally(probability: NDArray[np.float64], classes: NDArray[np.int64], records: NDArray[np.str_]) -> Tally:
    """Count answers per record.

    Args:
        probability: calibrated, shape (n, c), rows summing to 1.
        classes: true classes, shape (n,).
        records: record of each answer, shape (n,).
    """
    count = probability.shape[1]
    names, rows = np.unique(records, return_inverse=True)
    predicted, confidence = probability.argmax(axis=1), probability.max(axis=1)
    confusion = np.zeros((len(names), count, count))
    np.add.at(confusion, (rows, classes, predicted), 1.0)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts, right, sums = (np.zeros((len(names), BINS)) for _ in range(3))
    np.add.at(counts, (rows, bins), 1.0)
    np.add.at(right, (rows, bins), (predicted == classes).astype(float))
    np.add.at(sums, (rows, bins), confidence)
    return Tally(confusion=confusion, bin_count=counts, bin_right=right, bin_confidence=sums)


def _divide(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def figures(tally_: Tally, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Figures of resamples.

    Args:
        tally_: counts per record.
        weights: how often each record was drawn, shape (resamples, records).

    Returns:
        ``accuracy``, ``macro_f1``, ``ece`` of shape (resamples,), and ``precision``, ``recall``, ``f1`` of shape
        (resamples, c); 0 to 1. Macro F1 is over the classes that occur.
    """
    confusion = np.tensordot(weights, tally_.confusion, axes=(1, 0))
    hits = np.diagonal(confusion, axis1=1, axis2=2).copy()
    true, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    f1 = _divide(2.0 * hits, true + predicted)
    occurs = (true > 0).astype(float)
    counts = weights @ tally_.bin_count
    gaps = np.abs(
        _divide(weights @ tally_.bin_right, counts) - _divide(weights @ tally_.bin_confidence, counts)
    )
    total = counts.sum(axis=1)
    return {
        "accuracy": _divide(hits.sum(axis=1), true.sum(axis=1)),
        "macro_f1": _divide((f1 * occurs).sum(axis=1), occurs.sum(axis=1)),
        "ece": _divide((gaps * counts).sum(axis=1), total),
        "precision": _divide(hits, predicted),
        "recall": _divide(hits, true),
        "f1": f1,
    }


def interval(value: float, drawn: NDArray[np.float64]) -> dict[str, float]:
    """A figure with the 95 % percentile interval of its resamples, shape (resamples,)."""
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def report(
    probability: NDArray[np.float64],
    classes: NDArray[np.int64],
    records: NDArray[np.str_],
    *,
    labels: tuple[str, ...],
    seed: int = 0,
) -> dict[str, Any]:
    """All figures with 95 % percentile intervals over resampled records.

    Args:
        probability: calibrated, shape (n, c).
        classes: true classes, shape (n,).
        records: record of each answer, shape (n,).
        labels: names of the classes.
        seed: seed of the resampling.

    Returns:
        JSON types: ``accuracy``, ``macro_f1``, ``ece`` and per class ``precision``, ``recall``, ``f1`` (each ``value``,
        ``low``, ``high``), ``beats`` and ``records`` per class, ``confusion`` (rows true, columns predicted).
    """
    counted = tally(probability, classes, records)
    size = len(counted.confusion)
    rng = np.random.default_rng(seed)
    drawn = figures(counted, rng.multinomial(size, np.full(size, 1.0 / size), RESAMPLES).astype(float))
    point = figures(counted, np.ones((1, size)))
    result: dict[str, Any] = {
        name: interval(float(point[name][0]), drawn[name]) for name in ("accuracy", "macro_f1", "ece")
    }
    result["beats"], result["records"] = len(classes), size
    result["classes"] = {}
    for position, label in enumerate(labels):
        here = counted.confusion[:, position].sum(axis=1)
        result["classes"][label] = {
            "beats": int(here.sum()),
            "records": int((here > 0).sum()),
            **{
                name: interval(float(point[name][0, position]), drawn[name][:, position])
                for name in ("precision", "recall", "f1")
            },
        }
    result["confusion"] = counted.confusion.sum(axis=0).astype(int).tolist()
    return result
