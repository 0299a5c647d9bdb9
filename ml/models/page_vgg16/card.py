"""What ``page-vgg16`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.page_pictures import limits
from ml.models.page_pictures.head import PageRecipe
from ml.models.page_vgg16 import network

RECIPE = PageRecipe(
    name="page-vgg16",
    release="1.2.0",
    task="Which of four classes a 12-lead ECG page belongs to: VGG16 with weights of ImageNet.",
    sees="The prepared page at 1 pixel per millimetre; VGG16 up to its fourth block, frozen, and two convolutions learnt from drawn pages.",
    trunk=network.trunk,
    adapter=network.adapter,
    top=network.top,
    transfer=network.load_weights,
    drawn=600,
    pretrained="1.1.0",
    epochs=10,
    limits=(*limits.SHARED, limits.IMAGENET),
    data=limits.DATA | limits.IMAGENET_DATA,
)
