"""What ``beat-hybrid`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.beat_hybrid import network
from ml.models.beat_pictures import limits
from ml.models.beat_pictures.recipe import Recipe

RECIPE = Recipe(
    name="beat-hybrid",
    release="1.0.0",
    family="hybrid",
    task="Which of six classes the heartbeat on a picture belongs to, by convolutions and a recurrent layer over their columns.",
    sees="The picture; four convolutions from scratch, their 16 columns in order through a GRU in both directions.",
    build=network.build,
    settings={"units": 48, "dropout": 0.4, "rate": 3e-3},
    trials=(
        {"rate": 1e-3},
        {"units": 24, "rate": 1e-3},
        {"units": 80, "rate": 1e-3},
        {"dropout": 0.6, "rate": 1e-3},
        {},
        {"rate": 3e-4},
    ),
    limits=(*limits.SHARED, limits.COLUMNS),
)
