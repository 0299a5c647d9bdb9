"""Trains, calibrates, checks and exports ``dicom-cardiac``: the weights that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.datasets.chest_xray import SITES
from ml.explain.checks import deletion, randomisation_likeness
from ml.models.chest_pictures import evaluate
from ml.models.chest_pictures.data import LIMIT, SOURCES, Films, load
from ml.models.chest_pictures.drawn import CHESTS
from ml.models.chest_pictures.folds import runs, whole, work_folder
from ml.models.chest_pictures.limits import SHARED
from ml.models.chest_pictures.results import stored_figures
from ml.models.dicom_cardiac.fitting import BATCH, STEPS, kept_model, logits_of
from ml.models.dicom_cardiac.network import LABELS, LAYERS
from ml.preprocessing.chest_image import SHAPE, VERSION
from ml.registry import file_sha256
from ml.training.calibration import Calibration, probabilities, settle
from ml.training.card import write_contract
from ml.training.export import PooledGraph, export_onnx, halve_weights, round_to_half, save_packed

NAME = "dicom-cardiac"
RELEASE = evaluate.CLASSIFIER_RELEASE
ARTEFACT = Path(__file__).parent / "artefact"
EPOCHS = evaluate.CLASSIFIER_EPOCHS
ALPHA, WANTED_ACCURACY, LEAST_COVERAGE = 0.10, 0.90, 0.70
_CHECKED = 40
LIMITS = (
    "The classifier of the source report, kept for comparison: cxr-heart measures what this one guesses, and shows where.",
    f"It was taught drawn ratios above {LIMIT:.2f} alone; no echo and no report stands behind its label.",
    *SHARED,
)


def _maps(
    model: keras.Model, images: NDArray[np.uint8], *, classes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Class activation maps of films, shape (n, h, w)."""
    cam = PooledGraph(model, **LAYERS).call(images)["cam"].numpy()
    found: NDArray[np.float32] = cam[np.arange(len(images)), classes]
    return found


def _sanity(model: keras.Model, films: Films, temperature: float) -> dict[str, Any]:
    """Checks of the map on some films of both sites."""
    chosen = np.random.default_rng(evaluate.SEED).choice(len(films), _CHECKED, replace=False)
    images = films.pictures[chosen]
    classes = logits_of(model, images).argmax(axis=1)
    dropped = deletion(
        lambda given: probabilities(logits_of(model, given), temperature),
        images,
        _maps(model, images, classes=classes),
        classes,
        seed=0,
    )
    likeness = randomisation_likeness(model, images, classes, maps=_maps, seed=0)
    return {"randomised_weights_rank_correlation": round(likeness, 4), "deletion": dropped, "films": _CHECKED}


def settled(films: Films, logits: dict[str, NDArray[np.float64]]) -> Calibration:
    """Temperature, prediction sets and abstention from the answers to each site by the network of the other."""
    folds = [run for run in runs(films) if run.name in SITES]
    positions = np.concatenate([run.asked for run in folds])
    return settle(
        np.concatenate([logits[run.name] for run in folds]),
        films.enlarged[positions].astype(np.int64),
        films.names[positions],
        labels=LABELS,
        alpha=ALPHA,
        accuracy=WANTED_ACCURACY,
        least_coverage=LEAST_COVERAGE,
    )


def ship(
    films: Films, model: keras.Model, calibration: Calibration, *, epochs: int, target: Path
) -> dict[str, Any]:
    """Write the artefact of a trained network.

    Args:
        films: all films, all learnt from.
        model: the trained network.
        calibration: from answers of other networks to films that they had not seen.
        epochs: of the training.
        target: folder of the artefact.
    """
    target.mkdir(parents=True, exist_ok=True)
    round_to_half(model)
    save_packed(model, target / "model.keras")
    export_onnx(model, target / "model.onnx", layers=LAYERS)
    halve_weights(target / "model.onnx")
    contract = {
        "name": NAME,
        "version": RELEASE,
        "task": "Whether the heart on a frontal chest X-ray is enlarged: the plain classifier of the source report, beside cxr-heart.",
        "labels": list(LABELS),
        "input": {
            "kind": "chest",
            "shape": list(SHAPE),
            "range": [0, 255],
            "description": "The film as cxr-heart sees it; the gate of cxr-heart decides whether it is one.",
        },
        "preprocessing_version": VERSION,
        **calibration.as_contract(LABELS, ALPHA),
        "gate": {},
        "training": {
            "data": SOURCES,
            "films": {site: int((films.sites == site).sum()) for site in SOURCES},
            "drawn films": CHESTS,
            "wanted": "yes or no as two readers would say, who differ by 0.02 in the ratio",
            "epochs": epochs,
            "pictures": epochs * STEPS * BATCH,
            "parameters": model.count_params(),
            "layers": LAYERS,
        },
        "metrics": stored_figures(NAME),
        "sanity": _sanity(model, films, calibration.temperature),
        "limits": list(LIMITS),
        "sha256": {name: file_sha256(target / name) for name in ("model.onnx", "model.keras")},
    }
    write_contract(target, contract)
    return contract


def train(folder: Path, *, epochs: int = EPOCHS, target: Path = ARTEFACT) -> dict[str, Any]:
    """Train the networks of each site, whose answers to the other calibrate, and the shipped one; stopped and begun again it goes on.

    Args:
        folder: holds ``chest_xray_ctr/``.
        epochs: of `STEPS` steps.
        target: folder of the artefact.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        FileNotFoundError: when the data are missing.
        ExportError: when the conversion to ONNX fails.
    """
    films = load(folder)
    logits = evaluate.classifier_logits(films, SITES, epochs=epochs)
    place = work_folder() / f"{NAME}-{RELEASE}-{epochs}"
    model = kept_model(films, whole(films), epochs=epochs, seed=evaluate.SEED, folder=place)
    return ship(films, model, settled(films, logits), epochs=epochs, target=target)


def summary(contract: dict[str, Any]) -> str:
    """One line about freshly trained weights."""
    return f"{NAME} {RELEASE}: abstains below {contract['abstention_threshold']:.2f}; weights {contract['sha256']['model.onnx'][:12]}"
