"""What was tried to teach ``cxr-heart``, on the splits of the evaluation. Every trial is kept; `ways.SHIPPED` is served."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from ml.datasets.chest_xray import SITES
from ml.models.chest_pictures import evaluate
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.folds import MEMBERS
from ml.models.cxr_heart import answers as hearts
from ml.models.cxr_heart.answers import Answers
from ml.models.cxr_heart.ways import SHIPPED

FILE = "trials.json"
KEPT = ("by_scripts", "earlier")
PROTOCOL = (
    "The splits of the evaluation; in the folds within the sites one network answers. Each way was fixed before its first answer, but what "
    "is served was chosen by these very figures across the sites, as there is no third site: they flatter it a little."
)


def _row(answers: Answers, films: Films) -> dict[str, Any]:
    off = answers.ratio - films.ratios[answers.positions]
    return {
        "ratio_mae": round(float(np.nanmean(np.abs(off))), 4),
        "ratio_bias": round(float(np.nanmean(off)), 4),
        "heart_dice": round(float(answers.dice[:, 2].mean()), 4),
        "not_measured": int(np.isnan(off).sum()),
    }


def _figures(films: Films, members: int | None) -> dict[str, Any]:
    """Figures of so many networks together, by setting of the evaluation; of what is served if None."""
    found = evaluate.heart_answers(films, evaluate.ALL if members is None else SITES, members=members)
    figures = {}
    for setting, (names, site) in evaluate.SETTINGS.items():
        if set(names) <= set(found):
            every = hearts.together([found[name] for name in names])
            figures[setting] = _row(hearts.picked(every, films.sites[every.positions] == site), films)
    return figures


def search(films: Films) -> dict[str, Any]:
    """Figures of one network and of those that are served together; finished trainings are kept and not done again.

    Returns:
        JSON types: ``protocol``, ``settings`` and ``trials``, each with its figures by setting of the evaluation.
    """
    return {
        "protocol": PROTOCOL,
        "settings": dataclasses.asdict(SHIPPED),
        "trials": [
            {"way": SHIPPED.words, "figures": _figures(films, 1)},
            {"way": f"the same, {MEMBERS} networks together", "figures": _figures(films, None)},
        ],
    }


def write(found: dict[str, Any], artefact: Path) -> None:
    """Keep all trials beside the model; what was tried otherwise (`KEPT`) stays as it is."""
    artefact.mkdir(parents=True, exist_ok=True)
    file = artefact / FILE
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept = {name: before[name] for name in KEPT if name in before}
    file.write_text(json.dumps(found | kept, indent=1) + "\n", encoding="utf-8")


def lines(found: dict[str, Any]) -> list[str]:
    """The trials for a terminal."""
    return [
        f"{row['way']}: "
        + "  ".join(
            f"{name} error {part['ratio_mae']:.4f} mean {part['ratio_bias']:+.4f} Dice {part['heart_dice']:.4f}"
            for name, part in row["figures"].items()
        )
        for row in found["trials"]
    ]
