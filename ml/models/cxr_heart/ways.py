"""Ways to teach ``cxr-heart``: `PLAIN` is shipped; `VARIED` goes on from there and was tried (``trials.json``)."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One part of a training.

    Attributes:
        name: short, for folders.
        words: for tables.
        resized: part of the films whose hearts are made wider or narrower, 0 to 1.
        restyled: part of the films that are processed otherwise, 0 to 1.
        rate: highest learning rate.
        epochs: how many follow the part before.
    """

    name: str
    words: str
    resized: float = 0.0
    restyled: float = 0.0
    rate: float = 1.5e-3
    epochs: int = 6


PLAIN = Way(name="plain", words="films as they are", rate=3e-3, epochs=16)
VARIED = Way(
    name="varied", words="then hearts of other sizes and other processing", resized=0.6, restyled=0.6
)
