"""What ``page-cnn`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.page_cnn import network
from ml.models.page_pictures import limits
from ml.models.page_pictures.head import PageRecipe

RECIPE = PageRecipe(
    name="page-cnn",
    release="1.2.0",
    task="Which of four classes a 12-lead ECG page belongs to: a convolutional network of our own.",
    sees="The prepared page at 2 pixels per millimetre; nine convolutions learnt from drawn pages of PTB-XL.",
    adapter=network.adapter,
    top=network.top,
    drawn=4000,
    pretrained="1.1.0",
    epochs=4,
    limits=limits.SHARED,
    data=limits.DATA,
)
