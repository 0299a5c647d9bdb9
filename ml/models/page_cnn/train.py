"""Trains, calibrates, checks and exports ``page-cnn``: the weights that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.models.page_pictures import shipping
from ml.models.page_pictures.shipping import EPOCHS

__all__ = ["ARTEFACT", "EPOCHS", "train"]

ARTEFACT = Path(__file__).parent / "artefact"


def train(folder: Path, *, epochs: int = EPOCHS, target: Path = ARTEFACT) -> dict[str, Any]:
    """Train the shipped weights and write the artefact; see `ml.models.page_pictures.shipping.ship`.

    Args:
        folder: holds the pages, PTB-XL and transferred weights.
        epochs: most iterations of the solver of the last layer.
        target: folder of the artefact.

    Raises:
        DataNotFoundError: when data or transferred weights are missing.
        ExportError: when the conversion to ONNX fails.
    """
    return shipping.ship("page-cnn", folder, epochs=epochs, target=None if target == ARTEFACT else target)
