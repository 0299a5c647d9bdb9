"""What was tried to teach ``cxr-heart``, on the splits of the evaluation. Every trial is kept; `ways.PLAIN` is shipped."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.chest_xray import SITES
from ml.models.chest_pictures import evaluate
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.folds import BOTH
from ml.models.cxr_heart import answers as hearts
from ml.models.cxr_heart.answers import Answers
from ml.models.cxr_heart.ways import PLAIN, VARIED

FILE = "trials.json"
PROTOCOL = (
    "The splits of the evaluation. No figure here chose a setting: each was fixed before its first answer, and what does not better both "
    "directions is not shipped. A corrected ratio lies on a line (measured to drawn) that was fitted to held-out answers about the films "
    "of the training site alone, by the network of half of both sites."
)


def _row(ratio: NDArray[np.float64], answers: Answers, films: Films) -> dict[str, Any]:
    off = ratio - films.ratios[answers.positions]
    return {
        "ratio_mae": round(float(np.nanmean(np.abs(off))), 4),
        "ratio_bias": round(float(np.nanmean(off)), 4),
        "heart_dice": round(float(answers.dice[:, 2].mean()), 4),
        "not_measured": int(np.isnan(off).sum()),
    }


def _corrected(found: dict[str, Answers], films: Films, site: str) -> NDArray[np.float64]:
    """Ratios that the network of a site measures, by the line of held-out answers about that site's own films."""
    known = found[BOTH]
    own = hearts.picked(known, (films.sites[known.positions] == site) & np.isfinite(known.ratio))
    slope, start = np.polyfit(own.ratio, films.ratios[own.positions], 1)
    return np.asarray(start + slope * found[site].ratio)


def search(films: Films) -> dict[str, Any]:
    """Figures of every way; finished trainings are kept and not done again.

    Returns:
        JSON types: ``protocol`` and ``trials``, each with its figures by setting of the evaluation.
    """
    plain = evaluate.heart_answers(films)
    varied = evaluate.heart_answers(films, SITES, way=VARIED)
    tried: dict[str, dict[str, Any]] = {
        PLAIN.words: {},
        f"{PLAIN.words}, corrected": {},
        f"{PLAIN.words}, {VARIED.words}": {},
    }
    for setting, (name, site) in evaluate.SETTINGS.items():
        here = films.sites[plain[name].positions] == site
        asked = hearts.picked(plain[name], here)
        tried[PLAIN.words][setting] = _row(asked.ratio, asked, films)
        if name in SITES:
            corrected = _corrected(plain, films, name)[here]
            tried[f"{PLAIN.words}, corrected"][setting] = _row(corrected, asked, films)
            other = hearts.picked(varied[name], here)
            tried[f"{PLAIN.words}, {VARIED.words}"][setting] = _row(other.ratio, other, films)
    settings = {"plain": dataclasses.asdict(PLAIN), "varied": dataclasses.asdict(VARIED)}
    return {
        "protocol": PROTOCOL,
        "settings": settings,
        "trials": [{"way": way, "figures": figures} for way, figures in tried.items()],
    }


def write(found: dict[str, Any], artefact: Path) -> None:
    """Keep all trials beside the model."""
    artefact.mkdir(parents=True, exist_ok=True)
    (artefact / FILE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


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
