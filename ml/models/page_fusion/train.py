"""Trains, calibrates, checks and exports ``page-fusion``: the weights that are shipped."""

from __future__ import annotations

import functools

from ml.models.page_pictures.shipping import EPOCHS, artefact_of, ship

__all__ = ["ARTEFACT", "EPOCHS", "train"]

ARTEFACT = artefact_of("page-fusion")
train = functools.partial(ship, "page-fusion")
