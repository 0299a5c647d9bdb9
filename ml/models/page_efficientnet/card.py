"""What ``page-efficientnet`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.page_efficientnet import network
from ml.models.page_pictures import limits
from ml.models.page_pictures.head import PageRecipe

RECIPE = PageRecipe(
    name="page-efficientnet",
    release="1.0.0",
    task="Which of four classes a 12-lead ECG page belongs to: EfficientNet-Lite0 with weights of ImageNet.",
    sees=(
        "The prepared page at 2 pixels per millimetre; EfficientNet-Lite0 up to stage 5, frozen, and two convolutions learnt "
        "from drawn pages. Weights of EfficientNet-B0 were not to be had."
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
