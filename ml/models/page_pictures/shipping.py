"""Trains, calibrates, checks and exports the weights of the page models that are shipped."""

from __future__ import annotations

import functools
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
    all_features,
    calibrate,
    calibration_split,
    recipe,
    set_of,
)
from ml.models.page_pictures.head import EMBEDDING, EVIDENCE, LOGITS, PageRecipe, class_maps
from ml.models.page_pictures.joint import (
    EPOCHS,
    FUSION,
    JOINED,
    Learnt,
    filled,
    fit_joint,
    joint_logits,
    joint_network,
    top_of,
)
from ml.models.page_pictures.pretraining import network
from ml.models.page_pictures.results import stored_figures
from ml.preprocessing.page_image import SHAPE, VERSION
from ml.registry import file_sha256
from ml.training.calibration import Calibration, probabilities
from ml.training.card import write_contract
from ml.training.export import round_to_half, save_packed

MODELS = Path(__file__).parent.parent
INPUT = {
    "kind": "page",
    "shape": list(SHAPE),
    "range": [0, 255],
    "description": (
        "A photograph or scan of a 12-lead ECG page; ml.preprocessing.page_image straightens it by its grid, keeps the ink of "
        "the leads alone, and lays every lead where it stands on a page of 3x4 and a strip. Scaling is inside the model."
    ),
}
_CHECKED = 12  # pages of each class


def artefact_of(name: str) -> Path:
    """Where a model of the suite is installed."""
    return MODELS / name.replace("-", "_") / "artefact"


def ship(name: str, folder: Path, *, epochs: int = EPOCHS, target: Path | None = None) -> dict[str, Any]:
    """Train the shipped weights of a page model and write its artefact.

    The fusion and the three models whose embeddings it joins belong together: training one of them writes all four.

    Args:
        name: of the model.
        folder: holds ``ecg_pages/``, ``ptbxl/`` and ``imagenet_weights/``.
        epochs: how often every real page is shown.
        target: folder of the artefact; those of the others lie beside it under their names. The installed ones if None.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        DataNotFoundError: when data or transferred weights are missing.
        ExportError: when the conversion to ONNX fails.
    """
    pages = real_pages(folder)
    features, models = all_features(pages, folder, set_of(name))
    learn, held = calibration_split(pages, np.arange(len(pages)), SEED)
    keras.utils.set_random_seed(SEED)
    tops = {n: top_of(recipe(n), f.shape[2:], models[n]) for n, f in features.items()}
    learnt = joint_network(tops)
    fit_joint(
        learnt, {n: f[learn] for n, f in features.items()}, pages.classes[learn], epochs=epochs, seed=SEED
    )
    round_to_half(learnt.joint)
    logits = joint_logits(learnt, {n: f[held, :1] for n, f in features.items()})
    together = (*JOINED, FUSION)
    wanted = together if name in together and FUSION in learnt.names else (name,)
    contracts = {}
    for one in wanted:
        place = artefact_of(one) if target is None else target if one == name else target.parent / one
        place.mkdir(parents=True, exist_ok=True)
        settled = calibrate(logits[one], pages.classes[held], pages.groups[held])
        write = _write_fusion if one == FUSION else functools.partial(_write_member, models[one], recipe(one))
        sanity, extra = write(learnt, place, pages, held, settled)
        contracts[one] = _contract(
            one, place, settled, pages, (learn, held), sanity, extra | {"epochs": epochs}
        )
        if one in JOINED:
            print(f"{one}: written to {place}", file=sys.stderr)
    return contracts[name]


def _write_member(
    source: keras.Model,
    own: PageRecipe,
    learnt: Learnt,
    place: Path,
    pages: RealPages,
    held: NDArray[np.int64],
    settled: Calibration,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write a model's weights; returns the checks of its heatmap and facts about its training."""
    whole = filled(source, learnt.tops[own.name], own, network)
    round_to_half(whole)
    save_packed(whole, place / "model.keras")
    export_page(whole, place / "model.onnx")
    extra = {
        "layers": {"evidence": EVIDENCE, "embedding": EMBEDDING},
        "parameters": whole.count_params(),
        "drawn_pages": own.drawn or "all",
        "drawn_epochs": own.epochs,
        "variants_per_page": own.variants,
        "drawn_targets": list(TARGETS),
        "sees": own.sees,
    }
    return _sanity(whole, pages, held, settled.temperature), extra


def _maps(
    model: keras.Model, images: NDArray[np.uint8], *, classes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Class activation maps of pages."""
    evidence = keras.Model(model.input, model.get_layer(EVIDENCE).output)
    places = np.concatenate(
        [evidence.predict_on_batch(images[i : i + 16].astype(np.float32)) for i in range(0, len(images), 16)]
    )
    return class_maps(places, model.get_layer(LOGITS).get_weights()[0], classes)


def _sanity(
    model: keras.Model, pages: RealPages, held: NDArray[np.int64], temperature: float
) -> dict[str, Any]:
    """Checks of the heatmap on some calibration pages of each class."""
    chosen = np.concatenate([held[pages.classes[held] == c][:_CHECKED] for c in range(len(LABELS))])
    images = pages.take(chosen).pictures()

    def shares(some: NDArray[np.uint8]) -> NDArray[np.float64]:
        parts = [model.predict_on_batch(some[i : i + 16].astype(np.float32)) for i in range(0, len(some), 16)]
        return probabilities(np.concatenate(parts), temperature)

    predicted = shares(images).argmax(axis=1)
    found = _maps(model, images, classes=predicted)
    return {
        "randomised_weights_rank_correlation": round(
            randomisation_likeness(model, images, predicted, maps=_maps, seed=SEED), 4
        ),
        "deletion": deletion(shares, images, found, predicted, seed=SEED),
        "empty_maps": round(float((found.max(axis=(1, 2)) <= 0).mean()), 4),
        "pages": len(chosen),
    }


def _write_fusion(
    learnt: Learnt, place: Path, pages: RealPages, held: NDArray[np.int64], settled: Calibration
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the head over the joined embeddings; its members are not stored again."""
    del pages, held, settled
    embeddings = {
        n: keras.Input(learnt.tops[n].output_shape[0][1:], name=f"embedding_{n.replace('-', '_')}")
        for n in JOINED
    }
    joined = keras.layers.Concatenate(name="joined")(list(embeddings.values()))
    head = keras.Model(
        list(embeddings.values()), keras.layers.Dense(len(LABELS), name="fusion_logits")(joined)
    )
    head.layers[-1].set_weights(learnt.joint.get_layer("fusion_logits").get_weights())
    head.save(place / "model.keras")
    places = {n: learnt.tops[n].get_layer(EVIDENCE).output.shape[1:] for n in JOINED}
    export_fusion(head, places, place / "model.onnx")
    extra = {
        "members": {n: file_sha256(_beside(place, n) / "model.onnx") for n in JOINED},
        "master": "the members' files are theirs; this folder holds only the head over their joined embeddings",
        "parameters": head.count_params(),
    }
    return {}, extra


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
        "input": INPUT,
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
