"""A bounded search for settings. Every trial is kept; the choice is written into the model's recipe by hand, from the file."""

from __future__ import annotations

import functools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, log_loss
from tqdm import tqdm

from ml.datasets import ptbxl
from ml.datasets.beats import LABELS, Beats
from ml.models.beat_pictures import data
from ml.models.beat_pictures.fitting import Examples, Schedule, fit, logits_of
from ml.models.beat_pictures.recipe import Recipe
from ml.training.calibration import probabilities

FILE = "trials.json"
EPOCHS = 3
SEED = 20
_NORMAL_PER_PERSON = 1
PROTOCOL = (
    "Learnt from PTB-XL folds 5 to 8, judged on fold 9 (other people), three epochs, one seed. No record of MIT-BIH or vfdb takes "
    "part, so that no test fold of the comparison has decided anything; hence VF decides nothing either. Macro F1 is over the "
    "five classes that PTB-XL shows; the recipe has the settings with the highest, or the quicker of two within 0.02."
)


def people(folder: Path) -> tuple[Beats, Beats]:
    """Beats of PTB-XL to learn from and to judge by; at most one normal beat of a person.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    rng = np.random.default_rng(SEED)
    caps = {"Normal": _NORMAL_PER_PERSON}
    sides = (ptbxl.load(folder / "ptbxl", folds) for folds in (ptbxl.TRAINING_FOLDS, ptbxl.VALIDATION_FOLDS))
    training, validation = (beats.capped(caps, rng) for beats in sides)
    return training, validation


def _figures(logits: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    shares = probabilities(logits, 1.0)
    present = np.unique(classes)
    return {
        "macro_f1": round(
            float(f1_score(classes, shares.argmax(axis=1), labels=present, average="macro", zero_division=0)),
            4,
        ),
        "log_loss": round(float(log_loss(classes, shares, labels=range(len(LABELS)))), 4),
    }


def search(recipe: Recipe, folder: Path, *, epochs: int = EPOCHS) -> dict[str, Any]:
    """Try every setting of a recipe.

    Args:
        recipe: the model; `Recipe.trials` are tried, each in place of the chosen settings of the same names.
        folder: holds ``ptbxl/`` and transferred weights.
        epochs: epochs of each trial.

    Returns:
        JSON types: ``protocol``, ``beats`` on either side, and ``trials``, each its settings with its figures.

    Raises:
        DataNotFoundError: when data or transferred weights are missing.
    """
    training, validation = people(folder)
    learnt = data.examples(training, variants=1, seed=SEED)
    judged = Examples(variants=data.pictures(validation)[:, None], classes=data.positions(validation.labels))
    rows = []
    for settings in tqdm(recipe.trials, desc=recipe.name):
        tried = recipe.tried(settings)
        started = time.monotonic()
        ready = tried.network(folder)
        held = tried.seen_examples(ready, judged)
        with tempfile.TemporaryDirectory() as scratch:
            model, best = fit(
                functools.partial(tried.network, folder),
                tried.seen_examples(ready, learnt),
                held,
                schedule=Schedule(epochs=epochs, seed=SEED, rate=tried.rate),
                checkpoint=Path(scratch) / "best.keras",
                learner=tried.learner,
            )
        logits = logits_of(tried.learner(model), held.variants[:, 0])
        rows.append(
            {
                "settings": tried.settings,
                "parameters": model.count_params(),
                **_figures(logits, judged.classes),
                "best_epoch": best,
                "seconds": round(time.monotonic() - started),
            }
        )
    return {
        "protocol": PROTOCOL,
        "beats": {"learnt": len(training), "judged": len(validation)},
        "trials": rows,
    }


def write(found: dict[str, Any], artefact: Path) -> None:
    """Keep all trials beside the model."""
    artefact.mkdir(parents=True, exist_ok=True)
    (artefact / FILE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
