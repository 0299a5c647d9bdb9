"""Measures ``beat-cnn``: cross-validation grouped by record, with every setting fitted inside its training part."""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import LABELS, Beats, joined
from ml.evaluation.metrics import report
from ml.models.beat_cnn import network
from ml.models.beat_cnn.train import ARTEFACT, EPOCHS, SEED, VARIANTS
from ml.models.beat_pictures import data
from ml.models.beat_pictures.calibrate import Calibration, calibrate
from ml.models.beat_pictures.fitting import Examples, Schedule, fit, logits_of
from ml.training.calibration import probabilities
from ml.training.card import write_contract
from ml.training.splits import folds, patients_of

FOLDS = 5
_INNER_FOLDS = 8
PROTOCOL = (
    "Record-grouped 5-fold cross-validation, pooled out-of-fold, every labelled beat of MIT-BIH (lead MLII, without the "
    "paced records; 201 and 202 kept together) and every VF and normal window of vfdb (both leads). PTB-XL folds to 8 are "
    "always on the training side; early stopping and calibration use fold 9 and records inside the training part."
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OutOfFold:
    """Answers of networks that had not seen the record.

    Attributes:
        probability: of every annotated beat, calibrated, shape (n, 6).
        in_set: which classes the prediction set of each beat holds, shape (n, 6).
        accepted: whether the confidence reached the fold's threshold, shape (n,).
        control: of every tachycardia window, shape (m, 6).
        people: of every PTB-XL test beat, mean over folds, shape (k, 6).
    """

    probability: NDArray[np.float64]
    in_set: NDArray[np.bool_]
    accepted: NDArray[np.bool_]
    control: NDArray[np.float64]
    people: NDArray[np.float64]


def cross_validate(sources: data.Sources, *, epochs: int, variants: int) -> OutOfFold:
    """Train once per fold and let each network answer for the records it has not seen.

    Args:
        sources: the data.
        epochs: most epochs per fold.
        variants: augmented pictures per training beat.
    """
    everything = sources.annotated
    core = everything.capped(data.TRAINING_CAPS, np.random.default_rng(SEED))
    pool = joined([core, sources.people_training, sources.people_validation])
    drawn = data.examples(pool, variants=variants, seed=SEED)
    shown, control, people = (
        data.pictures(b) for b in (everything, sources.tachycardia, sources.people_test)
    )
    count, few = len(LABELS), len(everything)
    found = OutOfFold(
        probability=np.zeros((few, count)),
        in_set=np.zeros((few, count), dtype=bool),
        accepted=np.zeros(few, dtype=bool),
        control=np.zeros((len(control), count)),
        people=np.zeros((len(people), count)),
    )
    for fold, (inside, outside) in enumerate(folds(core.labels, core.records, count=FOLDS, seed=SEED)):
        started = time.monotonic()
        seen = core.of_records(inside)
        learnt, stopped = next(folds(seen.labels, seen.records, count=_INNER_FOLDS, seed=SEED + fold))
        train_mask = np.isin(pool.records, sorted(learnt | set(sources.people_training.records.tolist())))
        stop_mask = np.isin(pool.records, sorted(stopped | set(sources.people_validation.records.tolist())))
        model, settled = _one_fold(drawn, pool, train_mask, stop_mask, epochs=epochs, seed=SEED + fold)
        here = np.isin(everything.records, sorted(outside))
        share = probabilities(logits_of(model, shown[here]), settled.temperature)
        found.probability[here] = share
        found.in_set[here] = (share >= settled.least) | (share == share.max(axis=1, keepdims=True))
        found.accepted[here] = share.max(axis=1) >= settled.threshold
        there = np.isin(sources.tachycardia.records, sorted(outside))
        if there.any():
            found.control[there] = probabilities(logits_of(model, control[there]), settled.temperature)
        found.people[:] += probabilities(logits_of(model, people), settled.temperature) / FOLDS
        right = float((share.argmax(axis=1) == data.positions(everything.labels[here])).mean())
        print(
            f"fold {fold + 1}/{FOLDS}: {len(outside)} records held out, accuracy {right:.3f}, "
            f"{time.monotonic() - started:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return found


def _one_fold(
    drawn: Examples,
    pool: Beats,
    train_mask: NDArray[np.bool_],
    stop_mask: NDArray[np.bool_],
    *,
    epochs: int,
    seed: int,
) -> tuple[Any, Calibration]:
    """Train on one side, stop and calibrate on records inside the training part."""
    held = drawn.take(stop_mask)
    with tempfile.TemporaryDirectory() as scratch:
        model, _ = fit(
            network.build,
            drawn.take(train_mask),
            held,
            schedule=Schedule(epochs=epochs, seed=seed),
            checkpoint=Path(scratch) / "best.keras",
            verbose=0,
        )
    return model, calibrate(logits_of(model, held.variants[:, 0]), held.classes, pool.records[stop_mask])


def _fibrillation_control(found: OutOfFold, sources: data.Sources) -> dict[str, Any]:
    """VF against the rest within vfdb only, where the database cannot give the answer away."""
    vf = LABELS.index("VF")
    own = np.char.startswith(sources.annotated.records, "vfdb/")
    truth = sources.annotated.labels[own] == "VF"
    called = found.probability[own].argmax(axis=1) == vf
    tachycardia = found.control.argmax(axis=1)
    return {
        "protocol": "Out-of-fold, Malignant Ventricular Ectopy database only: VF windows against its own normal beats.",
        "windows_vf": int(truth.sum()),
        "windows_normal": int((~truth).sum()),
        "sensitivity": round(float(called[truth].mean()), 4),
        "specificity": round(float(1.0 - called[~truth].mean()), 4),
        "tachycardia_windows": len(tachycardia),
        "tachycardia_called": {
            label: round(float((tachycardia == i).mean()), 4) for i, label in enumerate(LABELS)
        },
    }


def _selective(found: OutOfFold, classes: NDArray[np.int64]) -> dict[str, Any]:
    """Abstention and prediction sets, out-of-fold."""
    right = found.probability.argmax(axis=1) == classes
    rows = np.arange(len(classes))
    covered = found.in_set[rows, classes]
    return {
        "protocol": "Out-of-fold, thresholds from records inside each training part; the aim of the sets is 0.90 per class.",
        "answered": round(float(found.accepted.mean()), 4),
        "accuracy_of_answered": round(float(right[found.accepted].mean()), 4)
        if found.accepted.any()
        else 0.0,
        "mean_set_size": round(float(found.in_set.sum(axis=1).mean()), 3),
        "coverage": {label: round(float(covered[classes == i].mean()), 4) for i, label in enumerate(LABELS)},
    }


def evaluate(
    folder: Path, *, epochs: int = EPOCHS, variants: int = VARIANTS, target: Path | None = ARTEFACT
) -> dict[str, Any]:
    """Measure the recipe by cross-validation and put the figures into the contract and its card.

    Args:
        folder: holds ``mitdb/``, ``vfdb/`` and ``ptbxl/``.
        epochs: most epochs per fold.
        variants: augmented pictures per beat.
        target: folder of the artefact to update; None leaves it alone.

    Returns:
        JSON types: ``cross_validation``, ``fibrillation_control``, ``abstention_and_sets``, ``people``.

    Raises:
        DataNotFoundError: when a database is missing.
    """
    sources = data.load(folder)
    found = cross_validate(sources, epochs=epochs, variants=variants)
    classes = data.positions(sources.annotated.labels)
    people = sources.people_test
    measured = {
        "cross_validation": {
            "protocol": PROTOCOL,
            **report(found.probability, classes, patients_of(sources.annotated.records), labels=LABELS),
        },
        "ptbxl_fold_10": {
            "protocol": "Beats of PTB-XL fold 10 (derived labels), mean of the five fold networks; none had seen the people.",
            **report(found.people, data.positions(people.labels), people.records, labels=LABELS),
        },
        "fibrillation_control": _fibrillation_control(found, sources),
        "abstention_and_sets": _selective(found, classes),
    }
    if target is not None and (target / "model.json").exists():
        (target / "evaluation.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        contract = json.loads((target / "model.json").read_text(encoding="utf-8"))
        kept = {name: value for name, value in contract["metrics"].items() if name not in measured}
        contract["metrics"] = measured | kept
        write_contract(target, contract)
    return measured
