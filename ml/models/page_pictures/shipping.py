"""Trains, calibrates, checks and exports the weights of the page models that are shipped."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.explain.checks import deletion, randomisation_likeness
from ml.models.page_pictures.data import LABELS, TARGETS, RealPages, real_pages
from ml.models.page_pictures.export import export_fusion, export_page
from ml.models.page_pictures.folds import (
    ALPHA,
    SEED,
    all_embeddings,
    calibrate,
    calibration_split,
    recipe,
)
from ml.models.page_pictures.head import EMBEDDING, EVIDENCE, LOGITS, PageRecipe, class_maps
from ml.models.page_pictures.last_layer import (
    EPOCHS,
    FUSION,
    JOINED,
    LastLayer,
    embedding_of,
    fit_all,
)
from ml.models.page_pictures.pretraining import network
from ml.models.page_pictures.results import MODELS, stored_figures
from ml.preprocessing.page_image import SHAPE, VERSION
from ml.preprocessing.page_leads import SHAPE as LEADS_SHAPE
from ml.registry import file_sha256
from ml.training.calibration import Calibration, probabilities
from ml.training.card import write_contract
from ml.training.export import round_to_half, save_packed

INPUT = {
    "kind": "page",
    "shape": list(SHAPE),
    "range": [0, 255],
    "description": (
        "A photograph or scan of a 12-lead ECG page; ml.preprocessing.page_image straightens it by its grid, keeps the ink of "
        "the leads alone, and lays every lead where it stands on a page of 3x4 and a strip. Scaling is inside the model."
    ),
}
INPUT_OF_LEADS = {
    "kind": "page",
    "shape": list(LEADS_SHAPE),
    "unit": "mV",
    "description": (
        "A photograph or scan of a 12-lead ECG page; ml.preprocessing.page_leads follows 2.5 s of every lead, 100 Hz, on the ink that "
        "ml.preprocessing.page_image keeps. Scaling is inside the model."
    ),
}
_CHECKED = 5  # pages of each class


def artefact_of(name: str) -> Path:
    """Where a model of the suite is installed."""
    return Path(__file__).parent.parent / name.replace("-", "_") / "artefact"


def ship(name: str, folder: Path, *, epochs: int = EPOCHS, target: Path | None = None) -> dict[str, Any]:
    """Train the shipped weights of a page model and write its artefact.

    The fusion and the models whose embeddings it joins belong together: training one of them writes all of these. Training the fusion
    writes every page model.

    Args:
        name: of the model.
        folder: holds ``ecg_pages/``, ``ptbxl/`` and ``imagenet_weights/``.
        epochs: most iterations of the solver of the last layers.
        target: folder of the artefact; those of the others lie beside it under their names. The installed ones if it is the model's own,
            or None.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        DataNotFoundError: when data or transferred weights are missing.
        ExportError: when the conversion to ONNX fails.
    """
    pages = real_pages(folder)
    wanted = (*MODELS, FUSION) if name == FUSION else (*JOINED, FUSION) if name in JOINED else (name,)
    embeddings, models = all_embeddings(pages, folder, tuple(one for one in wanted if one != FUSION))
    learn, held = calibration_split(pages, np.arange(len(pages)), SEED)
    layers = fit_all(embeddings, learn, pages.classes, pages.groups, iterations=epochs, seed=SEED)
    contracts: dict[str, dict[str, Any]] = {}
    for one in wanted:
        place = _place(one, name, target)
        place.mkdir(parents=True, exist_ok=True)
        layer = layers[one]
        logits = layer.logits(embedding_of(one, embeddings)[held])
        settled = calibrate(logits, pages.classes[held], pages.groups[held])
        sanity: dict[str, Any] = {}
        if one == FUSION:
            extra = _write_fusion(layer, embeddings, models, place)
        else:
            sanity, extra = _write_member(models[one], recipe(one), layer, place, pages, held, settled)
        extra |= {"inverse_penalty": layer.strength}
        contracts[one] = _contract(one, place, settled, pages, (learn, held), sanity, extra)
        print(f"{one}: written to {place}", file=sys.stderr)
    return contracts[name]


def _place(one: str, name: str, target: Path | None) -> Path:
    """Where a model is written when the artefact of `name` goes to `target`."""
    if target is None or target == artefact_of(name):
        return artefact_of(one)
    return target if one == name else target.parent / one


def _filled(source: keras.Model, own: PageRecipe, layer: LastLayer) -> keras.Model:
    """The whole model: what learnt from drawn pages, with the last layer that learnt from real ones."""
    whole = network(own, classes=len(LABELS))
    for part in whole.layers:
        if part.name == LOGITS:
            part.set_weights([layer.kernel, layer.bias])
        elif part.weights:
            part.set_weights(source.get_layer(part.name).get_weights())
    return whole


def _write_member(
    source: keras.Model,
    own: PageRecipe,
    layer: LastLayer,
    place: Path,
    pages: RealPages,
    held: NDArray[np.int64],
    settled: Calibration,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write a model's weights; returns the checks of its heatmap and facts about its training."""
    whole = _filled(source, own, layer)
    round_to_half(whole)
    save_packed(whole, place / "model.keras")
    export_page(whole, place / "model.onnx")
    extra: dict[str, Any] = {
        "layers": {"evidence": EVIDENCE, "embedding": EMBEDDING},
        "parameters": whole.count_params(),
        "sees": own.sees,
    }
    if own.whole is None:
        extra |= {
            "drawn_pages": own.drawn or "all",
            "drawn_epochs": own.epochs,
            "drawn_targets": list(TARGETS),
        }
    return _sanity(whole, own, pages, held, settled.temperature), extra


def _maps(
    model: keras.Model, images: NDArray[np.generic], *, classes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Class activation maps of pages."""
    evidence = keras.Model(model.input, model.get_layer(EVIDENCE).output)
    places = np.concatenate(
        [evidence.predict_on_batch(images[i : i + 16].astype(np.float32)) for i in range(0, len(images), 16)]
    )
    return class_maps(places, model.get_layer(LOGITS).get_weights()[0], classes)


def _sanity(
    model: keras.Model, own: PageRecipe, pages: RealPages, held: NDArray[np.int64], temperature: float
) -> dict[str, Any]:
    """Checks of the heatmap on some calibration pages of each class; blanking places of a map is for pictures only."""
    chosen = np.concatenate([held[pages.classes[held] == c][:_CHECKED] for c in range(len(LABELS))])
    some = pages.take(chosen)
    images = some.pictures() if own.whole is None else some.leads

    def shares(given: NDArray[np.generic]) -> NDArray[np.float64]:
        parts = [
            model.predict_on_batch(given[i : i + 16].astype(np.float32)) for i in range(0, len(given), 16)
        ]
        return probabilities(np.concatenate(parts), temperature)

    predicted = shares(images).argmax(axis=1)
    found = _maps(model, images, classes=predicted)
    likeness = randomisation_likeness(model, images, predicted, maps=_maps, seed=SEED)  # type: ignore[arg-type]
    blanked = deletion(shares, images, found, predicted, seed=SEED) if own.whole is None else None  # type: ignore[arg-type]
    return {
        "randomised_weights_rank_correlation": round(likeness, 4),
        **({"deletion": blanked} if blanked else {}),
        "empty_maps": round(float((found.max(axis=(1, 2)) <= 0).mean()), 4),
        "pages": len(chosen),
    }


def _write_fusion(
    layer: LastLayer,
    embeddings: dict[str, NDArray[np.float32]],
    models: dict[str, keras.Model],
    place: Path,
) -> dict[str, Any]:
    """Write the last layer over the joined embeddings; its members are not stored again. Returns facts about its training."""
    given = {n: keras.Input(embeddings[n].shape[1:], name=f"embedding_{n.replace('-', '_')}") for n in JOINED}
    joined = keras.layers.Concatenate(name="joined")(list(given.values()))
    head = keras.Model(list(given.values()), keras.layers.Dense(len(LABELS), name="fusion_logits")(joined))
    head.layers[-1].set_weights([layer.kernel, layer.bias])
    head.save(place / "model.keras")
    places = {n: models[n].get_layer(EVIDENCE).output.shape[1:] for n in JOINED}
    export_fusion(head, places, place / "model.onnx")
    return {
        "members": {n: file_sha256(_beside(place, n) / "model.onnx") for n in JOINED},
        "master": "the members' files are theirs; this folder holds only the head over their joined embeddings",
        "parameters": head.count_params(),
    }


def _beside(place: Path, name: str) -> Path:
    """Where a member was written when the fusion's folder is `place`."""
    return artefact_of(name) if place == artefact_of(FUSION) else place.parent / name


def _contract(
    name: str,
    place: Path,
    settled: Calibration,
    pages: RealPages,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    sanity: dict[str, Any],
    extra: dict[str, Any],
) -> dict[str, Any]:
    """Write the contract of freshly trained weights, with the figures of the last cross-validation that is stored."""
    card = importlib.import_module(f"ml.models.{name.replace('-', '_')}.card").RECIPE
    learn, held = sides
    training = {
        "data": card.data,
        "pages": {label: int((pages.classes[learn] == i).sum()) for i, label in enumerate(LABELS)},
        "calibration_pages": {label: int((pages.classes[held] == i).sum()) for i, label in enumerate(LABELS)},
        "refused": pages.refusals(),
        "seed": SEED,
        **extra,
    }
    contract = {
        "name": name,
        "version": card.release,
        "task": card.task,
        "labels": list(LABELS),
        "input": INPUT_OF_LEADS if name == "page-signals" else INPUT,
        "preprocessing_version": VERSION,
        **settled.as_contract(LABELS, ALPHA),
        "gate": {},
        "training": training,
        "metrics": stored_figures(name),
        "sanity": sanity,
        "limits": list(card.limits),
        "sha256": {file: file_sha256(place / file) for file in ("model.onnx", "model.keras")},
    }
    write_contract(place, contract)
    return contract
