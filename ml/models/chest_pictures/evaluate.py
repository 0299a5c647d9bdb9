"""Measures both chest models on the same films, within and across sites; the figures go into the cards and ``docs/results.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.chest.measuring import ErrorModel, fit_error
from ml.models.chest_pictures.data import Films, load
from ml.models.chest_pictures.figures import area_difference, decisions, errors_by_film, heart_figures
from ml.models.chest_pictures.folds import Run, runs, work_folder
from ml.models.chest_pictures.gate import measure_gate
from ml.models.chest_pictures.results import PROTOCOL, RESULTS, SETTINGS, stored_figures
from ml.models.cxr_heart import answers as hearts
from ml.models.cxr_heart.answers import Answers, answers_of
from ml.models.dicom_cardiac import fitting as classifier
from ml.registry import CONTRACT_FILE, MODELS
from ml.serving.signals import signal_member
from ml.training.calibration import fit_temperature, probabilities
from ml.training.card import write_contract

SEED = 1
HEART_EPOCHS, CLASSIFIER_EPOCHS = 16, 40
HEART_RELEASE = CLASSIFIER_RELEASE = "1.0.0"


def heart_answers(films: Films, *, epochs: int = HEART_EPOCHS) -> dict[str, Answers]:
    """Answers of every training of ``cxr-heart``, by its name."""
    folder = work_folder() / f"cxr-heart-{HEART_RELEASE}-{epochs}"
    return {run.name: answers_of(films, run, epochs=epochs, seed=SEED, folder=folder) for run in runs(films)}


def classifier_logits(films: Films, *, epochs: int = CLASSIFIER_EPOCHS) -> dict[str, NDArray[np.float64]]:
    """Logits of every training of ``dicom-cardiac`` about the films it is asked, by its name."""
    folder = work_folder() / f"dicom-cardiac-{CLASSIFIER_RELEASE}-{epochs}"
    found = {}
    for run in runs(films):
        model = classifier.kept_model(films, run, epochs=epochs, seed=SEED, folder=folder)
        found[run.name] = classifier.logits_of(model, films.pictures[run.asked])
    return found


def fitted_error(films: Films, parts: list[Answers], site: str | None = None) -> ErrorModel:
    """The error model of answers to films of one site, or of both."""
    whole = hearts.together(parts)
    chosen = np.isfinite(whole.ratio)
    if site is not None:
        chosen &= films.sites[whole.positions] == site
    return fit_error(whole.ratio[chosen], whole.spread[chosen], films.ratios[whole.positions[chosen]])


def _settings(films: Films) -> dict[str, list[tuple[Run, str]]]:
    """The trainings whose answers a setting pools, and the site whose films are counted."""
    by_name = {run.name: run for run in runs(films)}
    folds = [run for name, run in by_name.items() if name.startswith("both")]
    return {
        "within_jsrt": [(run, "jsrt") for run in folds],
        "within_wingspan": [(run, "wingspan") for run in folds],
        "wingspan_to_jsrt": [(by_name["wingspan"], "jsrt")],
        "jsrt_to_wingspan": [(by_name["jsrt"], "wingspan")],
    }


def _calibrating(run: Run, films: Films) -> tuple[list[str], str | None]:
    """Names of the trainings whose answers calibrate a training, and the site they are limited to."""
    folds = [one.name for one in runs(films) if one.name.startswith("both")]
    return ([name for name in folds if name != run.name], None) if run.name in folds else (folds, run.name)


def _chosen(answers: Answers, films: Films, site: str) -> NDArray[np.bool_]:
    return np.asarray(films.sites[answers.positions] == site)


def _part(answers: Answers, chosen: NDArray[np.bool_]) -> Answers:
    return Answers(**{name: getattr(answers, name)[chosen] for name in Answers.__slots__})


def _temperature(films: Films, logits: dict[str, NDArray[np.float64]], run: Run) -> float:
    """Temperature of a training's logits, from held-out answers of others."""
    names, site = _calibrating(run, films)
    positions = np.concatenate([one.asked for one in runs(films) if one.name in names])
    pooled = np.concatenate([logits[one.name] for one in runs(films) if one.name in names])
    kept = np.ones(len(positions), dtype=bool) if site is None else films.sites[positions] == site
    return fit_temperature(pooled[kept], films.enlarged[positions[kept]].astype(np.int64))


def measure(
    films: Films, found: dict[str, Answers], logits: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    """All figures of both models."""
    hearts_of: dict[str, Any] = {}
    classifiers: dict[str, Any] = {}
    against: dict[str, Any] = {}
    for setting, parts in _settings(films).items():
        kept = [_part(found[run.name], _chosen(found[run.name], films, site)) for run, site in parts]
        models = []
        for run, _ in parts:
            names, site_of = _calibrating(run, films)
            models.append(fitted_error(films, [found[name] for name in names], site_of))
        answers = hearts.together(kept)
        true = films.ratios[answers.positions]
        sigma, reach, most = errors_by_film(models, [part.spread for part in kept])
        hearts_of[setting], probability = heart_figures(answers, sigma, reach, most, true)
        said = [
            probabilities(logits[run.name][films.sites[run.asked] == site], _temperature(films, logits, run))[
                :, 1
            ]
            for run, site in parts
        ]
        truth = films.enlarged[answers.positions]
        other = np.concatenate(said)
        classifiers[setting] = {"films": len(truth), "enlarged": int(truth.sum()), **decisions(other, truth)}
        against[setting] = area_difference(probability, other, truth)
    return {
        "models": {"cxr-heart": hearts_of, "dicom-cardiac": classifiers},
        "heart_less_classifier": against,
    }


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
    folds = {name: answers for name, answers in found.items() if name.startswith("both")}
    measured: dict[str, Any] = {
        "protocol": PROTOCOL,
        "settings": SETTINGS,
        "films": {str(site): int((films.sites == site).sum()) for site in np.unique(films.sites)},
        "mended_masks": films.mended,
        **measure(films, found, classifier_logits(films)),
        "gate": measure_gate(signal_member("cxr-heart"), films, folds),
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
    for setting in measured["settings"]:
        heart, other = (measured["models"][name][setting] for name in ("cxr-heart", "dicom-cardiac"))
        shown = "  ".join(
            f"{name} {heart[name]['value']:.4f} ({heart[name]['low']:.4f} to {heart[name]['high']:.4f})"
            for name in ("ratio_mae", "heart_dice", "auc")
        )
        rows.append(f"{setting:18} {shown}  dicom-cardiac auc {other['auc']['value']:.4f}")
    return rows
