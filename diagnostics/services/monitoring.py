"""Watching the models at work: a model that gives nearly always one answer is probably broken.

This is how the first report's system failed: serving forgot a rescaling, and every beat was called right bundle branch block.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

from diagnostics.models import ModelVersion, Prediction
from ml.contract import share_as_percent

if TYPE_CHECKING:
    from accounts.actor import Actor

WINDOW = 200
LEAST = 40
# Most beats of most people are normal, so that only a window without any other answer is strange.
MOST, MOST_NORMAL = 0.90, 1.0
NORMAL = frozenset({"Normal", "NORM", "Normal ECG"})


@dataclasses.dataclass(frozen=True, slots=True)
class OneSided:
    """A model whose latest answers are nearly all the same."""

    model: str
    label: str
    share: float
    answers: int

    def __str__(self) -> str:
        """A sentence for the administrator."""
        share = share_as_percent(self.share)
        return (
            f"{self.model} called {share} of its last {self.answers} answers {self.label}. If the patients do not explain"
            " it, the model or what is sent to it is broken: replay some predictions and compare."
        )


def one_sided(actor: Actor) -> list[OneSided]:
    """The models whose rolling window of answers one class fills, among the answers that the actor may see."""
    found = []
    for version in ModelVersion.objects.only("name", "version"):
        labels = list(
            Prediction.objects.visible_to(actor)
            .filter(model_version=version)
            .exclude(label="")
            .order_by("-created_at", "pk")
            .values_list("label", flat=True)[:WINDOW]
        )
        if len(labels) < LEAST:
            continue
        label, count = Counter(labels).most_common(1)[0]
        if count / len(labels) >= (MOST_NORMAL if label in NORMAL else MOST):
            found.append(OneSided(str(version), label, count / len(labels), len(labels)))
    return found
