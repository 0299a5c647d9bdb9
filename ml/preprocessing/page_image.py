"""The picture that models of whole pages see: twelve leads and the rhythm strip, always in the same places; shared by training and serving.

From the straightened page only ink within 16 mm of a lead's base line (less where rows stand close), between the beginning and the
end of that lead, is kept: header, footer, date, calibration pulses and paper are never seen by a model. Letters are removed where
they stand free of a trace. Every lead is then laid where it stands on the usual page (3x4 and a strip), at 2 pixels per millimetre,
25 mm/s and 10 mm/mV, so that neither printer nor layout says anything about the patient.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import find_objects, gaussian_filter, label, maximum_filter

from ml.pages.layouts import LAYOUTS
from ml.pages.preparation import BLUR, clahe, otsu
from ml.preprocessing.page_leads import page_leads
from ml.preprocessing.page_source import SOURCE_PX_PER_MM, LeadBox, PageSource, page_source

if TYPE_CHECKING:
    from ml.pages.reading import Reading
    from ml.pages.rectify import StraightPage

VERSION = "page-image-1"
PX_PER_MM = 2
HEIGHT, WIDTH = 256, 512
SHAPE = (HEIGHT, WIDTH, 1)
ROW_MM = 32.0
MARGIN_MM = 3.0
COLUMN_MM = 62.5  # 2.5 s at 25 mm/s
USUAL = LAYOUTS["3x4+1"]
STRIP = "II"  # the lead of the strip where a page has none of its own
_LEAST_TRACE_MM = 5.0  # ink whose extent is less is a letter or a speck
_INK = 0.3
_BORDER_MM = 1.0  # next to a separator
_LEAST_APART_MM = 5.0  # of rows; less is one row whose leads lie a little apart
_OF_ROW = 0.7  # part of the distance of rows that is looked at on either side of a base line
_FULL = 99.0  # percentile of the ink that counts as full ink

Tone = Literal["ink", "binary", "grey", "clahe"]
TONE: Tone = "ink"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One piece of the page and where it was laid.

    Attributes:
        lead: name.
        source: left, top, right and bottom on the straightened page, millimetres.
        target: left, top, right and bottom on the prepared picture, pixels.
    """

    lead: str
    source: tuple[float, float, float, float]
    target: tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageImage:
    """A prepared page.

    Attributes:
        pixels: shape (256, 512, 1), 0 (paper) to 255 (ink).
        placed: where its pieces come from.
        leads: the twelve leads as `ml.preprocessing.page_leads` follows them, shape (250, 12), millivolt; None where only the picture was
            asked for.
    """

    pixels: NDArray[np.uint8]
    placed: tuple[Placed, ...]
    leads: NDArray[np.float32] | None = None


def without_letters(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Ink without what is smaller than 5 mm both ways: letters and specks.

    Args:
        ink: shape (height, width), 0 to 255, 4 pixels per millimetre.
    """
    named, count = label(ink > _INK * 255, structure=np.ones((3, 3)))
    small = np.zeros(count + 1, dtype=bool)
    for number, place in enumerate(find_objects(named), start=1):
        small[number] = max(part.stop - part.start for part in place) < _LEAST_TRACE_MM * SOURCE_PX_PER_MM
    small[0] = True
    # The pale rim of a trace is kept with it.
    return np.where(maximum_filter(~small[named], 5), ink, 0).astype(np.uint8)


def _toned(source: PageSource, tone: Tone) -> NDArray[np.float32]:
    """The darkness that is laid out, shape of the source, 0 to 255."""
    if tone in {"grey", "clahe"}:
        grey = clahe(source.grey) if tone == "clahe" else source.grey
        return gaussian_filter(255.0 - grey.astype(np.float32), BLUR)
    blurred = gaussian_filter(without_letters(source.ink).astype(np.float32), BLUR)
    if tone == "binary":
        level = otsu(np.rint(blurred).astype(np.uint8))
        return np.where(blurred > level, 255.0, 0.0).astype(np.float32)
    return blurred


def _pieces(source: PageSource) -> list[tuple[LeadBox, float, float, int, float]]:
    """What is laid where: box, its first and last second, row and x in millimetres."""
    pieces = []
    strips = [box for box in source.boxes if box.rhythm]
    for row, leads in enumerate(USUAL.rows):
        for column, lead in enumerate(leads):
            start = 2.5 * column
            for box in source.boxes:
                if box.lead != lead or box.rhythm:
                    continue
                first, last = max(start, box.start_s), min(start + 2.5, box.start_s + box.seconds)
                if last - first > 0.5:
                    pieces.append((box, first, last, row, MARGIN_MM + 25.0 * first))
    if not strips:
        strips = [box for box in source.boxes if box.lead == STRIP and box.seconds > 3.0]
    for box in strips[:1]:
        last = min(10.0, box.start_s + box.seconds)
        pieces.append((box, box.start_s, last, len(USUAL.rows), MARGIN_MM + 25.0 * box.start_s))
    return pieces


def relaid(source: PageSource, *, tone: Tone = TONE) -> PageImage:
    """Lay the leads of a page in their usual places.

    Args:
        source: as `page_source` gives it.
        tone: what is laid: soft ink; ink binarised by Otsu's level; or, for comparison, grey with its paper, and grey after CLAHE.
    """
    dark = Image.fromarray(_toned(source, tone))
    canvas = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    placed = []
    tall = round(ROW_MM * PX_PER_MM)
    gaps = np.diff(sorted(box.baseline for box in source.boxes))
    apart = float(min(gaps[gaps > _LEAST_APART_MM], default=np.inf))
    # Rows that stand close would show their neighbours' traces.
    half = min(ROW_MM / 2.0 * source.mm_per_mv / 10.0, _OF_ROW * apart)
    high = min(tall, 2 * round(half * 10.0 / source.mm_per_mv * PX_PER_MM))
    for box, first, last, row, at_mm in _pieces(source):
        per_s = (box.right - box.left) / box.seconds
        left = box.left + (first - box.start_s) * per_s + _BORDER_MM
        right = box.left + (last - box.start_s) * per_s - _BORDER_MM
        where = (left, box.baseline - half, right, box.baseline + half)
        x = round((at_mm + _BORDER_MM) * PX_PER_MM)
        wide = round(((last - first) * 25.0 - 2 * _BORDER_MM) * PX_PER_MM)
        if wide < 2 or x + wide > WIDTH:
            continue
        piece = _cut(dark, where, (wide, high))
        target = (x, row * tall + (tall - high) // 2, x + wide, row * tall + (tall + high) // 2)
        canvas[target[1] : target[3], target[0] : target[2]] = piece
        placed.append(Placed(lead=box.lead, source=where, target=target))
    if tone in {"ink", "binary"} and canvas.any():
        # The pen of every printer is made equally dark: its width is no sign.
        canvas *= 255.0 / max(
            float(np.percentile(canvas[canvas > 25.0], _FULL)) if (canvas > 25.0).any() else 255.0, 64.0
        )
    pixels = np.rint(np.clip(canvas, 0.0, 255.0)).astype(np.uint8)[..., None]
    return PageImage(pixels=pixels, placed=tuple(placed))


def _cut(
    dark: Image.Image, where: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[np.float32]:
    """A part of the page in millimetres at another size; 0 outside of the page."""
    left, top, right, bottom = (value * SOURCE_PX_PER_MM for value in where)
    # A box beyond the page would be refused: it is cut there, and the rest is left empty.
    inner = (max(left, 0.0), max(top, 0.0), min(right, dark.width), min(bottom, dark.height))
    if inner[2] - inner[0] < 1.0 or inner[3] - inner[1] < 1.0:
        return np.zeros(size[::-1], dtype=np.float32)
    x = [round((value - left) / (right - left) * size[0]) for value in (inner[0], inner[2])]
    y = [round((value - top) / (bottom - top) * size[1]) for value in (inner[1], inner[3])]
    result = np.zeros(size[::-1], dtype=np.float32)
    if x[1] > x[0] and y[1] > y[0]:
        part = dark.resize((x[1] - x[0], y[1] - y[0]), Image.Resampling.BOX, box=inner)
        result[y[0] : y[1], x[0] : x[1]] = np.asarray(part)
    return result


def page_image(page: StraightPage, reading: Reading) -> PageImage:
    """The picture and the leads that models of pages see, from a straightened page that was read.

    Args:
        page: as `ml.pages.digitise.DigitisedPage.page` gives it.
        reading: of the same page.
    """
    return seen(page_source(page, reading))


def seen(source: PageSource) -> PageImage:
    """The same from what `page_source` gave."""
    return dataclasses.replace(relaid(source), leads=page_leads(source))


def prepare_page_image(data: bytes) -> PageImage:
    """The same from the bytes of a picture.

    Args:
        data: a picture file.

    Raises:
        UnusablePage: what cannot be opened, straightened or read.
    """
    from ml.pages.digitise import oriented_page
    from ml.pages.picture import open_picture

    page, reading, _ = oriented_page(open_picture(data))
    return page_image(page, reading)
