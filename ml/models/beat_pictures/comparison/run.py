"""Measures the models of the comparison and writes ``comparison.json``."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import registry
from ml.datasets.beats import LABELS
from ml.models.beat_pictures import data
from ml.models.beat_pictures.comparison import figures, material
from ml.models.beat_pictures.comparison.answers import answers
from ml.models.beat_pictures.comparison.entries import CLAIMS, CONTROL, CONTROL_FAMILY, PAIRS, RECIPES
from ml.models.beat_pictures.comparison.material import FOLDS, Material, gather
from ml.models.beat_pictures.recipe import Recipe
from ml.serving.session import open_network
from ml.training.splits import patients_of

__all__ = ["EPOCHS", "evaluate"]

WORK = Path(".local") / "comparison"
EPOCHS = 5
COMMAND = "python -m ml evaluate comparison --data DIR --write"
MS_PROTOCOL = (
    "Installed ONNX graph (logits, embedding and class activation map) on one prepared picture, ONNX Runtime, processor, one thread, "
    "median of 300 calls after 30; finding and drawing the trace is not in it and is the same for all."
)
_CALLS, _WARM = 300, 30


def protocol(made: Material, epochs: int) -> str:
    """How the models were compared, in words."""
    learnt = ", ".join(f"{label} {count}" for label, count in data.REDUCED_CAPS.items())
    tested = ", ".join(f"{label} {count}" for label, count in material.TESTED_CAPS.items())
    levels = ", ".join(f"{snr:g}" for snr in material.SNR_DB if snr is not None)
    return (
        f"Record-grouped {FOLDS}-fold cross-validation, pooled out-of-fold, the same beats, pictures and folds for every model. "
        f"MIT-BIH (lead MLII, without the paced records; 201 and 202 kept together) and VF and normal windows of vfdb, reduced: at "
        f"most so many beats of a record are learnt from ({learnt}) and tested ({tested}). PTB-XL folds to 8 are always on the "
        f"training side, fold 9 and records inside the training part stop and calibrate (temperature); at most one normal beat of a "
        f"person. {len(made.pool)} beats to learn from and stop with, of which each fold leaves its held-out records out; each as "
        f"recorded and in {material.VARIANTS} augmented pictures; at most {epochs} epochs, best epoch kept. Settings of each model "
        f"but beat-cnn (the report's, fixed before) were chosen on PTB-XL alone (trials.json). Noise: a stretch of nstdb (em, ma, "
        f"bw, unfiltered) added to the window of each tested beat before drawing, at {levels} dB of its power. Intervals: 95 %, "
        f"1000 resamples of people, the same for all models. Size and "
        f"milliseconds are 0 for a model whose weights are not installed. The control learnt labels dealt out anew among records."
    )


def _installed(recipe: Recipe) -> tuple[int, float] | None:
    """Size of the served graph, bytes, and milliseconds per beat; None if the model is not installed."""
    found = {contract.name: contract for contract in registry.contracts()}.get(recipe.name)
    if found is None:
        return None
    registry.verify(found)
    network = open_network(found)
    picture = np.zeros((1, *found.input["shape"]), dtype=np.uint8)
    times = []
    for _ in range(_WARM + _CALLS):
        started = time.perf_counter()
        network(picture)
        times.append((time.perf_counter() - started) * 1000.0)
    return (found.folder / "model.onnx").stat().st_size, round(statistics.median(times[_WARM:]), 3)


def _row(
    recipe: Recipe, share: NDArray[np.float64], made: Material, weights: NDArray[np.float64], folder: Path
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """One model of the results, and its figures of every resample."""
    classes = np.array([LABELS.index(str(label)) for label in made.tested.labels])
    people = patients_of(made.tested.records)
    measured, drawn = figures.measure(share[0], classes, people, labels=LABELS, weights=weights)
    control = recipe.name == CONTROL.name
    size, ms = _installed(RECIPES[1] if control else recipe) or (0, 0.0)
    return {
        "name": recipe.name,
        "family": CONTROL_FAMILY if control else recipe.family,
        "input": recipe.sees,
        "parameters": int(recipe.network(folder).count_params()),
        "size_bytes": size,
        "ms_per_beat": ms,
        "ms_protocol": MS_PROTOCOL,
        **measured,
        "noise": [
            {"snr_db": snr, "f1": figures.macro_f1(level, classes, people, weights)}
            for snr, level in zip(material.SNR_DB, share, strict=True)
        ],
    }, drawn


def evaluate(
    folder: Path, *, epochs: int = EPOCHS, target: Path | None = None, work: Path = WORK
) -> dict[str, Any]:
    """Compare the models.

    Args:
        folder: holds ``mitdb/``, ``vfdb/``, ``nstdb/``, ``ptbxl/`` and ``imagenet_weights/``.
        epochs: most epochs per fold.
        target: file for the results; None writes none.
        work: folder for the answers of each model and fold: what lies there is not made again.

    Returns:
        JSON types, as in ``comparison.json``.

    Raises:
        DataNotFoundError: when a database or transferred weights are missing.
    """
    made = gather(folder)
    everyone = (*RECIPES, CONTROL)
    pooled = answers(everyone, made, folder, work, epochs=epochs)
    weights = figures.resamples(patients_of(made.tested.records))
    rows, drawn = [], {}
    for recipe in everyone:
        row, drawn[recipe.name] = _row(recipe, pooled[recipe.name], made, weights, folder)
        rows.append(row)
    results = {
        "protocol": protocol(made, epochs),
        "command": COMMAND,
        "labels": list(LABELS),
        "beats": len(made.tested),
        "records": len(np.unique(made.tested.records)),
        "folds": FOLDS,
        "models": rows,
        "differences": figures.differences(drawn, PAIRS),
        "claims": list(CLAIMS),
    }
    if target is not None:
        target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results
