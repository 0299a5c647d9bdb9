"""The installed artefacts of the clinical models, and putting measured figures into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ml.registry import MODELS as FOLDERS
from ml.training.card import write_contract


def folder_of(name: str) -> Path:
    """Folder of an installed model's artefact."""
    return FOLDERS / name.replace("-", "_") / "artefact"


def put_figures(measured: dict[str, Any]) -> None:
    """Put measured figures into the contracts and cards of the installed clinical models."""
    for name, found in measured["models"].items():
        folder = folder_of(name)
        path = folder / "model.json"
        if not path.exists():
            continue
        contract = json.loads(path.read_text(encoding="utf-8"))
        contract["metrics"] = {
            "cross_validation": {"protocol": measured["protocol"], "repeats": measured["repeats"], **found},
            "compared_on_the_same_folds": _areas(measured),
        }
        if name in measured["hybrid_against"]:
            contract["metrics"]["hybrid_minus_this"] = measured["hybrid_against"][name]
        (folder / "evaluation.json").write_text(
            json.dumps(contract["metrics"], indent=1) + "\n", encoding="utf-8"
        )
        write_contract(folder, contract)


def _areas(measured: dict[str, Any]) -> dict[str, str]:
    """AUC of every model and comparison in words."""
    every = measured["models"] | measured["compared"]
    return {
        one.get("what", name): "AUC {value:.3f} ({low:.3f} to {high:.3f})".format(**one["auc"])
        for name, one in every.items()
    }
