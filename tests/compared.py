"""A made-up comparison in the shape of the stored one. No figure of it was measured: names and numbers are invented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("Normal", "PAC", "PVC")
FAMILIES = {
    "beat-cnn": "CNN",
    "made-up-rnn": "RNN",
    "made-up-hybrid": "hybrid",
    "made-up-spectral": "spectral",
    "made-up-control": "control",
}


def figure(value: float, half: float = 0.05) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def model(name: str, f1: float) -> dict[str, Any]:
    return {
        "name": name,
        "family": FAMILIES[name],
        "input": f"invented input of {name}",
        "parameters": 123_456,
        "size_bytes": 2_000_000,
        "ms_per_beat": 1.25,
        "ms_protocol": "invented: one beat at a time",
        "figures": {
            "accuracy": figure(f1 + 0.1),
            "precision": figure(f1 + 0.01),
            "recall": figure(f1 - 0.01),
            "f1": figure(f1),
            "auc": figure(0.9),
            "ece": figure(0.06, 0.02),
        },
        "classes": {
            label: {one: figure(f1 - place / 10) for one in ("precision", "recall", "f1", "auc")}
            | {"beats": 1000 // (place + 1), "records": 40 - place}
            for place, label in enumerate(LABELS)
        },
        "confusion": [[900, 60, 40], [100, 350, 50], [0, 33, 300]],
        "roc": {label: [[0.0, 0.0], [0.05, f1], [0.2, 0.95], [1.0, 1.0]] for label in LABELS},
        "reliability": [
            {"confidence": 0.55, "accuracy": 0.5, "count": 300},
            {"confidence": 0.95, "accuracy": 0.9, "count": 1533},
        ],
        "noise": [
            {"snr_db": None, "f1": figure(f1)},
            *({"snr_db": snr, "f1": figure(f1 - (24 - snr) / 60)} for snr in (24, 12, 0)),
        ],
    }


def stored() -> dict[str, Any]:
    """What the file holds: a control without curves, a clear difference each way, and one that is none."""
    models = [model(name, 0.5 + place / 20) for place, name in enumerate(FAMILIES)]
    for field in (
        "roc",
        "reliability",
        "noise",
        "classes",
        "confusion",
        "parameters",
        "size_bytes",
        "ms_per_beat",
    ):
        del models[-1][field]
    del models[-1]["figures"]["auc"]
    return {
        "protocol": "Invented protocol for tests: five folds by record.",
        "command": "python -m tests.compared",
        "labels": list(LABELS),
        "beats": 1833,
        "records": 45,
        "folds": 5,
        "models": models,
        "differences": [
            {"a": "made-up-hybrid", "b": "beat-cnn", "figure": "f1", "value": 0.031, "low": 0.012, "high": 0.05},
            {"a": "beat-cnn", "b": "made-up-spectral", "figure": "accuracy", "value": -0.02, "low": -0.03, "high": -0.01},
            {"a": "beat-cnn", "b": "made-up-rnn", "figure": "f1", "value": 0.004, "low": -0.01, "high": 0.02},
        ],
        "claims": [
            {"source": "An invented report", "model": "beat-cnn", "figure": "accuracy", "value": "99.9 %",
             "protocol": "random split of beats", "note": "the same people on both sides"},
            {"source": "An invented report", "model": "EfficientNet", "figure": "accuracy", "value": "> 90 %",
             "protocol": "not said", "note": ""},
        ],
        "clahe": [{"model": "made-up-spectral", "on": figure(0.61), "off": 0.6}],
    }  # fmt: skip


def write(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """The file in a folder."""
    path = folder / "comparison.json"
    path.write_text(json.dumps(stored() if content is None else content), encoding="utf-8")
    return path
