"""From the picture of a 12-lead page to its leads, what was measured on them, and the answers of every model of pages."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.contract import Analysis, ModelResult, Outcome
from ml.pages.digitise import DigitisedPage, digitise
from ml.pages.document import is_document, sheets
from ml.pages.measures import measure_digitised
from ml.pages.picture import open_picture
from ml.pages.preparation import prepared
from ml.pages.reasons import PageReason, UnusablePage, named
from ml.preprocessing.page_image import seen
from ml.preprocessing.page_source import page_source
from ml.preprocessing.twelve_lead import LEAST_SECONDS
from ml.serving.gate import Refusal
from ml.serving.page_checks import NOTHING_CHECKED, CheckedAnswers, check_answers
from ml.serving.page_findings import Store, page_findings
from ml.serving.page_models import answer_prepared, in_mm
from ml.serving.signals import signal_member
from ml.serving.twelve_lead import MODEL, NOT_READABLE, opinion_on_leads
from ml.serving.unanswered import unanswered

CODE_VERSION = "pages-1"
_NOT_ELIGIBLE = frozenset({PageReason.NOT_ECG, PageReason.NO_GRID, PageReason.LAYOUT_UNKNOWN})
_MOST_BRIDGED_S = 0.06
_UNREAD = (
    f"Not every one of the twelve leads could be followed for {LEAST_SECONDS:g} s on the page, so the twelve-lead model did not answer. "
    "Photograph or scan the page again, flat and in even light."
)


def analyse_page(data: bytes, *, store: Store | None = None) -> Analysis:
    """Digitise a 12-lead page, measure it, and let the models of pages answer.

    Args:
        data: bytes of a picture file, or of a PDF, of which the first page that can be digitised is taken. What is no page gives an
            answer with a reason.
        store: given name and bytes of the page's pictures and tiles; None keeps neither.

    Raises:
        TamperedArtefactError: when a model's files are not the ones that were measured.
    """
    started = time.perf_counter()
    try:
        sheet, page = _first_page(data) if is_document(data) else (None, digitise(open_picture(data)))
    except UnusablePage as refusal:
        return _refused(data, refusal, started)
    return _answered(data, page, sheet, store)


def _first_page(data: bytes) -> tuple[int, DigitisedPage]:
    """Number, from 1, and content of the first page of a PDF that can be digitised.

    Raises:
        UnusablePage: why the first page cannot be, when none can.
    """
    why: UnusablePage | None = None
    for number, pixels in enumerate(sheets(data), start=1):
        try:
            return number, digitise(pixels)
        except UnusablePage as refusal:
            why = why or refusal
    raise why or UnusablePage(PageReason.UNREADABLE, detail="the PDF has no pages")


def _refused(data: bytes, refusal: UnusablePage, started: float) -> Analysis:
    """The answer to a page that cannot be read."""
    outcome = Outcome.NOT_ELIGIBLE if refusal.reason_code in _NOT_ELIGIBLE else Outcome.POOR_INPUT
    why = Refusal(outcome, refusal.reason_code, refusal.message)
    return Analysis(results=(_unanswered(hashlib.sha256(data).hexdigest(), why, started),))


def _answered(data: bytes, page: DigitisedPage, sheet: int | None, store: Store | None) -> Analysis:
    """The answers to a page that was digitised."""
    sha256 = hashlib.sha256(data).hexdigest()
    measures = measure_digitised(page)
    beside, looked = _twelve_leads(page, sha256)
    steps = prepared(page.page, page.reading)
    # A page of which leads are missing is not judged by the rest: what they would show may be the finding.
    checked = NOTHING_CHECKED if page.outside else _page_models(page, steps.box, sha256)
    findings = page_findings(
        page, steps, measures, sheet=sheet, looked=looked, lead_maps=checked.maps, store=store
    )
    return Analysis(results=(*checked.results, beside), findings=findings)


def _page_models(page: DigitisedPage, box: tuple[int, int, int, int], sha256: str) -> CheckedAnswers:
    """What the models of whole pages answer, checked, with maps over a box of the page."""
    source, covered = page_source(page.page, page.reading), in_mm(box, page.page)
    shown = seen(source)
    return check_answers(answer_prepared(shown, covered, input_sha256=sha256), source, shown, covered)


def _twelve_leads(page: DigitisedPage, sha256: str) -> tuple[ModelResult, dict[str, Any] | None]:
    """What ``ecg-signals`` says about the digitised leads, and where it looked."""
    started = time.perf_counter()
    signals = bridged(page.signals, page.fs)
    found = opinion_on_leads(
        signals,
        page.fs,
        start_s=0.0,
        of_s=signals.shape[1] / page.fs,
        sha256=sha256,
        code_version=CODE_VERSION,
    )
    if found is not None:
        return found
    if page.outside:
        outside = UnusablePage(PageReason.LEADS_OUTSIDE, leads=named(page.outside))
        return _unanswered(
            sha256, Refusal(Outcome.NOT_ELIGIBLE, outside.reason_code, outside.message), started
        ), None
    return _unanswered(sha256, Refusal(Outcome.POOR_INPUT, NOT_READABLE, _UNREAD), started), None


def bridged(signals: NDArray[np.floating], fs: float) -> NDArray[np.float32]:
    """Leads without the hair-thin gaps that names, separators and edges of columns leave.

    Args:
        signals: shape (12, n), millivolt; NaN where nothing was read.
        fs: sampling rate, Hz.

    Returns:
        The same with gaps of at most 60 ms between samples drawn straight, and each lead's first and last value held for at most so
        long beyond its ends; whatever is longer stays NaN.
    """
    most = round(_MOST_BRIDGED_S * fs)
    result = np.array(signals, dtype=np.float32)
    for row in result:
        held = np.flatnonzero(np.isfinite(row))
        if not len(held):
            continue
        low, high = max(0, held[0] - most), min(len(row), held[-1] + 1 + most)
        at = np.arange(low, high)
        after = np.minimum(np.searchsorted(held, at), len(held) - 1)
        before = np.maximum(after - 1, 0)
        outside = (at < held[0]) | (at > held[-1])
        near = outside | (held[after] - held[before] - 1 <= most)
        row[at] = np.where(near, np.interp(at, held, row[held]), row[at])
    return result


def _unanswered(sha256: str, why: Refusal, started: float) -> ModelResult:
    """A page's result without an answer."""
    contract = signal_member(MODEL).contract
    return unanswered(contract, why, input_sha256=sha256, code_version=CODE_VERSION, started=started)
