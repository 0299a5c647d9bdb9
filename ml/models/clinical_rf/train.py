"""Trains clinical-rf: ``python -m ml train clinical-rf --data DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.models.clinical.artefact import train_model
from ml.models.clinical.installed import folder_of
from ml.models.clinical.members import EPOCHS

NAME = "clinical-rf"
ARTEFACT = folder_of(NAME)


def train(folder: Path, *, epochs: int = EPOCHS, target: Path = ARTEFACT) -> dict[str, Any]:
    """Train the shipped weights and write the artefact; see ``train_model``."""
    return train_model(NAME, folder, epochs=epochs, target=target)
