"""Measures both chest models on the same films, within and across sites; the figures go into the cards and ``docs/results.md``."""

from __future__ import annotations

import dataclasses
import functools
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
from ml.models.chest_pictures.folds import FOLDS, Run, runs, work_folder
from ml.models.chest_pictures.gate import measure_gate
from ml.models.chest_pictures.manners import manners
from ml.models.chest_pictures.results import PROTOCOL, RESULTS, WORDS, stored_figures
from ml.models.cxr_heart import answers as hearts
from ml.models.cxr_heart.answers import Answers, answers_of
from ml.models.cxr_heart.ways import SHIPPED, Way
from ml.models.dicom_cardiac import fitting as classifier
from ml.registry import CONTRACT_FILE, MODELS
from ml.serving.signals import signal_member
from ml.training.calibration import fit_temperature, probabilities
from ml.training.card import write_contract
from ml.training.side_by_side import side_by_side

SEED = 1
ALL = (*SITES, *FOLDS)
# What is measured: the trainings that answer, and the site whose films are counted.
SETTINGS = {
    "within_jsrt": (FOLDS, "jsrt"),
    "within_wingspan": (FOLDS, "wingspan"),
    "wingspan_to_jsrt": (("wingspan",), "jsrt"),
    "jsrt_to_wingspan": (("jsrt",), "wingspan"),
}
CLASSIFIER_EPOCHS = 24
HEART_RELEASE, CLASSIFIER_RELEASE = "2.0.0", "1.0.0"


def heart_folder(way: Way, epochs: int) -> Path:
    """Where the trainings of a way are kept."""
    return work_folder() / f"cxr-heart-{way.name}-{epochs}"


def heart_answers(
    films: Films,
    names: Sequence[str] = ALL,
    *,
    way: Way = SHIPPED,
    epochs: int | None = None,
    members: int | None = None,
) -> dict[str, Answers]:
    """Answers of trainings of ``cxr-heart``, by name; those that are not done yet are done side by side.

    Args:
        films: all films.
        names: of the trainings.
        way: how the networks are taught.
        epochs: of each network; those of the way if None.
        members: how many networks answer together; as many as each training has if None.
    """
    steps = epochs or way.epochs
    chosen = [
        run if members is None else dataclasses.replace(run, members=members)
        for run in runs(films)
        if run.name in names
    ]
    answering = functools.partial(
        answers_of, films, epochs=steps, seed=SEED, folder=heart_folder(way, steps), way=way
    )
    return dict(zip([run.name for run in chosen], side_by_side(answering, chosen), strict=True))


def classifier_logits(
    films: Films, names: Sequence[str] = ALL, *, epochs: int = CLASSIFIER_EPOCHS
) -> dict[str, NDArray[np.float64]]:
    """Logits of trainings of ``dicom-cardiac`` about the films each is asked, by name."""
    folder = work_folder() / f"dicom-cardiac-{CLASSIFIER_RELEASE}-{epochs}"
    chosen = [run for run in runs(films) if run.name in names]
    answering = functools.partial(classifier.held_out_logits, films, epochs=epochs, seed=SEED, folder=folder)
    return dict(zip([run.name for run in chosen], side_by_side(answering, chosen), strict=True))


def of_one_kind(name: str) -> list[str]:
    """The other trainings whose held-out answers calibrate one: the other folds, or the other site."""
    kind = FOLDS if name in FOLDS else SITES
    return [other for other in kind if other != name]


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
    others = [one for one in runs(films) if one.name in of_one_kind(run.name)]
    positions = np.concatenate([one.asked for one in others])
    pooled = np.concatenate([logits[one.name] for one in others])
    kept = np.isin(positions, run.learn)
    return fit_temperature(pooled[kept], films.enlarged[positions[kept]].astype(np.int64))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Said:
    """What both models say of the films of a setting, each calibrated by its own training.

    Attributes:
        answers: of ``cxr-heart``.
        sigma: standard deviation of the error of its ratio, shape (n,).
        half_width: of its 90 % interval, shape (n,).
        other: probability of an enlarged heart by ``dicom-cardiac``, shape (n,).
    """

    answers: Answers
    sigma: NDArray[np.float64]
    half_width: NDArray[np.float64]
    other: NDArray[np.float64]


def _said(
    films: Films, found: dict[str, Answers], logits: dict[str, NDArray[np.float64]], run: Run, site: str
) -> Said:
    """What one training says of the films of a site that it was asked about."""
    here = films.sites[run.asked] == site
    answers = hearts.picked(found[run.name], here)
    errors = fitted_error(films, [found[name] for name in of_one_kind(run.name)], run.learn)
    sigma = errors.of(answers.spread)
    probability = probabilities(logits[run.name][here], _temperature(films, logits, run))[:, 1]
    return Said(answers=answers, sigma=sigma, half_width=errors.reach * sigma, other=probability)


def measure(
    films: Films, found: dict[str, Answers], logits: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    """All figures of both models in every setting."""
    figures: dict[str, Any] = {"cxr-heart": {}, "dicom-cardiac": {}}
    against: dict[str, Any] = {}
    by_name = {run.name: run for run in runs(films)}
    for setting, (names, site) in SETTINGS.items():
        parts = [_said(films, found, logits, by_name[name], site) for name in names]
        answers = hearts.together([part.answers for part in parts])
        sigma, half_width, other = (
            np.concatenate([getattr(part, field) for part in parts])
            for field in ("sigma", "half_width", "other")
        )
        true, truth = films.ratios[answers.positions], films.enlarged[answers.positions]
        figures["cxr-heart"][setting], probability = heart_figures(
            answers, true, sigma=sigma, half_width=half_width
        )
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
        "gate": measure_gate(
            signal_member("cxr-heart"), films, [found[name] for name in FOLDS], across(found)
        ),
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
