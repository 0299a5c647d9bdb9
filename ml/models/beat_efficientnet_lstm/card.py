"""What ``beat-efficientnet-lstm`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.beat_efficientnet_lstm import network
from ml.models.beat_pictures import limits
from ml.models.beat_pictures.recipe import Recipe
from ml.models.efficientnet import backbone

RECIPE = Recipe(
    name="beat-efficientnet-lstm",
    release="1.0.0",
    family="RNN",
    task="Which of six classes the heartbeat on a picture belongs to: transferred features, read column by column by an LSTM.",
    sees="The picture enlarged; EfficientNet-Lite0 up to stage 5, its columns in order through an LSTM.",
    build=network.build,
    settings={"units": 64, "dropout": 0.5, "edge": 96, "rate": 1e-3},
    trials=(
        {"dropout": 0.3},
        {"dropout": 0.3, "edge": 128},
        {"dropout": 0.3, "units": 32},
        {},
        {"dropout": 0.3, "rate": 3e-4},
        {"dropout": 0.3, "rate": 3e-3},
    ),
    transfer=backbone.load_weights,
    frozen="block_8_out",
    limits=(*limits.SHARED, limits.IMAGENET, limits.COLUMNS),
    data=limits.IMAGENET_DATA,
)
