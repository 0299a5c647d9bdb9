"""What ``beat-spectral`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.beat_pictures import limits
from ml.models.beat_pictures.recipe import Recipe
from ml.models.beat_spectral import network

RECIPE = Recipe(
    name="beat-spectral",
    release="1.0.0",
    family="spectral",
    task="Which of six classes the heartbeat on a picture belongs to, from its STFT and wavelet images.",
    sees="Height and steepness of the trace per column as signals; their short-time Fourier and Morlet wavelet images.",
    build=network.build,
    settings={"filters": 32, "dropout": 0.3, "steepness": True, "rate": 1e-3},
    trials=(
        {},
        {"steepness": False},
        {"filters": 16},
        {"dropout": 0.5},
        {"rate": 3e-3},
        {"rate": 3e-4},
        {"filters": 48, "rate": 3e-3},
    ),
    limits=(
        *limits.SHARED,
        "From 64 columns no frequency above 22 Hz can be seen.",
        limits.COLUMNS,
    ),
)
