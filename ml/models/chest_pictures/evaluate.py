"""Measures both chest models on the same films, within and across sites; the figures go into the cards and ``docs/results.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.chest.measuring import ErrorModel, fit_error
from ml.datasets.chest_xray import SITES
from ml.models.chest_pictures.data import Films, load
from ml.models.chest_pictures.figures import area_difference, decisions, heart_figures
from ml.models.chest_pictures.folds import BOTH, Run, runs, work_folder
from ml.models.chest_pictures.gate import measure_gate
from ml.models.chest_pictures.manners import manners
from ml.models.chest_pictures.results import PROTOCOL, RESULTS, WORDS, stored_figures
from ml.models.cxr_heart import answers as hearts
from ml.models.cxr_heart.answers import Answers, answers_of
from ml.models.cxr_heart.ways import PLAIN, Way
from ml.models.dicom_cardiac import fitting as classifier
from ml.registry import CONTRACT_FILE, MODELS
from ml.serving.signals import signal_member
from ml.training.calibration import fit_temperature, probabilities
from ml.training.card import write_contract

SEED = 1
ALL = (*SITES, BOTH)
# What is measured: the training that answers, and the site whose films are counted.
SETTINGS = {
    "within_jsrt": (BOTH, "jsrt"),
    "within_wingspan": (BOTH, "wingspan"),
    "wingspan_to_jsrt": ("wingspan", "jsrt"),
    "jsrt_to_wingspan": ("jsrt", "wingspan"),
}
HEART_EPOCHS, CLASSIFIER_EPOCHS = 16, 24
HEART_RELEASE, CLASSIFIER_RELEASE = "1.0.1", "1.0.0"


def heart_answers(
    films: Films, names: Sequence[str] = ALL, *, epochs: int = HEART_EPOCHS, way: Way = PLAIN
) -> dict[str, Answers]:
    """Answers of trainings of ``cxr-heart``, by name."""
    folder = work_folder() / f"cxr-heart-{HEART_RELEASE}-{epochs}"
    return {
        run.name: answers_of(films, run, epochs=epochs, seed=SEED, folder=folder, way=way)
        for run in runs(films)
        if run.name in names
    }


def classifier_logits(
    films: Films, names: Sequence[str] = ALL, *, epochs: int = CLASSIFIER_EPOCHS
) -> dict[str, NDArray[np.float64]]:
    """Logits of trainings of ``dicom-cardiac`` about the films each is asked, by name."""
    folder = work_folder() / f"dicom-cardiac-{CLASSIFIER_RELEASE}-{epochs}"
    found = {}
    for run in [one for one in runs(films) if one.name in names]:
        model = classifier.kept_model(films, run, epochs=epochs, seed=SEED, folder=folder)
        found[run.name] = classifier.logits_of(model, films.pictures[run.asked])
    return found


def fitted_error(films: Films, parts: list[Answers], among: NDArray[np.int64] | None = None) -> ErrorModel:
    """The error model of answers, of those about some films, or of all."""
    every = hearts.together(parts)
    chosen = np.isfinite(every.ratio)
    if among is not None:
        chosen &= np.isin(every.positions, among)
    return fit_error(every.ratio[chosen], every.spread[chosen], films.ratios[every.positions[chosen]])


def across(found: dict[str, Answers]) -> list[Answers]:
    """Answers to each site by the network of the other: each film once."""
    return [found[site] for site in SITES]


def _temperature(films: Films, logits: dict[str, NDArray[np.float64]], run: Run) -> float:
    """Temperature of a training's logits, from other trainings' held-out answers about the films that it learnt from."""
    others = [one for one in runs(films) if one.name != run.name and one.name in logits]
    positions = np.concatenate([one.asked for one in others])
    pooled = np.concatenate([logits[one.name] for one in others])
    kept = np.isin(positions, run.learn)
    return fit_temperature(pooled[kept], films.enlarged[positions[kept]].astype(np.int64))


def measure(
    films: Films, found: dict[str, Answers], logits: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    """All figures of both models in the settings whose training has answered."""
    figures: dict[str, Any] = {"cxr-heart": {}, "dicom-cardiac": {}}
    against: dict[str, Any] = {}
    by_name = {run.name: run for run in runs(films)}
    for setting, (name, site) in SETTINGS.items():
        if name not in found:
            continue
        run, answers = by_name[name], hearts.picked(found[name], films.sites[by_name[name].asked] == site)
        others = [one for other, one in found.items() if other != name]
        true, truth = films.ratios[answers.positions], films.enlarged[answers.positions]
        errors = fitted_error(films, others, run.learn)
        figures["cxr-heart"][setting], probability = heart_figures(answers, errors, true)
        said = logits[name][films.sites[run.asked] == site]
        other = probabilities(said, _temperature(films, logits, run))[:, 1]
        figures["dicom-cardiac"][setting] = {
            "films": len(truth),
            "enlarged": int(truth.sum()),
            **decisions(other, truth),
        }
        against[setting] = area_difference(probability, other, truth)
    return {"models": figures, "heart_less_classifier": against}


def evaluate(folder: Path, *, target: Path | None = None) -> dict[str, Any]:
    """Cross-validate both models; finished trainings are kept and not done again.

    Args:
        folder: holds ``chest_xray_ctr/``.
        target: file for the figures; the installed one puts them into the cards, too; None keeps them nowhere.

    Raises:
        FileNotFoundError: when the data are missing.
    """
    films = load(folder)
    found = heart_answers(films)
    measured: dict[str, Any] = {
        "protocol": PROTOCOL,
        "settings": WORDS,
        "films": {str(site): int((films.sites == site).sum()) for site in np.unique(films.sites)},
        "mended_masks": films.mended,
        "manners": manners(films),
        **measure(films, found, classifier_logits(films)),
        "gate": measure_gate(signal_member("cxr-heart"), films, found[BOTH], across(found)),
    }
    if target is not None:
        target.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    if target == RESULTS:
        for name in measured["models"]:
            place = MODELS / name.replace("-", "_") / "artefact"
            contract = json.loads((place / CONTRACT_FILE).read_text(encoding="utf-8"))
            write_contract(place, contract | {"metrics": stored_figures(name)})
    return measured


def lines(measured: dict[str, Any]) -> list[str]:
    """The figures for a terminal."""
    rows = [measured["protocol"]]
    for setting in measured["heart_less_classifier"]:
        heart, other = (measured["models"][name][setting] for name in ("cxr-heart", "dicom-cardiac"))
        shown = "  ".join(
            f"{name} {heart[name]['value']:.4f} ({heart[name]['low']:.4f} to {heart[name]['high']:.4f})"
            for name in ("ratio_mae", "heart_dice", "auc")
        )
        rows.append(f"{setting:18} {shown}  dicom-cardiac auc {other['auc']['value']:.4f}")
    return rows
