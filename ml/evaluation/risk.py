"""Figures of a predicted risk over repeated cross-validations, with 95 % intervals from a bootstrap over patients."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ml.evaluation.metrics import interval

RESAMPLES = 1000
BINS = 10
LEVELS = ("Low", "Moderate", "High")


def auc(risk: NDArray[np.float64], died: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area under the ROC curve of each repeat (Mann and Whitney); ties count half.

    Args:
        risk: shape (r, n).
        died: shape (n,), with both outcomes.

    Returns:
        Shape (r,), 0 to 1.
    """
    ranks = rankdata(risk, axis=1)
    deaths = int(died.sum())
    above = ranks[:, died == 1].sum(axis=1) - deaths * (deaths + 1) / 2.0
    areas: NDArray[np.float64] = above / (deaths * (len(died) - deaths))
    return areas


def _counted(called: NDArray[np.bool_], died: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """True and false positives, false and true negatives of each repeat."""
    dead = died == 1
    found = (called & dead, called & ~dead, ~called & dead, ~called & ~dead)
    tp, fp, fn, tn = (one.sum(axis=1).astype(np.float64) for one in found)
    return tp, fp, fn, tn


def mcc(called: NDArray[np.bool_], died: NDArray[np.int64]) -> NDArray[np.float64]:
    """Matthews' correlation of each repeat, shape (r,); 0 where only one answer was given. ``called`` has shape (r, n)."""
    tp, fp, fn, tn = _counted(called, died)
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.where(product > 0, (tp * tn - fp * fn) / np.sqrt(np.maximum(product, 1.0)), 0.0)


def calibration_error(risk: NDArray[np.float64], died: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean distance between predicted and observed rate in tenths of the patients by risk, shape (r,)."""
    order = np.argsort(risk, axis=1)
    parts = zip(
        np.array_split(np.take_along_axis(risk, order, axis=1), BINS, axis=1),
        np.array_split(died[order], BINS, axis=1),
        strict=True,
    )
    gaps = [np.abs(said.mean(axis=1) - seen.mean(axis=1)) * said.shape[1] for said, seen in parts]
    errors: NDArray[np.float64] = np.sum(gaps, axis=0) / risk.shape[1]
    return errors


def best_threshold(risk: NDArray[np.float64], died: NDArray[np.int64]) -> float:
    """The risk, from 0.2 to 0.6, from which calling a death gives the highest correlation, for rows of the training side (n,)."""
    steps = np.linspace(0.2, 0.6, 41)
    scores = mcc(risk[None] >= steps[:, None], died)
    # The middle of the best: a single best step is luck.
    return float(np.median(steps[scores >= scores.max() - 0.01]))


def point_figures(
    risk: NDArray[np.float64], called: NDArray[np.bool_], died: NDArray[np.int64]
) -> dict[str, float]:
    """Figures averaged over repeats.

    Args:
        risk: probability of death by a model that had not seen the patient, shape (r, n).
        called: whether the risk reached the threshold chosen on the training side, shape (r, n).
        died: shape (n,).
    """
    half = risk >= 0.5
    tp, fp, fn, tn = _counted(half, died)
    f1 = (2 * tp / np.maximum(2 * tp + fp + fn, 1) + 2 * tn / np.maximum(2 * tn + fp + fn, 1)) / 2
    parts = {
        "auc": auc(risk, died),
        "mcc": mcc(called, died),
        "mcc_at_half": mcc(half, died),
        "brier": ((risk - died) ** 2).mean(axis=1),
        "ece": calibration_error(risk, died),
        "accuracy": (tp + tn) / len(died),
        "macro_f1": f1,
    }
    return {name: float(values.mean()) for name, values in parts.items()}


def resamples(died: NDArray[np.int64], seed: int = 0) -> list[NDArray[np.int64]]:
    """Positions of resampled patients, each with both outcomes."""
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, len(died), len(died)) for _ in range(RESAMPLES))
    return [chosen for chosen in drawn if 0 < died[chosen].sum() < len(died)]


def report(
    risk: NDArray[np.float64], called: NDArray[np.bool_], died: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """Every figure of ``point_figures`` as ``value``, ``low`` and ``high``."""
    point = point_figures(risk, called, died)
    drawn = [point_figures(risk[:, chosen], called[:, chosen], died[chosen]) for chosen in resamples(died)]
    return {name: interval(value, np.array([one[name] for one in drawn])) for name, value in point.items()}


def difference(
    risk: NDArray[np.float64], other: NDArray[np.float64], died: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """How much better the first model is on the same patients: AUC, and Brier score (below 0 is better)."""

    def point(chosen: NDArray[np.int64]) -> tuple[float, float]:
        one, two, truth = risk[:, chosen], other[:, chosen], died[chosen]
        areas = float((auc(one, truth) - auc(two, truth)).mean())
        return areas, float(((one - truth) ** 2 - (two - truth) ** 2).mean())

    whole = point(np.arange(len(died)))
    drawn = np.array([point(chosen) for chosen in resamples(died)])
    return {name: interval(whole[i], drawn[:, i]) for i, name in enumerate(("auc", "brier"))}


def wilson(events: float, count: float) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927); 0 to 1 where nobody is counted."""
    if count <= 0:
        return 0.0, 1.0
    z = 1.959964
    rate, spread = events / count, z * z / count
    middle = (rate + spread / 2.0) / (1.0 + spread)
    half = math.sqrt(rate * (1.0 - rate) * spread + spread * spread / 4.0) / (1.0 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def levels_of(risk: NDArray[np.float64], bounds: tuple[float, float]) -> NDArray[np.int64]:
    """Position in ``LEVELS`` of each risk: Low below the first bound, High from the second on."""
    return (risk >= bounds[0]).astype(np.int64) + (risk >= bounds[1])


def _spans(level: NDArray[np.int64], died: NDArray[np.int64]) -> list[tuple[float, float]]:
    """Interval of the observed rate of each level, of patients (n,)."""
    return [wilson(float(died[level == i].sum()), float((level == i).sum())) for i in range(len(LEVELS))]


def best_levels(risk: NDArray[np.float64], died: NDArray[np.int64]) -> tuple[float, float]:
    """Bounds of the levels at which their observed rates lie furthest apart, for rows of the training side.

    Args:
        risk: probability of death by a model that had not seen the patient, shape (n,).
        died: shape (n,).

    Returns:
        Below which the level is Low (0.10 to 0.30), and from which it is High (0.40 to 0.70).
    """

    def gap(bounds: tuple[float, float]) -> float:
        spans = _spans(levels_of(risk, bounds), died)
        return min(above[0] - below[1] for below, above in itertools.pairwise(spans))

    lows, highs = (0.1, 0.15, 0.2, 0.25, 0.3), (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
    return max(itertools.product(lows, highs), key=gap)


def level_rates(level: NDArray[np.int64], died: NDArray[np.int64]) -> dict[str, Any]:
    """Observed deaths per risk level.

    Args:
        level: position in ``LEVELS``, by models and bounds that had not seen the patient, shape (r, n).
        died: shape (n,).

    Returns:
        ``levels``: patients and deaths of a repeat (mean), observed ``rate`` with the Wilson interval of those counts;
        ``repeats_apart``: in how many of ``repeats`` the three intervals do not overlap.
    """
    apart = 0
    for one in level:
        apart += all(below[1] < above[0] for below, above in itertools.pairwise(_spans(one, died)))
    levels = {}
    for i, name in enumerate(LEVELS):
        patients = float((level == i).sum(axis=1).mean())
        deaths = float(((level == i) & (died == 1)).sum(axis=1).mean())
        low, high = wilson(deaths, patients)
        rate = {"value": round(deaths / max(patients, 1e-9), 4), "low": round(low, 4), "high": round(high, 4)}
        levels[name] = {"patients": round(patients, 1), "deaths": round(deaths, 1), "rate": rate}
    return {"levels": levels, "repeats": len(level), "repeats_apart": apart}
