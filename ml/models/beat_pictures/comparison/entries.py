"""Which models are compared, against whom, and what the source reports claimed."""

from __future__ import annotations

import dataclasses
from typing import Any

from ml.models.beat_cnn.recipe import RECIPE as BEAT_CNN
from ml.models.beat_efficientnet.card import RECIPE as BEAT_EFFICIENTNET
from ml.models.beat_efficientnet_lstm.card import RECIPE as BEAT_EFFICIENTNET_LSTM
from ml.models.beat_hybrid.card import RECIPE as BEAT_HYBRID
from ml.models.beat_pictures.recipe import Recipe
from ml.models.beat_spectral.card import RECIPE as BEAT_SPECTRAL

RECIPES = (BEAT_CNN, BEAT_SPECTRAL, BEAT_EFFICIENTNET, BEAT_EFFICIENTNET_LSTM, BEAT_HYBRID)
# It learns the spectral network, the quickest, from labels dealt out anew to records: what it reaches is luck and leakage.
CONTROL = dataclasses.replace(
    BEAT_SPECTRAL,
    name="control-shuffled-labels",
    sees="As beat-spectral, learnt from labels that were dealt out anew among the records: it should fail.",
)
CONTROL_FAMILY = "control"
PAIRS = (
    ("beat-efficientnet", "beat-efficientnet-lstm"),
    ("beat-cnn", "beat-efficientnet-lstm"),
    ("beat-cnn", "beat-hybrid"),
    ("beat-efficientnet", "beat-hybrid"),
    ("beat-efficientnet-lstm", "beat-hybrid"),
    ("beat-cnn", "beat-efficientnet"),
    ("beat-cnn", "beat-spectral"),
    ("beat-spectral", "beat-hybrid"),
    ("beat-cnn", "control-shuffled-labels"),
)
CLAIMS: tuple[dict[str, Any], ...] = (
    {
        "source": "2-D spectral image report",
        "model": "beat-cnn",
        "figure": "accuracy",
        "value": "99.2 %",
        "protocol": "Random split of beats: beats of one person on both sides.",
        "note": "Its own confusion matrix names RBBB for every beat, because serving forgot to divide by 255; its real "
        "validation was about 86 %. Not comparable with a split by record.",
    },
    {
        "source": "2-D spectral image report",
        "model": "beat-spectral",
        "figure": "accuracy",
        "value": "99.2 %",
        "protocol": "The same random split; given for pictures and spectral images together.",
        "note": "No figure of the spectral images alone was given. Not comparable with a split by record.",
    },
    {
        "source": "CNN against RNN report",
        "model": "beat-efficientnet",
        "figure": "accuracy",
        "value": "over 90 %",
        "protocol": "Random split of pictures.",
        "note": "EfficientNetB0 with weights of ImageNet; here EfficientNet-Lite0, since those weights cannot be had. Not comparable "
        "with a split by record.",
    },
    {
        "source": "CNN against RNN report",
        "model": "beat-efficientnet-lstm",
        "figure": "accuracy",
        "value": "about 70 %",
        "protocol": "Random split of pictures.",
        "note": "EfficientNet followed by an LSTM. Not comparable with a split by record.",
    },
    {
        "source": "CNN against RNN report",
        "model": "beat-hybrid",
        "figure": "accuracy",
        "value": "none",
        "protocol": "Left for later by the report.",
        "note": "The report expected a hybrid of CNN and RNN to be better than either.",
    },
)


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """What decides the answers of a model, beside the protocol, as JSON types."""
    return {"name": recipe.name, "settings": recipe.settings, "frozen": recipe.frozen}
