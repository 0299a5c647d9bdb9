"""Figures of beat classifiers after ANSI/AAMI EC57: its classes, gross and per record, with intervals over records."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import RESAMPLES, Tally, figures, interval, report, tally
from ml.recordings.ec57 import CLASSES, classes_of, to_ec57

# de Chazal and others, IEEE Trans Biomed Eng 51 (2004): the usual split of MIT-BIH by record, paced records left out.
_DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
_DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
DS1 = tuple(f"mitdb/{name}" for name in _DS1.split())
DS2 = tuple(f"mitdb/{name}" for name in _DS2.split())


def kappa(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cohen's kappa of confusions (..., c, c)."""
    total = confusion.sum(axis=(-2, -1))
    seen = np.diagonal(confusion, axis1=-2, axis2=-1).sum(axis=-1) / total
    chance = (confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1) / total**2
    agreement: NDArray[np.float64] = (seen - chance) / (1.0 - chance)
    return agreement


def j_kappa(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """The j-kappa index of Mar and others 2011: half kappa, half the mean of Se and +P of S and V; (..., 4, 4)."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)[..., 1:3]
    true, said = confusion.sum(axis=-1)[..., 1:3], confusion.sum(axis=-2)[..., 1:3]
    j = (hits / np.maximum(true, 1.0) + hits / np.maximum(said, 1.0)).sum(axis=-1)
    return kappa(confusion) / 2.0 + j / 8.0


def _derived(counted: Tally, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Figures beside those of ``ml.evaluation.metrics``, one per resample."""
    confusion = np.tensordot(weights, counted.confusion, axes=(1, 0))
    return {
        "macro_f1_nsv": figures(counted, weights)["f1"][:, :3].mean(axis=1),
        "kappa": kappa(confusion),
        "j_kappa": j_kappa(confusion),
    }


def _per_record(counted: Tally, names: NDArray[np.str_]) -> list[dict[str, Any]]:
    """Se, +P and F1 of S and V of each record; None where the record has no such beat, true or called."""
    rows = []
    for name, confusion in zip(names, counted.confusion, strict=True):
        row: dict[str, Any] = {"record": str(name), "beats": int(confusion.sum())}
        for place in (1, 2):
            hit, true, said = confusion[place, place], confusion[place].sum(), confusion[:, place].sum()
            row[CLASSES[place]] = {
                "beats": int(true),
                "se": round(float(hit / true), 4) if true else None,
                "ppv": round(float(hit / said), 4) if said else None,
                "f1": round(float(2 * hit / (true + said)), 4) if true + said else None,
            }
        rows.append(row)
    return rows


def ec57_report(
    shares: NDArray[np.floating],
    positions: NDArray[np.int64],
    records: NDArray[np.str_],
    *,
    labels: tuple[str, ...],
    seed: int = 0,
) -> dict[str, Any]:
    """Gross figures of N, S, V and F with 95 % intervals over records, and Se, +P and F1 of S and V per record.

    Args:
        shares: calibrated probabilities of the model's labels, shape (n, c).
        positions: true classes, positions in ``labels``, shape (n,).
        records: record of each beat, shape (n,).
        labels: the model's classes.
        seed: seed of the resampling.

    Returns:
        What ``ml.evaluation.metrics.report`` gives for the four classes (recall is Se, precision is +P, macro F1 is over
        all four), and ``macro_f1_nsv`` (mean F1 of N, S and V; fusion beats still count where they were called one of
        these), ``kappa``, ``j_kappa`` and ``per_record``.
    """
    four, truth = to_ec57(shares, labels), classes_of(positions, labels)
    counted = tally(four, truth, records)
    size = len(counted.confusion)
    rng = np.random.default_rng(seed)
    drawn = _derived(counted, rng.multinomial(size, np.full(size, 1.0 / size), RESAMPLES).astype(float))
    point = _derived(counted, np.ones((1, size)))
    return {
        **report(four, truth, records, labels=CLASSES, seed=seed),
        **{name: interval(float(point[name][0]), drawn[name]) for name in point},
        "per_record": _per_record(counted, np.unique(records)),
    }
