"""Figures of a classifier whose classes may hold at the same time, with 95 % intervals from a bootstrap over patients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ml.evaluation.metrics import interval

BINS = 10
RESAMPLES = 500


def auc(truth: NDArray[np.int64], scores: NDArray[np.floating]) -> float:
    """Area under the ROC curve of one class; NaN when only one side is there.

    Args:
        truth: 0 or 1, shape (n,).
        scores: shape (n,); ties count half.
    """
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[truth == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def macro_auc(truth: NDArray[np.int64], scores: NDArray[np.floating]) -> float:
    """Mean over the classes of the area under the ROC curve; shapes (n, c)."""
    return float(np.mean([auc(truth[:, i], scores[:, i]) for i in range(truth.shape[1])]))


def ece(truth: NDArray[np.int64], probability: NDArray[np.floating]) -> float:
    """Expected calibration error of one class in ten bins of probability; shapes (n,)."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=probability - truth, minlength=BINS)
    return float(np.abs(gaps).sum() / len(truth))


def _figures(
    truth: NDArray[np.int64], probability: NDArray[np.float64], called: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Figures per class, shape (c,) each."""
    hits = (called & (truth == 1)).sum(axis=0)
    classes = range(truth.shape[1])
    return {
        "auc": np.array([auc(truth[:, i], probability[:, i]) for i in classes]),
        "precision": hits / np.maximum(called.sum(axis=0), 1),
        "recall": hits / np.maximum(truth.sum(axis=0), 1),
        "f1": 2.0 * hits / np.maximum(called.sum(axis=0) + truth.sum(axis=0), 1),
        "ece": np.array([ece(truth[:, i], probability[:, i]) for i in classes]),
    }


def report(
    probability: NDArray[np.float64],
    truth: NDArray[np.int64],
    patients: NDArray[np.str_],
    *,
    labels: tuple[str, ...],
    suspected_from: NDArray[np.floating],
    threshold: float,
    least: NDArray[np.floating],
    seed: int = 0,
) -> dict[str, Any]:
    """All figures with 95 % percentile intervals over resampled patients.

    Args:
        probability: calibrated, shape (n, c).
        truth: 0 or 1, shape (n, c).
        patients: shape (n,).
        labels: names of the classes.
        suspected_from: probability from which each class counts as called, shape (c,).
        threshold: probability of the most probable class below which the model abstains.
        least: least probability to be in the prediction set, shape (c,).
        seed: seed of the resampling.

    Returns:
        JSON types: ``macro_auc``, ``macro_f1``, ``ece`` (mean over the classes), ``accuracy`` (most probable class is a true one),
        per class ``auc``, ``precision``, ``recall``, ``f1``, ``ece``; ``called_with`` (rows true, columns called, counts),
        ``abstention`` and ``prediction_sets``.
    """
    called = probability >= suspected_from
    right = truth[np.arange(len(truth)), probability.argmax(axis=1)] == 1
    names, inverse = np.unique(patients, return_inverse=True)
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])
        drawn.append(
            _figures(truth[rows], probability[rows], called[rows]) | {"accuracy": right[rows].mean()}
        )
    point = _figures(truth, probability, called)
    spread = {name: np.array([row[name] for row in drawn]) for name in drawn[0]}
    # A resample repeats recordings, which raises its calibration error: only the spread is taken from them.
    spread["ece"] = np.maximum(spread["ece"] - spread["ece"].mean(axis=0) + point["ece"], 0.0)
    result: dict[str, Any] = {
        f"macro_{name}" if name != "ece" else name: interval(
            float(point[name].mean()), spread[name].mean(axis=1)
        )
        for name in ("auc", "f1", "ece")
    }
    result["accuracy"] = interval(float(right.mean()), spread["accuracy"])
    result["recordings"], result["patients"] = len(truth), len(names)
    result["classes"] = {
        label: {
            "recordings": int(truth[:, i].sum()),
            **{name: interval(float(point[name][i]), spread[name][:, i]) for name in point},
        }
        for i, label in enumerate(labels)
    }
    result["called_with"] = (truth.T @ called).astype(int).tolist()
    sure = probability.max(axis=1) >= threshold
    result["abstention"] = {
        "answered": round(float(sure.mean()), 4),
        "right_of_answered": round(float(right[sure].mean()), 4) if sure.any() else None,
    }
    inside = probability >= least
    result["prediction_sets"] = {
        "coverage": {
            label: round(float(inside[truth[:, i] == 1, i].mean()), 4) for i, label in enumerate(labels)
        },
        "mean_size": round(float(inside.sum(axis=1).mean()), 3),
    }
    return result
