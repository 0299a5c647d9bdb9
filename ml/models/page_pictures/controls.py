"""What must not work: a small network that is shown only what the preparation takes away, on the folds of the page models.

The same network, shown the pages in other tones, compares the steps of the preparation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter, median_filter

from ml.models.page_pictures.data import LABELS, RealPages
from ml.models.page_pictures.folds import answered
from ml.models.page_pictures.last_layer import class_weights
from ml.preprocessing.page_image import PX_PER_MM, ROW_MM, USUAL

SIZE = (96, 192)
EPOCHS = 8
_NEAR_MM = 10.0


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey picture at the size that the small network sees."""
    return np.asarray(Image.fromarray(picture).resize(SIZE[::-1], Image.Resampling.BOX))


def headers(pages: RealPages) -> NDArray[np.uint8]:
    """What stands above the traces, shape (n, 96, 192)."""
    return np.stack([_small(one) for one in pages.headers])


def papers(pages: RealPages) -> NDArray[np.uint8]:
    """The straightened page with all ink painted over by the paper around it, shape (n, 96, 192)."""
    made = []
    for source in pages.sources:
        grey = source.grey.astype(np.float32)
        typical = median_filter(grey[::4, ::4], 9)
        typical = np.asarray(Image.fromarray(typical).resize(grey.shape[::-1], Image.Resampling.BILINEAR))
        inked = maximum_filter(source.ink > 25, 5)
        made.append(_small(np.where(inked, typical, grey).astype(np.uint8)))
    return np.stack(made)


def borders(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Prepared pages without what lies within 10 mm of a base line, shape (n, 96, 192)."""
    tall = round(ROW_MM * PX_PER_MM)
    rows = np.arange(tall * len(USUAL.strips)) % tall
    far = np.abs(rows - tall / 2) > _NEAR_MM * PX_PER_MM
    return np.stack([_small((one[..., 0] * far[:, None]).astype(np.uint8)) for one in pictures])


def whole(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Prepared pages, reduced, shape (n, 96, 192)."""
    return np.stack([_small(one[..., 0]) for one in pictures])


def build() -> keras.Model:
    """The small network, from pictures (n, 96, 192, 1), 0 to 255, to logits."""
    image = keras.Input((*SIZE, 1))
    x = keras.layers.Rescaling(1.0 / 255.0)(image)
    for filters in (8, 16, 32, 48):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.AveragePooling2D((3, 3))(x)
    x = keras.layers.Dropout(0.4)(keras.layers.Flatten()(x))
    return keras.Model(image, keras.layers.Dense(len(LABELS))(x))


Fit = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int], dict[str, Any]]


def fit_fold(pages: RealPages, shown: dict[str, NDArray[np.uint8]]) -> Fit:
    """What `ml.models.page_pictures.folds.cross_validated` calls for controls.

    Args:
        pages: the real pages.
        shown: pictures of all pages, shape (n, 96, 192), by the name of the control.
    """

    def fit(
        learn: NDArray[np.int64], held: NDArray[np.int64], outside: NDArray[np.int64], seed: int
    ) -> dict[str, Any]:
        found = {}
        for name, pictures in shown.items():
            keras.utils.set_random_seed(seed)
            model = build()
            model.compile(
                keras.optimizers.Adam(2e-3),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                jit_compile=False,
            )
            weights = class_weights(pages.classes[learn])[pages.classes[learn]]
            images = pictures[..., None].astype(np.float32)
            model.fit(
                images[learn],
                pages.classes[learn],
                sample_weight=weights,
                epochs=EPOCHS,
                batch_size=32,
                verbose=0,
            )
            logits = model.predict(images, batch_size=64, verbose=0).astype(np.float64)
            found[name] = answered(logits[held], logits[outside], pages, held)
        return found

    return fit
