"""Measures all page models on the same folds, with controls that must fail; the figures go into the cards and ``docs/results.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ml import registry
from ml.evaluation.pages import abstention_report, difference, page_report, sets_report
from ml.models.page_pictures import controls
from ml.models.page_pictures.data import LABELS, RealPages, real_pages
from ml.models.page_pictures.external import external
from ml.models.page_pictures.folds import (
    ALPHA,
    Pooled,
    all_embeddings,
    cross_validated,
    fit_fold,
)
from ml.models.page_pictures.last_layer import EPOCHS, FUSION, JOINED
from ml.models.page_pictures.results import CONTROLS, MODELS, PROTOCOL, stored_figures
from ml.preprocessing.page_image import PageSource, Tone
from ml.registry import CONTRACT_FILE
from ml.training.card import write_contract

TONES: tuple[Tone, ...] = ("ink", "binary", "grey", "clahe")
_SHORT_S = 3.5


def figures_of(pooled: Pooled, pages: RealPages) -> dict[str, Any]:
    """All figures of one model."""
    classes, groups = pages.classes[pooled.positions], pages.groups[pooled.positions]
    return {
        "protocol": PROTOCOL,
        **page_report(pooled.probability, classes, groups, labels=LABELS),
        "prediction_sets": sets_report(pooled.in_set, classes, labels=LABELS, alpha=ALPHA),
        "abstention": abstention_report(pooled.accepted, pooled.probability, classes),
    }


def _is_usual(source: PageSource) -> bool:
    """Whether a page has four columns and one strip."""
    short = [box.seconds for box in source.boxes if not box.rhythm]
    return sum(box.rhythm for box in source.boxes) == 1 and max(short, default=10.0) < _SHORT_S


def _usual_layout(pooled: Pooled, pages: RealPages) -> dict[str, Any]:
    """The figures on pages of 3x4 and a strip alone: other layouts are hardly ever normal in the data."""
    usual = np.array([_is_usual(source) for source in pages.sources])[pooled.positions]
    classes, groups = pages.classes[pooled.positions][usual], pages.groups[pooled.positions][usual]
    found = page_report(pooled.probability[usual], classes, groups, labels=LABELS)
    return {name: found[name] for name in ("pages", "accuracy", "macro_f1", "macro_auc")}


def _controls(pages: RealPages) -> dict[str, Any]:
    """Controls and tones, one repeat."""
    pictures = {tone: pages.pictures(tone) for tone in TONES}
    shown = {
        "header": controls.headers(pages),
        "paper": controls.papers(pages),
        "border": controls.borders(pictures["ink"]),
        **{f"tone {tone}": controls.whole(made) for tone, made in pictures.items()},
    }
    pooled = cross_validated(pages, controls.fit_fold(pages, shown), name="controls", repeats=1)
    majority = float(np.bincount(pages.classes).max() / len(pages))
    rows = {}
    for name, one in pooled.items():
        found = page_report(
            one.probability, pages.classes[one.positions], pages.groups[one.positions], labels=LABELS
        )
        rows[name] = {key: found[key] for key in ("accuracy", "macro_f1", "macro_auc")}
    tones = {tone: rows.pop(f"tone {tone}") for tone in TONES}
    return {
        "protocol": "A small network of four convolutions learnt from real pages alone, on the folds of the first repeat.",
        "majority_class": round(majority, 4),
        "controls": {name: {"what": CONTROLS[name], **row} for name, row in rows.items()},
        "tones": tones,
    }


def evaluate(folder: Path, *, epochs: int = EPOCHS, target: Path | None = None) -> dict[str, Any]:
    """Measure all models of pages, installed or not, and the controls.

    Finished folds are kept in `ml.models.page_pictures.data.work_folder`.

    Args:
        folder: holds ``ecg_pages/``, ``ptbxl/`` and ``imagenet_weights/``.
        epochs: most iterations of the solver of the last layers.
        target: file for the figures, which then also go into the cards of the installed models; None writes nothing.

    Raises:
        DataNotFoundError: when data or transferred weights are missing.
    """
    pages = real_pages(folder)
    embeddings, _ = all_embeddings(pages, folder, MODELS)
    pooled = cross_validated(pages, fit_fold(pages, embeddings, epochs=epochs), name="models")
    measured = {name: figures_of(one, pages) for name, one in pooled.items()}
    result: dict[str, Any] = {
        "pages": {
            "prepared": {label: int((pages.classes == i).sum()) for i, label in enumerate(LABELS)},
            "refused": pages.refusals(),
        },
        "models": measured,
        "usual_layout": {name: _usual_layout(one, pages) for name, one in pooled.items()},
        "fusion_against_best_single": _best_single(measured, pooled, pages),
    }
    _keep(result, target)
    result["controls"] = _controls(pages)
    _keep(result, target)
    result["external"] = external(folder)
    _keep(result, target)
    return result


def _best_single(measured: dict[str, Any], pooled: dict[str, Pooled], pages: RealPages) -> dict[str, Any]:
    """How much better the fusion is than the best of its members."""
    best = max(JOINED, key=lambda name: measured[name]["macro_f1"]["value"])
    first, other = pooled[FUSION], pooled[best]
    classes, groups = pages.classes[first.positions], pages.groups[first.positions]
    return {
        "best_single": best,
        **difference(first.probability, other.probability, classes, groups),
    }


def _keep(result: dict[str, Any], target: Path | None) -> None:
    """Write what is measured so far, and put it into the cards."""
    if target is not None:
        target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        _into_cards(result)


def _into_cards(result: dict[str, Any]) -> None:
    """Put the figures into the contracts of the installed models."""
    for contract in registry.contracts():
        if contract.input.get("kind") == "page" and contract.name in result["models"]:
            stored = json.loads((contract.folder / CONTRACT_FILE).read_text(encoding="utf-8"))
            write_contract(contract.folder, stored | {"metrics": stored_figures(contract.name)})


def lines(measured: dict[str, Any]) -> list[str]:
    """The figures for a terminal."""
    rows = [PROTOCOL]
    for name, one in measured["models"].items():
        shown = "  ".join(
            f"{key} {one[key]['value']:.3f} ({one[key]['low']:.3f} to {one[key]['high']:.3f})"
            for key in ("macro_f1", "macro_auc", "accuracy", "ece")
        )
        recall = one["classes"]["Myocardial infarction"]["recall"]
        rows.append(
            f"{name:24} {shown}  recall of MI {recall['value']:.3f} ({recall['low']:.3f} to {recall['high']:.3f})"
        )
    for name, one in measured["controls"]["controls"].items():
        rows.append(
            f"control {name:16} macro F1 {one['macro_f1']['value']:.3f}  macro AUC {one['macro_auc']['value']:.3f}"
        )
    return rows
