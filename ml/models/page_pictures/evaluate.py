"""Measures all page models on the same folds, with controls that must fail; the figures go into the cards and ``docs/results.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ml import registry
from ml.evaluation.pages import abstention_report, difference, page_report, sets_report
from ml.models.page_pictures import controls
from ml.models.page_pictures.data import LABELS, RealPages, real_pages
from ml.models.page_pictures.external import external
from ml.models.page_pictures.folds import (
    ALPHA,
    SEED,
    Pooled,
    all_embeddings,
    calibration_split,
    cross_validated,
    fit_fold,
    recipe,
)
from ml.models.page_pictures.last_layer import EPOCHS, FUSION, JOINED, MEMBERS, WIDER, embedding_of, fit_all
from ml.models.page_pictures.results import CONTROLLED, CONTROLS, MODELS, PROTOCOL, stored_figures
from ml.preprocessing.page_source import PageSource
from ml.registry import CONTRACT_FILE
from ml.training.card import write_contract

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


def _short(
    probability: NDArray[np.float64], pages: RealPages, positions: NDArray[np.int64]
) -> dict[str, Any]:
    """The figures of what is measured beside the models."""
    found = page_report(probability, pages.classes[positions], pages.groups[positions], labels=LABELS)
    return {name: found[name] for name in ("pages", "accuracy", "macro_f1", "macro_auc")}


def _usual_layout(pooled: Pooled, pages: RealPages) -> dict[str, Any]:
    """The figures on pages of 3x4 and a strip alone: other layouts are hardly ever normal in the data."""
    usual = np.array([_is_usual(source) for source in pages.sources])[pooled.positions]
    return _short(pooled.probability[usual], pages, pooled.positions[usual])


def _controls(pages: RealPages, folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Figures of controls, or of tones, on the folds of the models."""
    found = controls.features(pages, names, folder)
    pooled = cross_validated(pages, fit_fold(pages, found), name=f"controls-{EPOCHS}", given=found)
    return {
        name: {
            "of_all": _short(one.probability, pages, one.positions),
            "of_usual_layout": _usual_layout(one, pages),
        }
        for name, one in pooled.items()
    }


def on_plain_paper(
    embeddings: dict[str, NDArray[np.float32]],
    pages: RealPages,
    others: dict[str, NDArray[np.float32]],
    plain: RealPages,
    *,
    epochs: int = EPOCHS,
) -> dict[str, Any]:
    """What the shipped last layers say about pages on plain paper, which they never learn from.

    Args:
        embeddings: of the pages with a grid, by model.
        pages: those.
        others: of those on plain paper.
        plain: those.
        epochs: most iterations of the solver.

    Returns:
        Recall of each class that occurs, by model; pages of a device that was learnt from are left out.
    """
    learn, _ = calibration_split(pages, np.arange(len(pages)), SEED)
    layers = fit_all(embeddings, learn, pages.classes, pages.groups, iterations=epochs, seed=SEED)
    new = np.flatnonzero(~np.isin(plain.groups, pages.groups))
    rows = {}
    for name in (*embeddings, FUSION):
        logits = layers[name].logits(embedding_of(name, others)[new])
        classes = page_report(softmax(logits, axis=1), plain.classes[new], plain.groups[new], labels=LABELS)[
            "classes"
        ]
        rows[name] = {label: row["recall"] for label, row in classes.items() if row["pages"]}
    return {
        "protocol": (
            "Pages on plain paper, which are left out of learning and of all other figures: none of them is normal, so that paper alone "
            "would tell it. The shipped weights answer; pages of devices that these learnt from or were calibrated on are left out, "
            "intervals are a bootstrap over devices. How often such a page is wrongly called ill cannot be said: no normal one is known."
        ),
        "pages": {label: int((plain.classes[new] == i).sum()) for i, label in enumerate(LABELS)},
        "devices": len(np.unique(plain.groups[new])),
        "of_known_devices": len(plain) - len(new),
        "models": rows,
    }


def evaluate(folder: Path, *, epochs: int = EPOCHS, target: Path | None = None) -> dict[str, Any]:
    """Measure all models of pages, installed or not, and the controls.

    Pages, embeddings and finished folds are kept in `ml.models.page_pictures.data.work_folder`, by their content: a stopped run goes on.

    Args:
        folder: holds ``ecg_pages/``, ``ptbxl/`` and ``imagenet_weights/``.
        epochs: most iterations of the solver of the last layers.
        target: file for the figures, which then also go into the cards of the installed models; None writes nothing.

    Raises:
        DataNotFoundError: when data or transferred weights are missing.
    """
    pages = real_pages(folder)
    embeddings, _ = all_embeddings(pages, folder, MODELS)
    fit = fit_fold(pages, embeddings, epochs=epochs)
    pooled = cross_validated(pages, fit, name=f"models-{epochs}", given=embeddings)
    wider = pooled.pop(WIDER)
    measured = {name: figures_of(one, pages) for name, one in pooled.items()}
    result: dict[str, Any] = {
        "pages": {
            "prepared": {label: int((pages.classes == i).sum()) for i, label in enumerate(LABELS)},
            "refused": pages.refusals(),
        },
        "models": measured,
        "usual_layout": {name: _usual_layout(one, pages) for name, one in pooled.items()},
        "fusion_against_best_single": _best_single(measured, pooled, pages),
        "wider_fusion": {
            "members": list(MEMBERS[WIDER]),
            **figures_of(wider, pages),
            "against_fusion": _against(wider, pooled[FUSION], pages),
        },
    }
    _keep(result, target)
    result["controls"] = {
        "protocol": CONTROLLED,
        "majority_class": round(float(np.bincount(pages.classes).max() / len(pages)), 4),
        "controls": {
            name: {"what": CONTROLS[name], **row}
            for name, row in _controls(pages, folder, tuple(CONTROLS)).items()
        },
    }
    _keep(result, target)
    result["external"] = external(folder)
    _keep(result, target)
    plain = real_pages(folder, plain=True)
    others, _ = all_embeddings(plain, folder, MODELS)
    result["plain_paper"] = on_plain_paper(embeddings, pages, others, plain, epochs=epochs)
    _keep(result, target)
    result["controls"]["tones"] = _controls(pages, folder, tuple(f"tone {tone}" for tone in controls.TONES))
    _keep(result, target)
    return result


def _against(one: Pooled, other: Pooled, pages: RealPages) -> dict[str, Any]:
    """How much better one model is than another, by a paired bootstrap."""
    classes, groups = pages.classes[one.positions], pages.groups[one.positions]
    return difference(one.probability, other.probability, classes, groups)


def _best_single(measured: dict[str, Any], pooled: dict[str, Pooled], pages: RealPages) -> dict[str, Any]:
    """How much better the fusion is than the best of its members."""
    best = max(JOINED, key=lambda name: measured[name]["macro_f1"]["value"])
    return {"best_single": best, **_against(pooled[FUSION], pooled[best], pages)}


def _keep(result: dict[str, Any], target: Path | None) -> None:
    """Write what is measured so far, and put it into the cards."""
    if target is not None:
        target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        _into_cards(result)


def _into_cards(result: dict[str, Any]) -> None:
    """Put the figures, and what the cards warn of by now, into the contracts of the installed models."""
    for contract in registry.contracts():
        if contract.input.get("kind") == "page" and contract.name in result["models"]:
            stored = json.loads((contract.folder / CONTRACT_FILE).read_text(encoding="utf-8"))
            new = {"metrics": stored_figures(contract.name), "limits": list(recipe(contract.name).limits)}
            write_contract(contract.folder, stored | new)


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
    for name, one in (measured["controls"]["controls"] | measured["controls"]["tones"]).items():
        found = one["of_all"]
        rows.append(
            f"control {name:16} macro F1 {found['macro_f1']['value']:.3f}  macro AUC {found['macro_auc']['value']:.3f}"
        )
    return rows
