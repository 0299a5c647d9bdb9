"""Repeated cross-validation of all page models on the same folds, grouped by device; finished folds are kept."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold
from tqdm import tqdm

from ml.models.page_pictures.data import LABELS, RealPages, keep, work_folder
from ml.models.page_pictures.head import PageRecipe
from ml.models.page_pictures.last_layer import EPOCHS, MEMBERS, STRENGTHS, embedding_of, fit_all
from ml.models.page_pictures.pretraining import embeddings_of, pretrained
from ml.models.page_pictures.results import FOLDS, REPEATS
from ml.training.calibration import Calibration, probabilities, settle

CALIBRATED = 5  # one in five groups of the training side
SEED = 41
ALPHA, WANTED_ACCURACY, LEAST_COVERAGE = 0.10, 0.96, 0.70


def recipe(name: str) -> PageRecipe:
    """The recipe of a page model."""
    found: PageRecipe = importlib.import_module(f"ml.models.{name.replace('-', '_')}.card").RECIPE
    return found


def calibrate(
    logits: NDArray[np.float64], classes: NDArray[np.int64], groups: NDArray[np.str_]
) -> Calibration:
    """Temperature, prediction sets and abstention from pages that were not learnt from."""
    return settle(
        logits,
        classes,
        groups,
        labels=LABELS,
        alpha=ALPHA,
        accuracy=WANTED_ACCURACY,
        least_coverage=LEAST_COVERAGE,
    )


def outer_folds(pages: RealPages, repeat: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Positions of the training and of the held-out side of each fold."""
    splitter = StratifiedGroupKFold(n_splits=FOLDS, shuffle=True, random_state=SEED + repeat)
    yield from splitter.split(np.zeros(len(pages)), pages.classes, pages.groups)


def calibration_split(
    pages: RealPages, inside: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The training side divided by group into what is learnt from and what calibrates."""
    splitter = StratifiedGroupKFold(n_splits=CALIBRATED, shuffle=True, random_state=seed)
    learn, held = next(iter(splitter.split(inside, pages.classes[inside], pages.groups[inside])))
    return inside[learn], inside[held]


def all_embeddings(
    pages: RealPages, folder: Path, names: tuple[str, ...]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """What the last layer of each model is given for every page, and the models that learnt from drawn pages.

    Args:
        pages: the real pages.
        folder: holds ``ptbxl/`` and transferred weights.
        names: of the models.
    """
    pictures = pages.pictures()
    found, models = {}, {}
    for name in names:
        models[name], _ = pretrained(recipe(name), folder)
        given = pages.leads if recipe(name).whole is not None else pictures
        found[name] = embeddings_of(models[name], name, given)
    return found, models


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """Answers to pages that were held out, over all folds and repeats.

    Attributes:
        probability: calibrated, shape (n, 4).
        in_set: whether each class is in the prediction set, shape (n, 4).
        accepted: whether the answer was at or above the threshold, shape (n,).
        positions: which page, shape (n,).
        repeats: which repeat, shape (n,).
    """

    probability: NDArray[np.float64]
    in_set: NDArray[np.bool_]
    accepted: NDArray[np.bool_]
    positions: NDArray[np.int64]
    repeats: NDArray[np.int64]


Fold = Callable[
    [NDArray[np.int64], NDArray[np.int64], int], dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
]


def answered(
    held: NDArray[np.float64], logits: NDArray[np.float64], pages: RealPages, calibrating: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Calibrated answers to held-out pages.

    Args:
        held: logits of the calibration side.
        logits: of the held-out side.
        pages: the real pages.
        calibrating: positions of the calibration side.
    """
    settled = calibrate(held, pages.classes[calibrating], pages.groups[calibrating])
    share = probabilities(logits, settled.temperature)
    in_set = share >= settled.least
    in_set[np.arange(len(share)), share.argmax(axis=1)] = True
    return {
        "probability": share,
        "in_set": in_set,
        "accepted": share.max(axis=1) >= settled.threshold,
    }


def _fingerprint(pages: RealPages, given: dict[str, NDArray[np.float32]]) -> str:
    """Changes with the pages, with what is learnt from, and with how."""
    found = hashlib.sha256(repr((MEMBERS, STRENGTHS, ALPHA, WANTED_ACCURACY, LEAST_COVERAGE)).encode())
    for part in (pages.names, pages.classes, pages.groups):
        found.update(part.tobytes())
    for name, values in given.items():
        found.update(name.encode() + values.tobytes())
    return found.hexdigest()[:16]


def cross_validated(
    pages: RealPages,
    fit: Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int], dict[str, Any]],
    *,
    name: str,
    given: dict[str, NDArray[np.float32]],
    repeats: int = REPEATS,
) -> dict[str, Pooled]:
    """Cross-validate models on the same folds; each fold is kept as soon as it is done.

    Args:
        pages: the real pages.
        fit: from positions to learn from, to calibrate on and to answer, and a seed, to calibrated answers by model.
        name: of what is kept.
        given: what `fit` learns from. A fold is kept for these pages and this content.
        repeats: how often the folds are drawn.
    """
    of = _fingerprint(pages, given)
    rows: dict[str, list[dict[str, Any]]] = {}
    bar = tqdm(total=repeats * FOLDS, desc=name)
    for repeat in range(repeats):
        for number, (inside, outside) in enumerate(outer_folds(pages, repeat)):
            seed = SEED + 10 * repeat + number
            kept = work_folder() / f"fold-{name}-{of}-{repeat}-{number}.npz"
            if not kept.exists():
                learn, held = calibration_split(pages, inside, seed)
                found = fit(learn, held, outside, seed)
                keep(kept, **{f"{m}/{key}": value for m, one in found.items() for key, value in one.items()})
            with np.load(kept) as arrays:
                for key in arrays.files:
                    model, field = key.split("/")
                    if field == "probability":
                        rows.setdefault(model, []).append(
                            {"positions": outside, "repeats": np.full(len(outside), repeat)}
                        )
                    rows[model][-1][field] = arrays[key]
            bar.update()
    return {
        model: Pooled(**{key: np.concatenate([one[key] for one in parts]) for key in parts[0]})
        for model, parts in rows.items()
    }


def fit_fold(
    pages: RealPages, embeddings: dict[str, NDArray[np.float32]], *, epochs: int = EPOCHS
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int], dict[str, Any]]:
    """What `cross_validated` calls for the page models."""

    def fit(
        learn: NDArray[np.int64], held: NDArray[np.int64], outside: NDArray[np.int64], seed: int
    ) -> dict[str, Any]:
        layers = fit_all(embeddings, learn, pages.classes, pages.groups, iterations=epochs, seed=seed)
        found = {}
        for name, layer in layers.items():
            logits = layer.logits(embedding_of(name, embeddings))
            found[name] = answered(logits[held], logits[outside], pages, held)
        return found

    return fit
