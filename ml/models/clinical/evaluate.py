"""Measures the clinical models and what they are compared with, all on the same folds: ``python -m ml evaluate clinical``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from tqdm import tqdm

from ml.clinical.features import NAMES
from ml.datasets.heart_disease import load_heart_disease
from ml.datasets.heart_failure import HeartFailure, load_heart_failure
from ml.evaluation.risk import best_levels, best_threshold, difference, level_rates, levels_of, report
from ml.models.clinical.installed import put_figures
from ml.models.clinical.members import EPOCHS, LEAST_LEAF, TREES, Bent, Forest, Settings
from ml.models.clinical.sites import leave_site_out
from ml.models.clinical.stack import (
    MODELS,
    complete,
    fit_stacks,
    folds,
    probability,
    typical_values,
)

ARTEFACT = Path(__file__).parents[2] / "clinical"
REPEATS = 10
FOREST = "clinical-rf"
HYBRID = "clinical-hybrid"
PROTOCOL = (
    "Repeated stratified 5-fold cross-validation over the 299 patients, the same folds for every model; typical values, scaling, "
    "members, stacking weights, calibration, the threshold of mcc and the bounds of the levels are fitted on the training side alone. "
    "Figures are means over the repeats, intervals 95 % by bootstrap over patients. mcc_at_half calls a death from 50 % on. That ejection "
    "fraction, creatinine and age tell nearly all was published on these same patients, and sizes of forest and networks were tried on "
    "them, so the figures are somewhat flattered."
)
COMPARED = {
    "forest_of_all_features": "random forest on all eleven features",
    "logistic_of_all_features": "logistic regression with bends on all eleven features",
    "forest_with_follow_up": "random forest on all features and time, the days of follow-up: a leak, for comparison only",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Unseen:
    """Answers to patients on the held-out side of each repeat.

    Attributes:
        risk: probability of death, shape (r, n).
        called: whether it reached the threshold chosen on the training side, shape (r, n).
        level: risk level by the bounds chosen on the training side, shape (r, n).
    """

    risk: NDArray[np.float64]
    called: NDArray[np.bool_]
    level: NDArray[np.int64]


def _empty(repeats: int, count: int) -> Unseen:
    return Unseen(
        np.zeros((repeats, count)),
        np.zeros((repeats, count), dtype=bool),
        np.zeros((repeats, count), dtype=np.int64),
    )


def cross_validated(
    data: HeartFailure, names: Iterable[str] | None = None, *, repeats: int = REPEATS, epochs: int = EPOCHS
) -> dict[str, Unseen]:
    """Out-of-fold answers of models.

    Args:
        data: all patients.
        names: models, keys of ``MODELS``; all if None.
        repeats: cross-validations, each with other folds.
        epochs: of the networks.
    """
    names = tuple(MODELS if names is None else names)
    made = {name: _empty(repeats, len(data.died)) for name in names}
    for repeat in tqdm(range(repeats), desc="clinical", disable=None):
        for inside, outside in folds(data.died, repeat):
            settings = Settings(seed=repeat, epochs=epochs)
            fitted = fit_stacks(data.values[inside], data.died[inside], names, settings=settings)
            for name, one in fitted.items():
                risk = probability(one.stack.log_odds(data.values[outside]))
                made[name].risk[repeat, outside] = risk
                seen = probability(one.unseen), data.died[inside]
                made[name].called[repeat, outside] = risk >= best_threshold(*seen)
                made[name].level[repeat, outside] = levels_of(risk, best_levels(*seen))
    return made


def compared(data: HeartFailure, *, repeats: int = REPEATS) -> dict[str, Unseen]:
    """Out-of-fold answers of the models of ``COMPARED`` on the same folds; uncalibrated, called from 50 %."""
    made = {name: _empty(repeats, len(data.died)) for name in COMPARED}
    every = tuple(range(len(NAMES)))
    for repeat in range(repeats):
        settings = Settings(seed=repeat)
        for inside, outside in folds(data.died, repeat):
            typical, died = typical_values(data.values[inside]), data.died[inside]
            rows = complete(data.values, typical)
            forest = Forest.fit(rows[inside], died, settings, every)
            bent = Bent.fit(rows[inside], died, settings, every)
            late = np.column_stack([rows, data.follow_up_days])
            leak = RandomForestClassifier(TREES, min_samples_leaf=LEAST_LEAF, random_state=repeat, n_jobs=1)
            answers = {
                "forest_of_all_features": probability(forest.log_odds(rows[outside])),
                "logistic_of_all_features": probability(bent.log_odds(rows[outside])),
                "forest_with_follow_up": leak.fit(late[inside], died).predict_proba(late[outside])[:, 1],
            }
            for name, risk in answers.items():
                made[name].risk[repeat, outside] = risk
                made[name].called[repeat, outside] = risk >= 0.5
    return made


def figures(unseen: Unseen, died: NDArray[np.int64]) -> dict[str, Any]:
    """All figures of one model."""
    return {**report(unseen.risk, unseen.called, died), "levels": level_rates(unseen.level, died)}


def evaluate(
    folder: Path, *, epochs: int = EPOCHS, target: Path | None = ARTEFACT, repeats: int = REPEATS
) -> dict[str, Any]:
    """Measure all clinical models, and put the figures into the installed contracts.

    Args:
        folder: holds ``clinical/`` with both public tables.
        epochs: of the networks.
        target: folder of ``evaluation.json``; None writes nothing. Contracts are only changed with the project's own folder.
        repeats: cross-validations.

    Returns:
        JSON types: ``protocol``, ``models``, ``compared``, ``hybrid_against``, ``leave_site_out``.

    Raises:
        DataNotFoundError: when a table is missing.
    """
    data, hospitals = load_heart_failure(folder), load_heart_disease(folder)
    answers = cross_validated(data, repeats=repeats, epochs=epochs)
    others = compared(data, repeats=repeats)
    hybrid = answers[HYBRID].risk
    measured = {
        "protocol": PROTOCOL,
        "patients": len(data.died),
        "deaths": int(data.died.sum()),
        "repeats": repeats,
        "models": {name: figures(one, data.died) for name, one in answers.items()},
        "compared": {
            name: {"what": COMPARED[name], **report(one.risk, one.called, data.died)}
            for name, one in others.items()
        },
        "hybrid_against": {
            name: difference(hybrid, one.risk, data.died) for name, one in answers.items() if name != HYBRID
        },
        "leave_site_out": leave_site_out(hospitals),
    }
    if target is not None:
        (target / "evaluation.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    if target == ARTEFACT:
        put_figures(measured)
    return measured


def lines(measured: dict[str, Any]) -> list[str]:
    """The figures for a terminal."""

    def row(name: str, found: dict[str, Any]) -> str:
        shown = "  ".join(
            f"{part} {found[part]['value']:.3f} ({found[part]['low']:.3f} to {found[part]['high']:.3f})"
            for part in ("auc", "mcc", "brier")
        )
        return f"{name:26} {shown}"

    found = [measured["protocol"]]
    found += [row(name, one) for name, one in (measured["models"] | measured["compared"]).items()]
    for name, one in measured["models"][HYBRID]["levels"]["levels"].items():
        rate = one["rate"]
        found.append(
            f"{name:10} {one['patients']:.0f} patients, died {rate['value']:.0%} ({rate['low']:.0%} to {rate['high']:.0%})"
        )
    for site, one in measured["leave_site_out"]["sites"].items():
        found.append(
            f"{site:12} AUC {one['auc_logistic']['value']:.3f} logistic, {one['auc_forest']['value']:.3f} forest"
        )
    return found
