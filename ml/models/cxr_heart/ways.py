"""How ``cxr-heart`` is taught: `SHIPPED` is served; what was tried besides is in ``trials.json``."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a network is taught.

    Attributes:
        name: short, for folders.
        words: for tables.
        resized: part of the films whose hearts are made wider or narrower, 0 to 1.
        restyled: part of the films that are processed otherwise, 0 to 1.
        overlap: weight of the overlap's loss (Dice) beside the loss of each pixel.
        rate: highest learning rate.
        epochs: of `ml.models.cxr_heart.fitting.STEPS` steps.
    """

    name: str
    words: str
    resized: float
    restyled: float
    overlap: float
    rate: float
    epochs: int


SHIPPED = Way(
    name="by-picture",
    words="each picture normalised by itself, hearts of other sizes, other processing, loss of the overlap, 16,000 pictures",
    resized=0.5,
    restyled=0.5,
    overlap=0.5,
    rate=3e-3,
    epochs=40,
)
