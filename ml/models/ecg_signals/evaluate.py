"""Measures the shipped ``ecg-signals`` once on fold 10 of PTB-XL: as recorded, and as pages and short strips show it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import registry
from ml.datasets import ptbxl_superclasses as ptbxl
from ml.evaluation.multilabel import auc, macro_auc, report
from ml.models.ecg_signals import data
from ml.preprocessing.twelve_lead import LEAST
from ml.registry import ModelContract
from ml.serving.signals import SignalMember, opened_from
from ml.serving.twelve_lead import calibrated
from ml.training.card import write_contract

ARTEFACT = Path(__file__).parent / "artefact"
EPOCHS = 1  # nothing is trained
PROTOCOL = (
    "PTB-XL fold 10, every recording with a superclass, never looked at before; the network learnt from folds 5 to 8, and fold 9 "
    "chose settings, epochs, calibration and thresholds. Several superclasses may hold at once. A class is called from the "
    "probability with the highest F1 on fold 9; accuracy: the most probable class is a true one. Bootstrap by patient."
)
_LOST = {"without V1": (6,), "without V4 to V6": (9, 10, 11), "without the limb leads": tuple(range(6))}


def _signals_by_condition(recordings: ptbxl.Recordings) -> dict[str, NDArray[np.float16]]:
    """What the network sees of the same recordings in harder conditions."""
    whole = data.prepared(recordings).signals
    found = {
        "ten seconds": whole,
        "first 5 s": whole[:, : 2 * LEAST],
        "first 2.5 s": whole[:, :LEAST],
        "page of 3 rows and 4 columns, 2.5 s of each lead": data.as_page(recordings).signals,
    }
    for name, leads in _LOST.items():
        found[name] = whole.copy()
        found[name][:, :, leads] = 0.0
    return found


def _logits(opened: SignalMember, signals: NDArray[np.float16]) -> NDArray[np.float32]:
    return opened.run("logits", window=signals.astype(np.float32))


def measured_on(contract: ModelContract, recordings: ptbxl.Recordings) -> dict[str, Any]:
    """Figures of a shipped model on recordings it has not seen, as JSON types.

    Args:
        contract: its contract; its ONNX file is asked.
        recordings: of one fold.
    """
    opened, truth = opened_from(contract), recordings.classes
    conditions = _signals_by_condition(recordings)
    scores = {name: _logits(opened, signals) for name, signals in conditions.items()}

    def of_contract(name: str) -> NDArray[np.float64]:
        return np.array([contract.conformal[name][label] for label in contract.labels])

    first = next(iter(scores.values()))
    return {
        "held_out_test": {
            "protocol": PROTOCOL,
            **report(
                calibrated(contract, first),
                truth,
                recordings.patients,
                labels=contract.labels,
                suspected_from=of_contract("suspected_from"),
                threshold=contract.abstention_threshold,
                least=of_contract("min_probability"),
            ),
        },
        "conditions": {
            name: {
                "macro_auc": round(macro_auc(truth, logits), 4),
                **{
                    label: round(auc(truth[:, i], logits[:, i]), 4) for i, label in enumerate(contract.labels)
                },
            }
            for name, logits in scores.items()
        },
    }


def evaluate(folder: Path, *, epochs: int = EPOCHS, target: Path | None = ARTEFACT) -> dict[str, Any]:
    """Measure the shipped weights on fold 10 and put the figures into the contract and its card.

    Args:
        folder: holds ``ptbxl/``.
        epochs: not used; nothing is trained.
        target: folder of the artefact to measure and to update; None measures the installed one and leaves it alone.

    Returns:
        JSON types: ``held_out_test``, ``conditions``.

    Raises:
        DataNotFoundError: when the database is missing.
        TamperedArtefactError: when the artefact is not the one that its contract describes.
    """
    del epochs
    contract = registry.read_contract(target or ARTEFACT)
    registry.verify(contract)
    measured = measured_on(contract, ptbxl.load(folder / "ptbxl", data.TEST))
    if target is not None:
        (target / "evaluation.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        content = json.loads((target / "model.json").read_text(encoding="utf-8"))
        content["metrics"] |= measured
        write_contract(target, content)
    return measured


def lines(measured: dict[str, Any]) -> list[str]:
    """The figures for a terminal."""
    tested = measured["held_out_test"]
    shown = [tested["protocol"]]
    shown += [f"{name:12} {_figure(tested[name])}" for name in ("macro_auc", "macro_f1", "ece", "accuracy")]
    for label, row in tested["classes"].items():
        parts = "  ".join(f"{name} {_figure(row[name])}" for name in ("auc", "precision", "recall", "f1"))
        shown.append(f"{label:5} {parts}  {row['recordings']} recordings")
    shown += [f"{name}: macro AUC {row['macro_auc']:.4f}" for name, row in measured["conditions"].items()]
    return shown


def _figure(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
