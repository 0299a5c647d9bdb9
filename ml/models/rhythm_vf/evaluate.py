"""Measures ``rhythm-vf``: the cross-validation that trained it, anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ml.models.rhythm_vf.context import context_table
from ml.models.rhythm_vf.network import LABELS
from ml.models.rhythm_vf.train import (
    ALPHA,
    ARTEFACT,
    EPOCHS,
    LEAST_COVERAGE,
    PROTOCOL,
    WANTED_ACCURACY,
    cross_validated,
    figures,
    load,
    other_segments,
)
from ml.training.calibration import settle
from ml.training.card import write_contract


def evaluate(folder: Path, *, epochs: int = EPOCHS, target: Path | None = ARTEFACT) -> dict[str, Any]:
    """Measure the recipe by cross-validation and put the figures into the contract and its card.

    Args:
        folder: holds ``vfdb/``, ``mitdb/``, ``ptbxl/`` and ``nstdb/``.
        epochs: epochs per fold.
        target: folder of the artefact to update; None leaves it alone.

    Returns:
        JSON types: ``cross_validation``, ``other_segments``, ``context``.

    Raises:
        DataNotFoundError: when a database is missing.
    """
    sources = load(folder)
    logits, others = cross_validated(sources, epochs=epochs)
    keep = sources.every.counted
    counted = sources.every.take(keep)
    settled = settle(
        logits[keep],
        counted.classes,
        counted.records,
        labels=LABELS,
        alpha=ALPHA,
        accuracy=WANTED_ACCURACY,
        least_coverage=LEAST_COVERAGE,
    )
    measured = {
        "cross_validation": {"protocol": PROTOCOL, **figures(logits[keep], counted, settled.temperature)},
        "other_segments": other_segments(logits, others, sources),
        "context": context_table(logits, sources.every, settled.temperature),
    }
    if target is not None and (target / "model.json").exists():
        (target / "evaluation.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        contract = json.loads((target / "model.json").read_text(encoding="utf-8"))
        contract["metrics"] |= measured
        write_contract(target, contract)
    return measured
