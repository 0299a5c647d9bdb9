"""Trains, calibrates, checks and exports ``beat-spectral``: the weights that are shipped."""

from __future__ import annotations

import functools
from pathlib import Path

from ml.models.beat_pictures import shipping
from ml.models.beat_pictures.shipping import EPOCHS
from ml.models.beat_spectral.card import RECIPE

__all__ = ["ARTEFACT", "EPOCHS", "RECIPE", "train"]

ARTEFACT = Path(__file__).parent / "artefact"
train = functools.partial(shipping.ship, RECIPE, target=ARTEFACT)
