"""The network of ``page-efficientnet``: EfficientNet-Lite0 down to a sixteenth of the page, and an adapter learnt from drawn pages."""

from __future__ import annotations

import keras

from ml.models.efficientnet import backbone
from ml.models.page_pictures.adapting import adapted, evidenced
from ml.preprocessing.page_image import HEIGHT, WIDTH

adapter, top = adapted, evidenced
load_weights = backbone.load_weights


def trunk(image: keras.KerasTensor) -> keras.KerasTensor:
    """From pages (n, 256, 512, 1), 0 to 255, to features (n, 16, 32, 112)."""
    return backbone.features(image, edge=(HEIGHT, WIDTH))
