"""``beat-cnn`` among the models of the comparison: the source report's own network."""

from __future__ import annotations

from ml.models.beat_cnn import card, network
from ml.models.beat_pictures.recipe import Recipe

RECIPE = Recipe(
    name="beat-cnn",
    release="1.0.0",
    family="CNN",
    task="Which of six classes the heartbeat on a picture belongs to.",
    sees="The picture; four convolutions from scratch and a dense layer, as in the source report.",
    build=network.build,
    settings={"rate": 1e-3},
    limits=card.LIMITS,
)
