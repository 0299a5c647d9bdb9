"""What ``beat-efficientnet`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.beat_efficientnet import network
from ml.models.beat_pictures import limits
from ml.models.beat_pictures.recipe import Recipe
from ml.models.efficientnet import backbone

RECIPE = Recipe(
    name="beat-efficientnet",
    release="1.0.0",
    family="CNN",
    task="Which of six classes the heartbeat on a picture belongs to, by transfer learning from photographs.",
    sees="The picture enlarged; EfficientNet-Lite0 up to stage 5, the mean of its places.",
    build=network.build,
    settings={"dropout": 0.5, "edge": 96, "rate": 1e-3},
    trials=(
        {"dropout": 0.3},
        {"dropout": 0.3, "edge": 128},
        {},
        {"dropout": 0.3, "rate": 3e-4},
        {"dropout": 0.3, "rate": 3e-3},
        {"dropout": 0.3, "edge": 128, "rate": 3e-4},
    ),
    transfer=backbone.load_weights,
    frozen="block_8_out",
    limits=(*limits.SHARED, limits.IMAGENET, limits.PLACES),
    data=limits.IMAGENET_DATA,
)
