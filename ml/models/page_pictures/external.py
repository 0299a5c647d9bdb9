"""The installed page models on recordings of PTB-XL drawn in a layout that they never learnt from, and read back from the picture."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.datasets.ptbxl import TEST_FOLDS
from ml.evaluation.digitiser import twelve_leads
from ml.evaluation.metrics import interval
from ml.evaluation.pages import areas, auc
from ml.models.page_pictures.data import (
    READER,
    leads_once,
    listing_of,
    prepared_once,
    source_of,
    work_folder,
)
from ml.pages.damage import damaged, scan_damage
from ml.pages.render import render_page
from ml.pages.style import random_style
from ml.preprocessing.page_image import VERSION, relaid
from ml.serving.page_models import answer_prepared, page_models

LAYOUT = "6x2"
PAGES = 90
SEED = 44
_RESAMPLES = 1000
_PX_PER_MM = 5.0
_PAGE_MM = (0.0, 0.0, 297.0, 210.0)


def _chosen(folder: Path, count: int) -> list[dict[str, str]]:
    """Recordings of the test fold: one third normal, one third with an infarction, one third with neither."""
    rows = listing_of(folder, TEST_FOLDS)
    kinds = {
        "normal": [row for row in rows if float(row["NORM"])],
        "infarction": [row for row in rows if float(row["MI"])],
        "other": [row for row in rows if not float(row["NORM"]) and not float(row["MI"])],
    }
    rng = np.random.default_rng(SEED)
    return [mine[i] for mine in kinds.values() for i in rng.permutation(len(mine))[: count // len(kinds)]]


def _picture(folder: Path, row: dict[str, str], seed: int) -> NDArray[np.uint8]:
    """A recording drawn in a random style and scanned."""
    rng = np.random.default_rng([SEED, seed])
    stored = np.load(folder / "ptbxl" / "signals.npy", mmap_mode="r")
    style = random_style(rng, px_per_mm=_PX_PER_MM, layout=LAYOUT)
    drawn = render_page(twelve_leads(stored[int(row["row"])]), 500.0, style).image
    return damaged(drawn, scan_damage(rng), seed=seed).image


def _area(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Area under the curve with its 95 % interval by bootstrap over recordings (one per person at most times)."""
    rng = np.random.default_rng(SEED)
    size = len(scores)
    drawn = rng.multinomial(size, np.full(size, 1.0 / size), _RESAMPLES).astype(float)
    return interval(auc(scores, truth), areas(scores, truth, drawn))


def external(folder: Path, *, count: int = PAGES, quiet: bool = False) -> dict[str, Any]:
    """Measure the installed models.

    Args:
        folder: holds ``ptbxl/``.
        count: how many recordings are drawn.
        quiet: whether to hide the progress bar.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    rows = _chosen(folder, count)
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in page_models()}
    kept, refused = [], 0
    for seed, row in enumerate(tqdm(rows, desc="pages of fold 10", disable=quiet)):
        place = work_folder() / f"external-{LAYOUT}-{VERSION}-{READER}-{SEED}-{seed}-{row['row']}.npz"
        arrays = prepared_once(place, functools.partial(_picture, folder, row, seed))
        if "refused" in arrays:
            refused += 1
            continue
        kept.append(row)
        source = source_of(arrays)
        shown = dataclasses.replace(relaid(source), leads=leads_once(source, place))
        for result in answer_prepared(shown, _PAGE_MM):
            answers[result.model].append(result.probabilities)
    normal = np.array([bool(float(row["NORM"])) for row in kept])
    infarction = np.array([bool(float(row["MI"])) for row in kept])
    models = {}
    for name, rows_of in answers.items():
        share = {label: np.array([one[label] for one in rows_of]) for label in rows_of[0]}
        any_mi = share["Myocardial infarction"] + share["History of MI"]
        models[name] = {
            "normal_against_rest": _area(share["Normal ECG"], normal),
            "infarction_against_rest": _area(any_mi, infarction),
            "infarction_against_normal": _area(any_mi[normal | infarction], infarction[normal | infarction]),
        }
    return {
        "protocol": (
            f"PTB-XL fold 10 drawn as {LAYOUT}, a layout that was not drawn for learning, in any paper, pen and font, scanned, then "
            "straightened, read and answered by the installed weights; area under the ROC curve. An infarction is any that is "
            "stated, new or old: the scores of both classes are added."
        ),
        "layout": LAYOUT,
        "pages": len(kept),
        "refused": refused,
        "models": models,
    }
