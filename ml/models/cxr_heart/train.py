"""Trains, calibrates, checks and exports ``cxr-heart``: the weights that are shipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.chest.measuring import BORDER, LABELS, LIMIT
from ml.datasets.chest_xray import SITES
from ml.models.chest_pictures import evaluate
from ml.models.chest_pictures.data import SOURCES, Films, load
from ml.models.chest_pictures.drawn import CHESTS, OTHERS, drawn_films
from ml.models.chest_pictures.folds import whole
from ml.models.chest_pictures.limits import SHARED
from ml.models.chest_pictures.results import stored_figures
from ml.models.cxr_heart import answers as hearts
from ml.models.cxr_heart import trials
from ml.models.cxr_heart.answers import Answers
from ml.models.cxr_heart.export import OutlineGraph, export_outlines
from ml.models.cxr_heart.fitting import BATCH, STEPS, fit_members
from ml.models.cxr_heart.ways import SHIPPED
from ml.preprocessing.chest_image import SHAPE, VERSION
from ml.registry import file_sha256
from ml.training.card import write_contract
from ml.training.export import round_to_half, save_packed

NAME = "cxr-heart"
RELEASE = evaluate.HEART_RELEASE
ARTEFACT = Path(__file__).parent / "artefact"
EPOCHS = SHIPPED.epochs
_FACTS = {
    "training": "both sites, all films",
    "taught": SHIPPED.words,
    "answers that calibrate": "each film's by the network of the other site",
}
LIMITS = (
    f"Cardiomegaly here is a cardiothoracic ratio above {LIMIT:.2f} as drawn by readers; no echo and no report stands behind it.",
    f"Borderline is a ratio within {BORDER:.2f} of {LIMIT:.2f}, about what two readers of one film differ by.",
    *SHARED,
)


def _drawn_answers(members: Sequence[keras.Model], films: Films) -> Answers:
    """Answers of the shipped networks to the drawn chests."""
    pictures, masks, ratios = drawn_films()
    chests = Films(
        names=np.arange(CHESTS).astype(str),
        sites=np.full(CHESTS, "drawn"),
        pictures=np.concatenate([pictures[:CHESTS], films.pictures]),
        masks=masks[:CHESTS],
        ratios=ratios[:CHESTS],
        mended=0,
    )
    learnt = np.arange(CHESTS, len(chests.pictures))
    return hearts.answer(members, chests, evaluate.Run(name="drawn", learn=learnt, asked=np.arange(CHESTS)))


def ship(
    films: Films, members: Sequence[keras.Model], parts: list[Answers], *, epochs: int, target: Path
) -> dict[str, Any]:
    """Write the artefact of trained networks.

    Args:
        films: all films, all learnt from.
        members: the trained networks.
        parts: answers of other networks to films that they had not seen.
        epochs: of the training.
        target: folder of the artefact.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = [f"model{'' if member == 0 else member + 1}.keras" for member in range(len(members))]
    for model, file in zip(members, files, strict=True):
        round_to_half(model)
        save_packed(model, target / file)
    export_outlines(members, target / "model.onnx")
    drawn = _drawn_answers(members, films)
    graph = OutlineGraph(members)
    real, chests = (
        hearts.embeddings_of(graph, pictures) for pictures in (films.pictures, drawn_films()[0][:CHESTS])
    )
    reference = np.concatenate([real, chests])
    np.save(target / "embeddings.npy", reference.astype(np.float16))
    errors = evaluate.fitted_error(films, parts)
    contract = {
        "name": NAME,
        "version": RELEASE,
        "task": "Draws heart and lungs of a frontal chest X-ray, measures the cardiothoracic ratio and says whether the heart is enlarged.",
        "labels": list(LABELS),
        "input": {
            "kind": "chest",
            "shape": list(SHAPE),
            "range": [0, 255],
            "description": (
                "A PA chest X-ray of an adult in DICOM (CR, DX). ml.dicom.display shows it as its attributes say (rescale, window, "
                "MONOCHROME1 inverted); prepare_chest windows it by its own values and fits it into 256 x 256 with its aspect kept."
            ),
        },
        "preprocessing_version": VERSION,
        "temperature": 1.0,
        "conformal": {"alpha": 0.10, **errors.as_contract()},
        "abstention_threshold": 0.0,
        "gate": hearts.gate_limits([*parts, drawn], hearts.reach(graph, films.pictures, real)),
        "training": {
            "data": SOURCES,
            "films": {site: int((films.sites == site).sum()) for site in SOURCES},
            "masks mended": films.mended,
            "drawn films": {"chests": CHESTS, "others": 2 * OTHERS},
            **_FACTS,
            "epochs": epochs,
            "pictures": epochs * STEPS * BATCH,
            "networks that answer together": len(members),
            "parameters": sum(model.count_params() for model in members),
        },
        "metrics": stored_figures(NAME),
        "sanity": {},
        "limits": list(LIMITS),
        "sha256": {name: file_sha256(target / name) for name in ("model.onnx", *files, "embeddings.npy")},
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
    parts = evaluate.across(evaluate.heart_answers(films, SITES, epochs=epochs))
    run = whole(films)
    place = evaluate.heart_folder(SHIPPED, epochs)
    members = fit_members(films, run, SHIPPED, epochs=epochs, seed=evaluate.SEED, folder=place)
    return ship(films, members, parts, epochs=epochs, target=target)


def search(folder: Path, *, target: Path = ARTEFACT) -> list[str]:
    """Measure every way to teach the model, and keep all trials; finished trainings are not done again.

    Args:
        folder: holds ``chest_xray_ctr/``.
        target: folder of ``trials.json``.

    Returns:
        One line a trial.

    Raises:
        FileNotFoundError: when the data are missing.
    """
    found = trials.search(load(folder))
    trials.write(found, target)
    return trials.lines(found)


def summary(contract: dict[str, Any]) -> str:
    """One line about freshly trained weights."""
    errors = contract["conformal"]
    return f"{NAME} {RELEASE}: error of the ratio from {errors['floor']:.3f}; weights {contract['sha256']['model.onnx'][:12]}"
