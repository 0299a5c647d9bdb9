"""What ``page-efficientnet-lstm`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.page_efficientnet_lstm import network
from ml.models.page_pictures import limits
from ml.models.page_pictures.head import PageRecipe

RECIPE = PageRecipe(
    name="page-efficientnet-lstm",
    release="1.0.0",
    task=(
        "Which of four classes a 12-lead ECG page belongs to: features of EfficientNet-Lite0, read column by column by an LSTM."
    ),
    sees=(
        "The prepared page at 2 pixels per millimetre; EfficientNet-Lite0 up to stage 5, frozen, two convolutions and an LSTM "
        "over the columns learnt from drawn pages. Weights of EfficientNet-B0 were not to be had."
    ),
    trunk=network.trunk,
    adapter=network.adapter,
    top=network.top,
    transfer=network.load_weights,
    drawn=3000,
    epochs=6,
    limits=(*limits.SHARED, limits.IMAGENET),
    data=limits.DATA | limits.IMAGENET_DATA,
)
