"""Trains, calibrates, checks and exports ``page-vgg16``: the weights that are shipped."""

from __future__ import annotations

import functools

from ml.models.page_pictures.shipping import EPOCHS, artefact_of, ship

__all__ = ["ARTEFACT", "EPOCHS", "train"]

ARTEFACT = artefact_of("page-vgg16")
train = functools.partial(ship, "page-vgg16")
