"""What ``page-mobilenet`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.page_mobilenet import network
from ml.models.page_pictures import limits
from ml.models.page_pictures.head import PageRecipe

RECIPE = PageRecipe(
    name="page-mobilenet",
    release="1.2.0",
    task="Which of four classes a 12-lead ECG page belongs to: MobileNet with weights of ImageNet.",
    sees=(
        "The prepared page at 2 pixels per millimetre; MobileNet up to its eleventh block, frozen, and two convolutions learnt from "
        "drawn pages."
    ),
    trunk=network.trunk,
    adapter=network.adapter,
    top=network.top,
    transfer=network.load_weights,
    drawn=1000,
    pretrained="1.1.0",
    epochs=8,
    limits=(*limits.SHARED, limits.IMAGENET),
    data=limits.DATA | limits.IMAGENET_DATA,
)
