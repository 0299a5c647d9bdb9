"""Trains, calibrates, checks and exports ``page-efficientnet-lstm``: the weights that are shipped."""

from __future__ import annotations

import functools

from ml.models.page_pictures.shipping import EPOCHS, artefact_of, ship

__all__ = ["ARTEFACT", "EPOCHS", "train"]

ARTEFACT = artefact_of("page-efficientnet-lstm")
train = functools.partial(ship, "page-efficientnet-lstm")
