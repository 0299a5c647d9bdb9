"""Trains, calibrates, checks and exports ``beat-efficientnet``: the weights that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.models.beat_efficientnet.card import RECIPE
from ml.models.beat_pictures import shipping
from ml.models.beat_pictures.shipping import EPOCHS

__all__ = ["ARTEFACT", "EPOCHS", "RECIPE", "train"]

ARTEFACT = Path(__file__).parent / "artefact"


def train(folder: Path, *, epochs: int = EPOCHS, target: Path = ARTEFACT) -> dict[str, Any]:
    """Train the shipped weights and write the artefact; see `ml.models.beat_pictures.shipping.ship`.

    Args:
        folder: holds the databases and transferred weights.
        epochs: most epochs.
        target: folder of the artefact.

    Raises:
        DataNotFoundError: when a database or transferred weights are missing.
        ExportError: when the conversion to ONNX fails.
    """
    return shipping.ship(RECIPE, folder, epochs=epochs, target=target)
