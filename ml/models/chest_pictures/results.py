"""Where the measured figures of the chest models are kept, and what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent.parent / "evaluation" / "chest.json"
# Whom a setting learns from and whom it asks.
WORDS = {
    "within_jsrt": "learnt from four fifths of both sites, in turn; the other films of jsrt",
    "within_wingspan": "learnt from four fifths of both sites, in turn; the other films of wingspan",
    "wingspan_to_jsrt": "learnt from wingspan alone; all films of jsrt",
    "jsrt_to_wingspan": "learnt from jsrt alone; all films of wingspan",
}
PROTOCOL = (
    "Every film is answered by networks that have not seen it: within the sites by five folds of both (stratified by site and label), "
    "across them by the networks of the other site. Across them two networks of cxr-heart answer together, as is served; in a fold one. "
    "Both sources hold one film a patient. The number of steps is fixed beforehand. What calibrates an answer (error of the ratio, "
    "temperature) is fitted to held-out answers of the same kind about films that its networks learnt from: of the other folds, or of the "
    "other site's networks. Truth is what was drawn: the ratio of the drawn contours, and cardiomegaly is a drawn ratio above 0.50; no "
    "report and no echo stands behind it. Intervals are 95 %, bootstrap over films."
)


def stored() -> dict[str, Any]:
    """The content of ``ml/evaluation/chest.json``; empty before the first evaluation."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return found


def stored_figures(name: str) -> dict[str, Any]:
    """The metrics of a model's contract, from the figures that are stored."""
    models = stored().get("models", {})
    return {"protocol": {"how": PROTOCOL}, **models[name]} if name in models else {}
