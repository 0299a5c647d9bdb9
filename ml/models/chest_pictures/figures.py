"""Figures of the chest models on films that they have not seen, with intervals from a bootstrap over films."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.chest.measuring import LABELS, MOST_ERROR, probability_enlarged, shares_of_labels
from ml.evaluation.metrics import BINS, interval
from ml.evaluation.pages import areas, draws
from ml.models.chest_pictures.data import LIMIT
from ml.models.cxr_heart.answers import Answers

_SEED = 5
_CHANCES = 200
_BORDERS = (0.48, 0.52)
_SIZES = (0.30, 0.45, 0.50, 0.55, 0.60, 0.85)


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> dict[str, float]:
    """A mean over films with its interval; films without a value do not count."""
    kept = np.isfinite(values)
    part = weights[:, kept]
    drawn = (part @ values[kept]) / np.maximum(part.sum(axis=1), 1.0)
    return interval(float(values[kept].mean()), drawn)


def area(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Area under the ROC curve with its interval."""
    weights = _weights(len(scores))
    return interval(float(areas(scores, truth, np.ones((1, len(scores))))[0]), areas(scores, truth, weights))


def area_difference(
    one: NDArray[np.float64], other: NDArray[np.float64], truth: NDArray[np.bool_]
) -> dict[str, float]:
    """How much larger one area is than another on the same films: paired bootstrap."""
    weights, once = _weights(len(one)), np.ones((1, len(one)))
    point = float(areas(one, truth, once)[0] - areas(other, truth, once)[0])
    return interval(point, areas(one, truth, weights) - areas(other, truth, weights))


def _weights(count: int) -> NDArray[np.float64]:
    return draws(np.arange(count).astype(str), seed=_SEED)


def calibration_error(probability: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Expected calibration error of a probability of yes, in 15 bins, 0 to 1."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [
        abs(probability[bins == i].mean() - truth[bins == i].mean()) * (bins == i).mean()
        for i in np.unique(bins)
    ]
    return round(float(np.sum(gaps)), 4)


def chance_error(probability: NDArray[np.float64]) -> float:
    """What `calibration_error` comes to by chance on as few films if these probabilities were perfect: mean over drawn truths."""
    rng = np.random.default_rng(_SEED)
    drawn = rng.random((_CHANCES, len(probability))) < probability
    return round(float(np.mean([calibration_error(probability, truth) for truth in drawn])), 4)


def decisions(probability: NDArray[np.float64], truth: NDArray[np.bool_]) -> dict[str, Any]:
    """What a probability of yes is worth: area, sensitivity and specificity at one half, accuracy, calibration."""
    weights, called = _weights(len(truth)), probability >= 0.5
    right: Callable[[NDArray[np.bool_]], dict[str, float]] = lambda side: _mean(  # noqa: E731 -- three uses, one line
        np.where(side, (called == truth).astype(float), np.nan), weights
    )
    return {
        "auc": area(probability, truth),
        "sensitivity": right(truth),
        "specificity": right(~truth),
        "accuracy": right(np.ones_like(truth)),
        "ece": calibration_error(probability, truth),
        "ece_of_perfect": chance_error(probability),
    }


def _by_way(answers: Answers, true: NDArray[np.float64]) -> dict[str, float]:
    """Mean absolute error of ways to come from the variants of a film to its ratio; the last is served."""
    off = answers.variants - true[:, None]
    ways = {
        "the film alone": off[:, 0],
        "mean of the ratios of film and variants": off.mean(axis=1),
        "ratio of their mean outlines, the heart's pieces as they are": answers.apart - true,
        "ratio of their mean outlines, the heart's pieces joined": answers.ratio - true,
    }
    return {name: round(float(np.nanmean(np.abs(values))), 4) for name, values in ways.items()}


def _by_size(off: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Error of the ratio by how large the heart was drawn."""
    rows = {}
    for low, high in itertools.pairwise(_SIZES):
        here = (true >= low) & (true < high) & np.isfinite(off)
        if here.any():
            rows[f"{low:.2f} to {high:.2f}"] = {
                "films": int(here.sum()),
                "mean": round(float(off[here].mean()), 4),
                "mean_absolute": round(float(np.abs(off[here]).mean()), 4),
            }
    return rows


def heart_figures(
    answers: Answers,
    true: NDArray[np.float64],
    *,
    sigma: NDArray[np.float64],
    half_width: NDArray[np.float64],
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Figures of ``cxr-heart`` on some films, and its probability of an enlarged heart.

    Args:
        answers: to the films.
        true: drawn ratios, shape (n,).
        sigma: standard deviations of the error, from answers about other films, shape (n,).
        half_width: of the 90 % intervals, shape (n,).
    """
    weights, off = _weights(len(true)), answers.ratio - true
    found = np.isfinite(off)
    probability = np.where(
        found, probability_enlarged(np.nan_to_num(answers.ratio), np.nan_to_num(sigma, nan=1.0)), 0.5
    )
    said = found & (sigma <= MOST_ERROR)
    shares = np.array(
        [
            list(shares_of_labels(r, s).values()) if ok else [np.nan] * 3
            for r, s, ok in zip(answers.ratio, sigma, said, strict=True)
        ]
    )
    band = np.digitize(true, _BORDERS)
    label = np.where(said, np.nan_to_num(shares).argmax(axis=1), -1)
    figures = {
        "films": len(true),
        "enlarged": int((true > LIMIT).sum()),
        "ratio_mae": _mean(np.abs(off), weights),
        "ratio_bias": _mean(off, weights),
        "ratio_mae_by_way": _by_way(answers, true),
        "ratio_by_size": _by_size(off, true),
        "ratio_error_90": round(float(np.quantile(np.abs(off[found]), 0.9)), 4),
        "interval_coverage": _mean(
            np.where(found, (np.abs(off) <= half_width).astype(float), np.nan), weights
        ),
        "interval_half_width": round(float(np.mean(half_width[found])), 4),
        "heart_dice": _mean(answers.dice[:, 2], weights),
        "right_lung_dice": _mean(answers.dice[:, 0], weights),
        "left_lung_dice": _mean(answers.dice[:, 1], weights),
        "not_measured": int((~found).sum()),
        "unsure": int((found & ~said).sum()),
        **decisions(probability, true > LIMIT),
        "labels": {
            name: {
                "films": int((band == i).sum()),
                "called": {other: int(((band == i) & (label == j)).sum()) for j, other in enumerate(LABELS)},
            }
            for i, name in enumerate(LABELS)
        },
    }
    return figures, probability
