"""Trains, calibrates, checks and exports ``ecg-signals``: the weights that are shipped."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.evaluation.multilabel import auc, macro_auc
from ml.explain import signal_checks
from ml.models.ecg_signals import data, evaluate, network
from ml.models.ecg_signals.data import Windows
from ml.models.ecg_signals.fitting import Settings, fit, logits_of
from ml.models.ecg_signals.network import LABELS
from ml.preprocessing.twelve_lead import LEADS, LEAST_SECONDS, LENGTH, SECONDS, VERSION
from ml.registry import file_sha256
from ml.training.calibration_multilabel import MultilabelCalibration, settle
from ml.training.card import write_contract
from ml.training.export import export_mean_head_onnx, round_to_half, save_packed

NAME = "ecg-signals"
RELEASE = "1.0.0"
ARTEFACT = evaluate.ARTEFACT
EPOCHS = 100  # at most; each member has its own number
ALPHA = 0.10
WANTED_ACCURACY = 0.90
LEAST_COVERAGE = 0.70
_SANITY_PER_CLASS = 40
# Seed and settings of each member; their logits are averaged.
MEMBERS: dict[int, Settings] = {1: Settings(), 2: Settings(mixup=0.3)}
LIMITS = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device.",
    "A superclass is broad: MI is any infarction, old or fresh. An acute infarction can neither be said nor excluded by it.",
    "Statements of PTB-XL are by one or two cardiologists from the ECG alone, with no troponin, echo or angiogram behind them.",
    "One hospital group in Germany, 1989 to 1996, adults; children and paced rhythms are hardly among them.",
    "Rhythms are not its task: atrial fibrillation can be called a normal ECG.",
    "Short strips and pages of 2.5 s of each lead are answered less well; see the conditions.",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The shipped network and how it came about."""

    model: keras.Model
    epochs: dict[str, int]


def _trained(training: Windows, validation: Windows, epochs: int, folder: Path) -> Trained:
    """Every member, each in its own folder of checkpoints, and all together."""
    members, took = [], {}
    for seed, settings in MEMBERS.items():
        model, history = fit(
            training,
            validation,
            epochs=min(epochs, settings.epochs),
            seed=seed,
            folder=folder / f"member-{seed}",
            settings=settings,
        )
        members.append(model)
        took[f"member-{seed}"] = len(history)
    model = network.together(members)
    round_to_half(model)
    return Trained(model=model, epochs=took)


def _sanity(model: keras.Model, windows: Windows, logits: NDArray[np.float64]) -> dict[str, Any]:
    """Checks of the heat on some recordings of each most probable class."""
    predicted = logits.argmax(axis=1)
    chosen = np.concatenate([np.flatnonzero(predicted == i)[:_SANITY_PER_CLASS] for i in range(len(LABELS))])
    inputs = {network.WINDOW: windows.signals[chosen].astype(np.float32)}
    found = signal_checks.sanity(
        model,
        inputs,
        predicted[chosen],
        layers=network.LAYERS,
        signal=network.WINDOW,
        temperature=None,
        seed=0,
    )
    return {**found, "recordings": len(chosen)}


def _training_facts(training: Windows, validation: Windows, trained: Trained) -> dict[str, Any]:
    """What the contract says about data and settings."""
    return {
        "data": {
            "ptbxl": "PTB-XL 1.0.3, CC BY 4.0, 100 Hz; recordings without a superclass are left out, as in the authors' benchmark"
        },
        "folds": {
            "training": sorted(data.TRAINING),
            "calibration": sorted(data.VALIDATION),
            "test": sorted(data.TEST),
        },
        "recordings": {"training": len(training), "calibration": len(validation)},
        "superclasses": {
            label: int(count) for label, count in zip(LABELS, training.classes.sum(axis=0), strict=True)
        },
        "settings": {
            f"member-{seed}": dataclasses.asdict(settings) | {"widths": list(settings.widths)}
            for seed, settings in MEMBERS.items()
        },
        "epochs": trained.epochs,
        "layers": network.LAYERS,
    }


def _contract(settled: MultilabelCalibration, target: Path, **fields: Any) -> dict[str, Any]:
    """The contract of freshly trained weights."""
    return {
        "name": NAME,
        "version": RELEASE,
        "task": (
            "Which diagnostic superclasses of PTB-XL twelve leads show: normal, infarction, ST/T change, conduction disturbance, "
            "hypertrophy."
        ),
        "labels": list(LABELS),
        "input": {
            "kind": "leads",
            "shape": [LENGTH, LEADS],
            "range": [-10, 10],
            "before_s": 0.0,
            "after_s": SECONDS,
            "description": (
                f"I, II, III, aVR, aVL, aVF, V1 to V6, millivolt, at least 100 Hz, {LEAST_SECONDS:g} to {SECONDS:g} s; prepare_leads takes "
                "the baseline away (0.5 to 40 Hz), brings them to 100 Hz and lays leads of different moments side by side."
            ),
        },
        "preprocessing_version": VERSION,
        **settled.as_contract(LABELS, ALPHA),
        "gate": {},
        **fields,
        "limits": list(LIMITS),
        "sha256": {name: file_sha256(target / name) for name in ("model.onnx", "model.keras")},
    }


def train(folder: Path, *, epochs: int = EPOCHS, target: Path = ARTEFACT) -> dict[str, Any]:
    """Train the shipped weights, measure them once on fold 10, and write the artefact.

    Stopped and begun again with the same target it goes on from the last epoch.

    Args:
        folder: holds ``ptbxl/``.
        epochs: at most so many epochs of each member.
        target: folder of the artefact; checkpoints lie below it until the end.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        DataNotFoundError: when the database is missing.
        ExportError: when the conversion to ONNX fails.
    """
    training, validation = data.load(folder, data.TRAINING), data.load(folder, data.VALIDATION)
    trained = _trained(training, validation, epochs, target / "checkpoints")
    logits = logits_of(trained.model, validation.signals)
    settled = settle(
        logits, validation.classes, alpha=ALPHA, accuracy=WANTED_ACCURACY, least_coverage=LEAST_COVERAGE
    )
    save_packed(trained.model, target / "model.keras")
    export_mean_head_onnx(trained.model, target / "model.onnx", **network.LAYERS)
    chosen_on = {
        "protocol": "PTB-XL fold 9, which chose settings and epochs: these figures flatter.",
        "macro_auc": round(macro_auc(validation.classes, logits), 4),
        **{label: round(auc(validation.classes[:, i], logits[:, i]), 4) for i, label in enumerate(LABELS)},
    }
    contract = _contract(
        settled,
        target,
        training=_training_facts(training, validation, trained),
        metrics={"fold_9": chosen_on},
        sanity=_sanity(trained.model, validation, logits),
    )
    write_contract(target, contract)
    contract["metrics"] |= evaluate.evaluate(folder, target=target)
    shutil.rmtree(target / "checkpoints")
    return contract
