"""Where the measured figures of the page models are kept, and what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent.parent / "evaluation" / "pages.json"
MODELS = (
    "page-cnn",
    "page-mobilenet",
    "page-vgg16",
    "page-signals",
    "page-efficientnet",
    "page-efficientnet-lstm",
)
FOLDS, REPEATS = 5, 2
PROTOCOL = (
    f"{REPEATS} times {FOLDS}-fold cross-validation of the real pages, grouped by device, all models on the same folds; within each "
    "training side one in five groups calibrates (temperature, prediction sets, threshold) and the rest is learnt from; all but the "
    "last layers learnt from PTB-XL alone. Answers to held-out pages are pooled; intervals are 95 %, bootstrap over groups."
)
CONTROLS = {
    "page": "the whole prepared page: the positive control",
    "header": "what stands above the traces, which no page model sees",
    "paper": "the median 5-mm square of the straightened page, over and over: its paper and lines, which no page model sees",
    "layout": "where leads lie on the prepared page, and nothing of them",
    "border": "the prepared page without what lies within 10 mm of a base line: tops of tall waves are left",
}
CONTROLLED = (
    "MobileNet as ImageNet taught it, which learnt nothing from ECGs, and the last layer of the page models over its features in each "
    "cell; the folds of the models, both repeats."
)


def stored_figures(name: str) -> dict[str, Any]:
    """The metrics of a model's contract, from the figures that are stored; none before the first evaluation."""
    if not RESULTS.exists():
        return {}
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    metrics = {"cross_validation": found["models"][name]} if name in found["models"] else {}
    if metrics and "controls" in found:
        metrics["controls"] = {
            "protocol": found["controls"]["protocol"],
            **{
                control: {"what": row["what"], "macro_auc": row["of_all"]["macro_auc"]}
                for control, row in found["controls"]["controls"].items()
            },
        }
    outside = found.get("external", {})
    if name in outside.get("models", {}):
        metrics["external"] = {
            "protocol": outside["protocol"],
            "pages": outside["pages"],
            **outside["models"][name],
        }
    return metrics
