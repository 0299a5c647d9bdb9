"""Pages of PDF files as pictures, by PDFium. It draws what is printed; scripts, forms and attached files are never run or opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.pages.reasons import PageReason, UnusablePage

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

MARK = b"%PDF-"
MOST_PAGES = 10
_DPI, _POINTS = 200.0, 72.0
_LONGEST = 3000  # pixels, as of pictures
_MOST_PIXELS = 60_000_000  # of one picture on a page, as of picture files
_NESTED = 4


def is_document(data: bytes) -> bool:
    """Whether a file is a PDF."""
    return data.startswith(MARK)


def sheets(data: bytes) -> Iterator[NDArray[np.uint8]]:
    """The first ten pages of a PDF, one drawn at a time, at 200 dpi and at most 3,000 pixels.

    Args:
        data: the file's bytes.

    Returns:
        RGB, shape (height, width, 3), 0 to 255.

    Raises:
        UnusablePage: `page_unreadable`: damaged, locked by a password, or with a picture of too many pixels.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
    except pypdfium2.PdfiumError as error:
        raise _unreadable("the PDF is damaged or locked by a password") from error
    try:
        for number in range(min(count, MOST_PAGES)):
            try:
                sheet = _drawn(document[number])
            except pypdfium2.PdfiumError as error:
                raise _unreadable(f"page {number + 1} of the PDF is damaged") from error
            yield sheet
    finally:
        document.close()


def _drawn(page: PdfPage) -> NDArray[np.uint8]:
    from pypdfium2 import raw

    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_NESTED):
        width, height = item.get_px_size()
        if width * height > _MOST_PIXELS:  # a few bytes can stand for gigabytes
            raise _unreadable(
                f"a picture in the PDF has more than {_MOST_PIXELS // 1_000_000} million pixels"
            )
    longest = max(page.get_size())
    scale = min(_DPI / _POINTS, _LONGEST / max(longest, 1.0))
    bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False, draw_annots=False)
    pixels: NDArray[np.uint8] = np.array(bitmap.to_numpy()[..., :3])
    page.close()
    return pixels


def _unreadable(why: str) -> UnusablePage:
    return UnusablePage(PageReason.UNREADABLE, detail=why)
