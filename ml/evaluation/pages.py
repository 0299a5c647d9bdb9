"""Figures of models of whole pages: repeated grouped cross-validation, with intervals from a bootstrap over groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import figures, interval, tally

RESAMPLES = 1000


def areas(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Areas under the ROC curve of weighted examples; 0.5 where one side is empty.

    Args:
        scores: shape (n,).
        truth: shape (n,).
        weights: how often each example counts in each resample, shape (resamples, n).

    Returns:
        Shape (resamples,).
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])  # equal scores count together
    here, others = (
        np.add.reduceat(weights[:, order] * side[order], starts, axis=1) for side in (truth, ~truth)
    )
    total = here.sum(axis=1) * others.sum(axis=1)
    below = np.cumsum(others, axis=1) - others
    won = (here * (below + 0.5 * others)).sum(axis=1)
    return np.divide(won, total, out=np.full(len(weights), 0.5), where=total > 0)


def auc(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; 0.5 where one side is empty."""
    return float(areas(scores, truth, np.ones((1, len(scores))))[0])


def areas_by_class(
    probability: NDArray[np.float64], classes: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One-against-the-rest areas, shape (resamples, c)."""
    return np.stack(
        [areas(probability[:, c], classes == c, weights) for c in range(probability.shape[1])], axis=1
    )


def draws(groups: NDArray[np.str_], *, seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """How often each group is drawn in each resample, shape (resamples, groups), groups ascending."""
    size = len(np.unique(groups))
    rng = np.random.default_rng(seed)
    return rng.multinomial(size, np.full(size, 1.0 / size), resamples).astype(float)


def page_report(
    probability: NDArray[np.float64],
    classes: NDArray[np.int64],
    groups: NDArray[np.str_],
    *,
    labels: tuple[str, ...],
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of answers with 95 % percentile intervals over resampled groups.

    Args:
        probability: calibrated, shape (n, c).
        classes: shape (n,).
        groups: device of each page, shape (n,).
        labels: names of the classes.
        seed: seed of the resampling.

    Returns:
        JSON types: ``accuracy``, ``macro_f1``, ``macro_auc``, ``ece``, per class ``auc``, ``precision``, ``recall``, ``f1`` (each
        ``value``, ``low``, ``high``), ``pages`` and ``groups``; ``confusion`` (rows true, columns predicted).
    """
    counted = tally(probability, classes, groups)
    drawn_groups = draws(groups, seed=seed)
    drawn, point = figures(counted, drawn_groups), figures(counted, np.ones((1, drawn_groups.shape[1])))
    _, row = np.unique(groups, return_inverse=True)
    resampled = areas_by_class(probability, classes, drawn_groups[:, row])
    area = areas_by_class(probability, classes, np.ones((1, len(classes))))[0]
    result: dict[str, Any] = {
        name: interval(float(point[name][0]), drawn[name]) for name in ("accuracy", "macro_f1", "ece")
    }
    result["macro_auc"] = interval(float(area.mean()), resampled.mean(axis=1))
    result["pages"], result["groups"], result["classes"] = len(classes), drawn_groups.shape[1], {}
    for position, label in enumerate(labels):
        here = counted.confusion[:, position].sum(axis=1)
        result["classes"][label] = {
            "pages": int(here.sum()),
            "groups": int((here > 0).sum()),
            "auc": interval(float(area[position]), resampled[:, position]),
            **{
                name: interval(float(point[name][0, position]), drawn[name][:, position])
                for name in ("precision", "recall", "f1")
            },
        }
    result["confusion"] = counted.confusion.sum(axis=0).astype(int).tolist()
    return result


def sets_report(
    in_set: NDArray[np.bool_], classes: NDArray[np.int64], *, labels: tuple[str, ...], alpha: float
) -> dict[str, Any]:
    """How often prediction sets hold the true class, and how large they are."""
    hit = in_set[np.arange(len(classes)), classes]
    return {
        "wanted": 1.0 - alpha,
        "coverage": round(float(hit.mean()), 4),
        "mean_size": round(float(in_set.sum(axis=1).mean()), 3),
        "coverage_by_class": {
            label: round(float(hit[classes == i].mean()), 4)
            for i, label in enumerate(labels)
            if (classes == i).any()
        },
    }


def abstention_report(
    accepted: NDArray[np.bool_], probability: NDArray[np.float64], classes: NDArray[np.int64]
) -> dict[str, float]:
    """Part of the answers that are accepted, and how many of these are right."""
    right = probability.argmax(axis=1) == classes
    return {
        "accepted": round(float(accepted.mean()), 4),
        "accuracy_of_accepted": round(float(right[accepted].mean()), 4) if accepted.any() else 0.0,
        "accuracy_of_all": round(float(right.mean()), 4),
    }


def difference(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    classes: NDArray[np.int64],
    groups: NDArray[np.str_],
    *,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """How much better one model is than another on the same pages: paired bootstrap over groups.

    Returns:
        ``macro_f1`` and ``macro_auc``: ``value``, ``low`` and ``high`` of the difference.
    """
    drawn_groups = draws(groups, seed=seed)
    _, row = np.unique(groups, return_inverse=True)
    once = np.ones((1, drawn_groups.shape[1]))
    f1, area = [], []
    for probability in (one, other):
        counted = tally(probability, classes, groups)
        f1.append((figures(counted, once)["macro_f1"][0], figures(counted, drawn_groups)["macro_f1"]))
        point = areas_by_class(probability, classes, np.ones((1, len(classes)))).mean()
        area.append((point, areas_by_class(probability, classes, drawn_groups[:, row]).mean(axis=1)))
    return {
        name: interval(float(pair[0][0] - pair[1][0]), pair[0][1] - pair[1][1])
        for name, pair in (("macro_f1", f1), ("macro_auc", area))
    }
