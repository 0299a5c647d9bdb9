"""From the bytes of any picture to the answers of the models that read it: those of single heartbeats, or those of 12-lead pages."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from ml.contract import Analysis, Outcome
from ml.pages.document import is_document
from ml.pages.reasons import PageReason
from ml.serving.analysis import analyse
from ml.serving.gate import NOT_ECG, SEVERAL

# Pixels of the shorter side below which no page can be digitised: such a picture costs the page's way nothing.
_LEAST_SIDE = 380
_ANSWERED = (Outcome.PREDICTED, Outcome.ABSTAINED)
# Without a grid, a picture that is blank or damaged is better judged by the gate of the heartbeats, as is one that shows no paper.
_NO_GRID = frozenset({PageReason.NO_GRID, PageReason.BLURRED, PageReason.GLARE, PageReason.COVERED})
_PAGE_LIKE = frozenset({SEVERAL.code, NOT_ECG.code})


def analyse_picture(
    data: bytes, *, second_opinions: bool = False, store: Callable[[str, bytes], None] | None = None
) -> Analysis:
    """Let the models answer that read such a picture.

    What passes the gate of the heartbeats shows one trace, and is answered by their models alone. Of the rest, what holds a grid and the
    rows of a layout is a page.

    Args:
        data: bytes of a picture file, or of a PDF, of which the first page that can be read is taken. Strange, damaged and
            empty files give an answer with a reason, never an error.
        second_opinions: whether every model of heartbeats answers, not the deciding one alone. Those of pages always all answer.
        store: given name and bytes of a page's pictures and of its signal; None keeps neither.

    Raises:
        TamperedArtefactError: when a model's files are not the ones that were measured.
    """
    if is_document(data):
        return _page(data, store)
    if not _large(data):
        return Analysis(results=analyse(data, second_opinions=second_opinions))
    results = analyse(data)
    if results[0].outcome in _ANSWERED:
        return Analysis(results=analyse(data, second_opinions=True) if second_opinions else results)
    answer = _page(data, store)
    why = answer.results[0].reason_code
    unlike = why == PageReason.NOT_ECG or (why in _NO_GRID and results[0].reason_code not in _PAGE_LIKE)
    return Analysis(results=results) if unlike else answer


def _page(data: bytes, store: Callable[[str, bytes], None] | None) -> Analysis:
    """Ask the models of pages; most pictures show a heartbeat, and do not wait for the digitiser to be loaded."""
    from ml.serving import pages

    return pages.analyse_page(data, store=store)


def _large(data: bytes) -> bool:
    """Whether a picture has the pixels of a page, by its header alone."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return min(image.size) >= _LEAST_SIDE
    except Exception:  # noqa: BLE001  # decoders raise whatever a damaged file leads them to
        return False
