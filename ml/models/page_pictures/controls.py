"""What must not work, and what must: the last layer of the page models over features of ImageNet, shown what the preparation takes away.

No features of ECGs are used, so that a header or a paper is seen as well as a page. The same features of the whole prepared page are the
positive control: where they learn nothing, the others prove nothing. In other tones they compare the steps of the preparation.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ml.models.page_mobilenet.network import load_weights, trunk
from ml.models.page_pictures.data import RealPages
from ml.models.page_pictures.head import pooled
from ml.models.page_pictures.pretraining import embeddings_of
from ml.preprocessing.page_image import HEIGHT, PX_PER_MM, ROW_MM, USUAL, WIDTH, Tone, relaid
from ml.preprocessing.page_source import PageSource

TONES: tuple[Tone, ...] = ("binary", "grey", "clahe")  # beside soft ink, which is the page
WHOLE = "page"  # the positive control
_NEAR_MM = 10.0
_SQUARE = 20  # pixels of a 5-mm square of a source
_PAPER_EDGE = 128
_COARSE = 4  # rectangles need no more


def paper(source: PageSource) -> NDArray[np.uint8]:
    """The typical 5-mm square of a straightened page, over and over, shape (128, 128, 1): its paper and lines without any trace.

    Every pixel is the median of its place in all squares. To paint over the ink would leave the gaps of the lines in its shape.
    """
    high, wide = (length // _SQUARE * _SQUARE for length in source.grey.shape)
    squares = source.grey[:high, :wide].reshape(high // _SQUARE, _SQUARE, wide // _SQUARE, _SQUARE)
    typical = np.median(squares, axis=(0, 2)).astype(np.uint8)
    times = -(-_PAPER_EDGE // _SQUARE)
    return np.tile(typical, (times, times))[:_PAPER_EDGE, :_PAPER_EDGE, None]


def border(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A prepared page (256, 512, 1) without what lies within 10 mm of a base line."""
    tall = round(ROW_MM * PX_PER_MM)
    rows = np.arange(tall * len(USUAL.strips)) % tall
    far = np.abs(rows - tall / 2) > _NEAR_MM * PX_PER_MM
    return picture * far[:, None, None].astype(np.uint8)


def layout(source: PageSource) -> NDArray[np.uint8]:
    """Where the leads of a page are laid, and nothing of them, shape (64, 128, 1)."""
    shown = np.zeros((HEIGHT, WIDTH, 1), dtype=np.uint8)
    for piece in relaid(source).placed:
        left, top, right, bottom = piece.target
        shown[top:bottom, left:right] = 255
    return shown[::_COARSE, ::_COARSE]


def shown(pages: RealPages, name: str, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a control is shown, shape (n, h, w, 1).

    Args:
        pages: the real pages.
        name: ``header``, ``paper``, ``layout``, ``border``, ``page``, or ``tone`` and the name of a tone.
        pictures: the same pages prepared.
    """
    if name == WHOLE:
        return pictures
    if name == "border":
        return np.stack([border(one) for one in pictures])
    if name == "header":
        return pages.headers[..., None]
    if name in {"paper", "layout"}:
        made = paper if name == "paper" else layout
        return np.stack([made(source) for source in pages.sources])
    return pages.pictures(next(tone for tone in TONES if name == f"tone {tone}"))


def network(shape: tuple[int, ...], folder: Path) -> keras.Model:
    """MobileNet with weights of ImageNet up to its eleventh block, and the mean of its features within each cell of the page models.

    Args:
        shape: of a picture, (h, w, 1), 0 to 255.
        folder: holds ``imagenet_weights/``.

    Raises:
        DataNotFoundError: when the weights are missing.
    """
    image = keras.Input(shape, name="image")
    model = keras.Model(image, pooled(trunk(image)))
    load_weights(model, folder)
    return model


def features(pages: RealPages, names: tuple[str, ...], folder: Path) -> dict[str, NDArray[np.float32]]:
    """Features of what each control is shown, shape (n, d); kept by content.

    Raises:
        DataNotFoundError: when the weights are missing.
    """
    found, prepared = {}, pages.pictures()
    for name in names:
        pictures = shown(pages, name, prepared)
        made = network(pictures.shape[1:], folder)
        found[name] = embeddings_of(made, f"control-{name.replace(' ', '-')}", pictures)
    return found
