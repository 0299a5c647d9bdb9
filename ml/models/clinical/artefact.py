"""Training and the artefact of one clinical model: graph, contract and card."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ml.clinical.features import FEATURES, NAMES
from ml.datasets.heart_failure import HeartFailure, load_heart_failure
from ml.evaluation.risk import best_levels
from ml.models.clinical.evaluate import PROTOCOL, cross_validated, figures
from ml.models.clinical.members import TELLING, Settings
from ml.models.clinical.networks import Network
from ml.models.clinical.stack import INNER_FOLDS, MODELS, Fitted, fit_stacks, probability
from ml.preprocessing.clinical_record import VERSION
from ml.registry import file_sha256
from ml.training.calibration import abstention_threshold, conformal_minimum
from ml.training.card import write_contract

RELEASE = "1.0.0"
LABELS = ("survival", "death")
SEED = 7
ALPHA = 0.1
WANTED_ACCURACY = 0.85
LEAST_COVERAGE = 0.6
# With more values missing than this, besides the telling ones, a typical patient would be answered instead of this one.
MOST_MISSING = 4
KERAS_FILES = {"residual": "residual.keras", "normalised": "normalised.keras"}
LIMITS = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device.",
    "Learnt from 299 patients of two hospitals in Faisalabad, 2015, aged 40 to 95, with systolic dysfunction and NYHA class III or IV.",
    "The risk is of death during a follow-up of 4 to 285 days (median 115), not of one fixed time; who was lost is counted as alive.",
    "Days of follow-up (time) are no input: who dies early is followed briefly, so they tell the outcome. The figures say what they add.",
    "Missing values are replaced by typical ones, which draws the answer to the middle.",
    "Contributions compare with a typical patient of the data; they describe the model and are no causes.",
)
_TASKS = {
    "clinical-rf": "Risk of death in heart failure by a random forest on ejection fraction, creatinine and age.",
    "clinical-logistic": "Risk of death in heart failure by a logistic regression on ejection fraction, creatinine and age.",
    "clinical-cnn-residual": "Risk of death in heart failure by a 1-D residual network over all features of the record.",
    "clinical-cnn-bn": "Risk of death in heart failure by a 1-D network with batch normalisation over all features of the record.",
    "clinical-hybrid": "Risk of death in heart failure by stacking forest, logistic regression and both 1-D networks.",
}


def _input(stack_typical: list[float]) -> dict[str, Any]:
    return {
        "kind": "clinical",
        "shape": [len(NAMES)],
        "range": [0, 3_000_000],
        "description": (
            "Eleven facts of a heart-failure record in the units of ml.clinical.features, NaN where not known; typical values, logarithms "
            "and scaling are inside the model."
        ),
        "features": {
            feature.name: feature.unit or f"1 {feature.yes}, 0 {feature.no}" for feature in FEATURES
        },
        "typical": dict(zip(NAMES, stack_typical, strict=True)),
        "ages": [40, 95],
        "needed": list(TELLING),
        "most_missing": MOST_MISSING,
    }


def _contract(
    name: str, fitted: Fitted, data: HeartFailure, settings: Settings, folder: Path
) -> dict[str, Any]:
    """The contract of a freshly fitted model, without figures."""
    death = probability(fitted.unseen)
    shares = np.stack([1.0 - death, death], axis=1)
    least = conformal_minimum(shares, data.died, alpha=ALPHA)
    threshold = abstention_threshold(
        shares, data.died, accuracy=WANTED_ACCURACY, least_coverage=LEAST_COVERAGE
    )
    stack = fitted.stack
    return {
        "name": name,
        "version": RELEASE,
        "task": _TASKS[name],
        "labels": list(LABELS),
        "input": _input([round(float(value), 4) for value in stack.typical]),
        "preprocessing_version": VERSION,
        "temperature": 1.0,
        "conformal": {
            "alpha": ALPHA,
            "min_probability": {
                label: round(float(one), 6) for label, one in zip(LABELS, least, strict=True)
            },
            "notes": {},
        },
        "abstention_threshold": round(threshold, 4),
        "gate": {},
        "levels": dict(zip(("low_below", "high_from"), best_levels(death, data.died), strict=True)),
        "training": {
            "data": {
                "heart_failure": "Heart failure clinical records, UCI 519, CC BY 4.0: 299 patients, 96 deaths (Chicco and Jurman 2020)"
            },
            "patients": len(data.died),
            "deaths": int(data.died.sum()),
            "calibration_protocol": (
                f"Weights of the members, calibration, prediction sets, levels and abstention come from {INNER_FOLDS}-fold answers to "
                "patients that the members had not seen. The shipped members learnt from all patients; no patient is left to test them "
                "on, so the figures are those of the repeated cross-validation."
            ),
            "members": {
                member: round(float(weight), 4)
                for member, weight in zip(MODELS[name], stack.weights, strict=True)
            },
            "bias": stack.bias,
            "scaling": _scaling(fitted),
            "settings": dataclasses.asdict(settings),
        },
        "metrics": {},
        "sanity": {},
        "limits": list(LIMITS),
        "sha256": {
            path.name: file_sha256(path)
            for path in sorted(folder.glob("*.onnx")) + sorted(folder.glob("*.keras"))
        },
    }


def _scaling(fitted: Fitted) -> dict[str, list[float]]:
    """Mean and spread of every scaled column; the networks of a model share them. Empty without networks."""
    for member in fitted.stack.members:
        if isinstance(member, Network):
            return {
                "mean": [float(value) for value in member.scaling.mean],
                "spread": [float(value) for value in member.scaling.spread],
            }
    return {}


def _save_networks(name: str, fitted: Fitted, folder: Path) -> None:
    """The networks as Keras files, for parity tests and retraining."""
    for member, one in zip(MODELS[name], fitted.stack.members, strict=True):
        if isinstance(one, Network):
            one.model.save(folder / KERAS_FILES[member])


def train_model(name: str, folder: Path, *, epochs: int, target: Path) -> dict[str, Any]:
    """Fit a model to all patients and write its artefact.

    Args:
        name: key of ``MODELS``.
        folder: holds ``clinical/`` with the public table.
        epochs: of the networks.
        target: folder of the artefact.

    Returns:
        The contract, as written to ``model.json``; its figures are of one cross-validation until ``evaluate`` puts in those of ten.

    Raises:
        DataNotFoundError: when the table is missing.
    """
    from ml.models.clinical.export import export_stack

    data, settings = load_heart_failure(folder), Settings(seed=SEED, epochs=epochs)
    fitted = fit_stacks(data.values, data.died, [name], settings=settings)[name]
    target.mkdir(parents=True, exist_ok=True)
    export_stack(fitted.stack, target / "model.onnx")
    _save_networks(name, fitted, target)
    contract = _contract(name, fitted, data, settings, target)
    unseen = cross_validated(data, [name], repeats=1, epochs=epochs)[name]
    contract["metrics"] = {
        "cross_validation": {"protocol": PROTOCOL, "repeats": 1, **figures(unseen, data.died)}
    }
    write_contract(target, contract)
    return contract
