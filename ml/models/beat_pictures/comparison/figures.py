"""Figures of several classifiers on the same beats, all with one bootstrap over people, so that differences are paired."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import BINS, RESAMPLES, figures, interval, tally

ROC_POINTS = 60
MACRO = ("precision", "recall", "f1")


def resamples(people: NDArray[np.str_], *, seed: int = 0) -> NDArray[np.float64]:
    """How often each person is drawn in each resample, after one row of ones: shape (1 + 1000, people in sorted order)."""
    size = len(np.unique(people))
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1.0 / size), RESAMPLES)
    return np.concatenate([np.ones((1, size)), drawn])


def with_interval(values: NDArray[np.float64]) -> dict[str, float]:
    """A figure of all people, the first of the values, with the 95 % interval of its resamples, the rest."""
    defined = values[1:][~np.isnan(values[1:])]
    return interval(float(values[0]), defined if len(defined) else values[:1])


def auc(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area under the ROC curve with weights; ties count half.

    Args:
        scores: shape (n,).
        positive: which belong to the class, shape (n,).
        weights: weight of each, shape (resamples, n).

    Returns:
        Shape (resamples,); NaN where a resample lacks one side.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    ordered = weights[:, order]
    with_class = np.add.reduceat(ordered * positive[order], starts, axis=1)
    without = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    below = np.cumsum(without, axis=1) - without
    pairs = with_class.sum(axis=1) * without.sum(axis=1)
    won = (with_class * (below + without / 2.0)).sum(axis=1)
    return np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def roc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> list[list[float]]:
    """ROC curve as at most 60 points (false positive rate, true positive rate), from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(scores[order]) < 0, True])
    right, wrong = np.cumsum(positive[order])[ends], np.cumsum(~positive[order])[ends]
    x, y = np.r_[0, wrong] / max(1, wrong[-1]), np.r_[0, right] / max(1, right[-1])
    # Along the curve, not along one axis: a steep curve would lose its rise.
    along = np.r_[0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]
    kept = np.unique(np.searchsorted(along, np.linspace(0.0, along[-1], ROC_POINTS)).clip(0, len(x) - 1))
    return [[round(float(x[i]), 4), round(float(y[i]), 4)] for i in kept]


def macro(found: dict[str, NDArray[np.float64]], occurs: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Accuracy, ECE and macro figures of every resample; macro figures are over the classes of all people."""
    means = {name: found[name][:, occurs].mean(axis=1) for name in MACRO}
    return {"accuracy": found["accuracy"], **means, "ece": found["ece"]}


def measure(
    probability: NDArray[np.float64],
    classes: NDArray[np.int64],
    people: NDArray[np.str_],
    *,
    labels: tuple[str, ...],
    weights: NDArray[np.float64],
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """All figures of one model.

    Args:
        probability: calibrated, shape (n, c).
        classes: true classes, shape (n,).
        people: whose beat each is, shape (n,).
        labels: names of the classes.
        weights: see `resamples`.

    Returns:
        JSON types (``figures``, ``classes``, ``confusion``, ``roc``, ``reliability``), and accuracy and macro F1 of every
        resample, for differences.
    """
    counted = tally(probability, classes, people)
    found = figures(counted, weights)
    occurs = np.bincount(classes, minlength=len(labels)) > 0
    per_beat = weights[:, np.unique(people, return_inverse=True)[1]]
    areas = np.stack([auc(probability[:, i], classes == i, per_beat) for i in range(len(labels))], axis=1)
    whole = macro(found, occurs)
    everyone = counted.confusion.sum(axis=0)
    rows = {
        label: {
            **{name: with_interval(found[name][:, i]) for name in MACRO},
            "auc": with_interval(areas[:, i]),
            "beats": int(everyone[i].sum()),
            "records": int((counted.confusion[:, i].sum(axis=1) > 0).sum()),
        }
        for i, label in enumerate(labels)
        if occurs[i]
    }
    order = ("accuracy", *MACRO, "auc", "ece")
    named = {**whole, "auc": np.nanmean(areas[:, occurs], axis=1)}
    return {
        "figures": {name: with_interval(named[name]) for name in order},
        "classes": rows,
        "confusion": everyone.astype(int).tolist(),
        "roc": {label: roc(probability[:, i], classes == i) for i, label in enumerate(labels) if occurs[i]},
        "reliability": _reliability(counted.bin_count, counted.bin_right, counted.bin_confidence),
    }, {"f1": whole["f1"], "accuracy": whole["accuracy"]}


def _reliability(*parts: NDArray[np.float64]) -> list[dict[str, float]]:
    """Mean confidence and accuracy of each bin of confidence that holds answers."""
    counts, right, confidence = (part.sum(axis=0) for part in parts)
    return [
        {
            "confidence": round(float(confidence[i] / counts[i]), 4),
            "accuracy": round(float(right[i] / counts[i]), 4),
            "count": int(counts[i]),
        }
        for i in range(BINS)
        if counts[i]
    ]


def macro_f1(
    probability: NDArray[np.float64],
    classes: NDArray[np.int64],
    people: NDArray[np.str_],
    weights: NDArray[np.float64],
) -> dict[str, float]:
    """Macro F1 with its interval: what `measure` gives, alone."""
    found = figures(tally(probability, classes, people), weights)
    occurs = np.bincount(classes, minlength=probability.shape[1]) > 0
    return with_interval(macro(found, occurs)["f1"])


def differences(
    drawn: dict[str, dict[str, NDArray[np.float64]]], pairs: tuple[tuple[str, str], ...]
) -> list[dict[str, Any]]:
    """Figure of one model less that of another, resample by resample.

    Args:
        drawn: by model, what `measure` gives second.
        pairs: names of the models.
    """
    return [
        {"a": a, "b": b, "figure": figure, **with_interval(drawn[a][figure] - drawn[b][figure])}
        for a, b in pairs
        for figure in ("f1", "accuracy")
    ]
