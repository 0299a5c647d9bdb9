"""What ``page-fusion`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.page_pictures import limits
from ml.models.page_pictures.fusing import FusionRecipe

RECIPE = FusionRecipe(
    name="page-fusion",
    release="1.2.0",
    task=(
        "Which of four classes a 12-lead ECG page belongs to: the penultimate features of page-cnn, page-mobilenet and page-vgg16, "
        "joined as in CardioNetFusion, and those of page-signals under one dense layer."
    ),
    limits=(*limits.SHARED, limits.IMAGENET),
    data=limits.DATA | limits.IMAGENET_DATA,
)
