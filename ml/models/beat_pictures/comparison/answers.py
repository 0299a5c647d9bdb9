"""Answers of networks that had not seen the record: trained once per model and fold, kept, and not made twice."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.datasets.beats import LABELS
from ml.models.beat_pictures import data
from ml.models.beat_pictures.calibrate import calibrate
from ml.models.beat_pictures.comparison import material
from ml.models.beat_pictures.comparison.entries import CONTROL, settings_of
from ml.models.beat_pictures.comparison.material import Fold, Material, dealt_anew
from ml.models.beat_pictures.fitting import Examples, Schedule, fit, logits_of
from ml.models.beat_pictures.recipe import Recipe
from ml.training.calibration import probabilities


def _file(work: Path, recipe: Recipe, made: Material, fold: int, epochs: int) -> Path:
    """Where the answers of one fold are kept; another protocol, setting or data set gives another name."""
    facts: dict[str, Any] = settings_of(recipe) | {
        "caps": [data.REDUCED_CAPS, material.TESTED_CAPS, data.REDUCED_PEOPLE_CAPS],
        "seed": [material.SEED, material.VARIANTS, material.SNR_DB, epochs],
        "beats": hashlib.sha256(made.drawn.variants[:, 0].tobytes() + made.shown[0].tobytes()).hexdigest(),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return work / f"{recipe.name}-{fold}-{digest}.npy"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The material as the learning part of a model is given it."""

    drawn: Examples
    shown: NDArray[Any]


def _seen(recipe: Recipe, made: Material, folder: Path) -> _Seen:
    """What does not learn is computed once for all folds."""
    ready = recipe.network(folder)
    levels, count = made.shown.shape[:2]
    flat = recipe.seen(ready, made.shown.reshape(levels * count, *made.shown.shape[2:]))
    return _Seen(
        drawn=recipe.seen_examples(ready, made.drawn), shown=flat.reshape(levels, count, *flat.shape[1:])
    )


def _one_fold(
    recipe: Recipe, made: Material, seen: _Seen, fold: Fold, *, folder: Path, schedule: Schedule
) -> NDArray[np.float32]:
    """Train on one side, stop and calibrate inside it, answer for the other: shape (levels, held out, 6), calibrated."""
    drawn = seen.drawn
    if recipe.name == CONTROL.name:
        drawn = dataclasses.replace(
            drawn, classes=dealt_anew(drawn.classes, made.pool.records, seed=schedule.seed)
        )
    stopped = drawn.take(fold.stopped)
    with tempfile.TemporaryDirectory() as scratch:
        model, _ = fit(
            functools.partial(recipe.network, folder),
            drawn.take(fold.learnt),
            stopped,
            schedule=schedule,
            checkpoint=Path(scratch) / "best.keras",
            learner=recipe.learner,
        )
    learner = recipe.learner(model)
    settled = calibrate(
        logits_of(learner, stopped.variants[:, 0]), stopped.classes, made.pool.records[fold.stopped]
    )
    given = [logits_of(learner, level[fold.held_out]) for level in seen.shown]
    return np.stack([probabilities(logits, settled.temperature) for logits in given]).astype(np.float32)


def answers(
    recipes: Sequence[Recipe], made: Material, folder: Path, work: Path, *, epochs: int
) -> dict[str, NDArray[np.float64]]:
    """Out-of-fold answers of every model; what lies in the work folder is taken from there.

    Args:
        recipes: the models.
        made: the beats.
        folder: the data folder, for transferred weights.
        work: folder for the answers of each fold.
        epochs: most epochs per fold.

    Returns:
        By model: calibrated probabilities of the tested beats at each level of noise, shape (levels, n, 6).
    """
    work.mkdir(parents=True, exist_ok=True)
    pooled = {}
    bar = tqdm(total=len(recipes) * len(made.folds), desc="models and folds")
    for recipe in recipes:
        found = np.zeros((*made.shown.shape[:2], len(LABELS)))
        seen: _Seen | None = None
        for number, fold in enumerate(made.folds):
            bar.set_postfix_str(f"{recipe.name}, fold {number + 1}")
            path = _file(work, recipe, made, number, epochs)
            if not path.exists():
                seen = seen or _seen(recipe, made, folder)
                schedule = Schedule(epochs=epochs, seed=material.SEED + number, rate=recipe.rate)
                given = _one_fold(recipe, made, seen, fold, folder=folder, schedule=schedule)
                with tempfile.NamedTemporaryFile(dir=work, suffix=".part", delete=False) as part:
                    np.save(part, given)
                Path(part.name).replace(path)
                keras.backend.clear_session()
            shares = np.load(path).astype(np.float64)
            found[:, fold.held_out] = shares / shares.sum(axis=2, keepdims=True)
            bar.update()
        pooled[recipe.name] = found
    bar.close()
    return pooled
