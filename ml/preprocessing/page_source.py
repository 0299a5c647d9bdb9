"""What of a straightened page is needed to lay its leads for the models of pages: ink, tones, and where the leads lie."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from ml.pages.reading import Reading
    from ml.pages.rectify import StraightPage

SOURCE_PX_PER_MM = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeadBox:
    """Where a lead lies on the straightened page, millimetres from its upper left corner.

    Attributes:
        lead: name.
        rhythm: whether it is the strip over the whole width.
        left: beginning.
        right: end.
        baseline: base line of its row.
        start_s: time of its beginning.
        seconds: its length.
    """

    lead: str
    rhythm: bool
    left: float
    right: float
    baseline: float
    start_s: float
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageSource:
    """What of a straightened page is needed to lay its leads.

    Attributes:
        ink: shape (height, width), 0 to 255, 4 pixels per millimetre.
        grey: the page in grey, same shape.
        boxes: where the leads lie.
        mm_per_mv: gain.
    """

    ink: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    boxes: tuple[LeadBox, ...]
    mm_per_mv: float


def boxes_of(reading: Reading, scale: int) -> tuple[LeadBox, ...]:
    """Where the leads of a reading lie.

    Args:
        reading: of a straightened page.
        scale: pixels per millimetre of that page.
    """
    row_of = {lead: row for row, leads in enumerate(reading.layout.rows) for lead in leads}
    per_mm = 1.0 / scale
    return tuple(
        LeadBox(
            lead=trace.lead,
            rhythm=trace.rhythm,
            left=trace.left * per_mm,
            right=trace.right * per_mm,
            baseline=float(reading.rows[len(reading.layout.rows) if trace.rhythm else row_of[trace.lead]]) * per_mm,
            start_s=0.0 if trace.rhythm else trace.column * (trace.right - trace.left) * per_mm / reading.mm_per_s,
            seconds=(trace.right - trace.left) * per_mm / reading.mm_per_s,
        )
        for trace in reading.traces
    )  # fmt: skip


def page_source(page: StraightPage, reading: Reading) -> PageSource:
    """The ink, the tones and the places of a straightened page that was read.

    Args:
        page: as `ml.pages.digitise.DigitisedPage.page` or `ml.pages.digitise.oriented_page` gives it.
        reading: of the same page.
    """
    factor = page.scale // SOURCE_PX_PER_MM

    def smaller(picture: Image.Image) -> NDArray[np.uint8]:
        return np.asarray(picture.reduce(factor))

    return PageSource(
        ink=smaller(Image.fromarray(np.rint(reading.ink * 255.0).astype(np.uint8))),
        grey=smaller(Image.fromarray(page.image).convert("L")),
        boxes=boxes_of(reading, page.scale),
        mm_per_mv=reading.mm_per_mv,
    )
