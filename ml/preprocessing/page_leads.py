"""What `page-signals` sees: the twelve leads of a page, followed on the ink that the pictures are made of; for training and serving.

2.5 s of every lead at 100 Hz, for at 4 pixels per millimetre and 25 mm/s a column of pixels is a sample. What the digitiser gives is finer;
this is made of the same `PageSource` as the pictures, so that one page is never read in two ways by the models of pages.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.pages.tracking import TracedRow, columns_of, follow, polyline, trace_row
from ml.preprocessing.page_source import SOURCE_PX_PER_MM
from ml.preprocessing.twelve_lead import LEADS, LEAST, RATE_HZ, without_baseline
from ml.recordings.leads import TWELVE

if TYPE_CHECKING:
    from ml.preprocessing.page_source import LeadBox, PageSource

VERSION = "page-leads-1"
SHAPE = (LEAST, LEADS)
_CALM_MM = 8.0
_BORDER_PX = 3  # columns beside another lead, whose first stroke may reach over
_MOST_BRIDGED_S = 0.12
_LEAST_PX = 80  # of a lead; less is not worth following


def _rows(source: PageSource) -> NDArray[np.float64]:
    """Base lines of the rows, pixels, ascending."""
    return np.array(sorted({round(box.baseline * SOURCE_PX_PER_MM, 2) for box in source.boxes}))


def _row_of(box: LeadBox, rows: NDArray[np.float64]) -> int:
    return int(np.abs(rows - box.baseline * SOURCE_PX_PER_MM).argmin())


def _followed(box: LeadBox, row: TracedRow, first: int, mm_per_mv: float) -> NDArray[np.float64] | None:
    """A lead at 100 Hz, millivolt, NaN where there is no ink; None where there is hardly any."""
    columns = slice(
        max(0, round(box.left * SOURCE_PX_PER_MM) - first),
        max(1, round(box.right * SOURCE_PX_PER_MM) - first),
    )
    names = ("top", "bottom", "middle", "support")
    part = dataclasses.replace(row, **{name: getattr(row, name)[columns] for name in names})
    wide = len(part.top)
    if wide < _LEAST_PX:
        return None
    doubtful = np.zeros(wide, dtype=bool)
    doubtful[:_BORDER_PX] = doubtful[-_BORDER_PX:] = True
    x, y = polyline(part, round(_CALM_MM * SOURCE_PX_PER_MM), doubtful)
    known = np.isfinite(y)
    if known.sum() < _LEAST_PX:
        return None
    count = round(box.seconds * RATE_HZ)
    x, y = x[known] / wide * count, y[known]
    at = np.arange(count)
    height = np.interp(at, x, y)
    after = np.clip(np.searchsorted(x, at), 1, len(x) - 1)
    height[x[after] - x[after - 1] > _MOST_BRIDGED_S * RATE_HZ] = np.nan
    result: NDArray[np.float64] = (np.median(height[np.isfinite(height)]) - height) / (
        SOURCE_PX_PER_MM * mm_per_mv
    )
    return result


def _piece(lead: NDArray[np.float64]) -> NDArray[np.float32]:
    """The first 2.5 s from where a lead begins, without its base line; 0 where nothing was read, which the network knows as a lost lead."""
    piece = np.zeros(LEAST, dtype=np.float32)
    known = np.flatnonzero(np.isfinite(lead))
    if len(known) < _LEAST_PX:
        return piece
    part = lead[known[0] : known[-1] + 1][:LEAST]
    there = np.isfinite(part)
    at = np.arange(len(part))
    whole = without_baseline(np.interp(at, at[there], part[there]), RATE_HZ)
    piece[: len(part)] = np.where(there, whole, 0.0)
    return piece


def page_leads(source: PageSource) -> NDArray[np.float32]:
    """Twelve leads of a page.

    Args:
        source: as `ml.preprocessing.page_source` gives it.

    Returns:
        Shape (250, 12), millivolt at 100 Hz, standard order, each lead from the beginning of its own column; 0 for a lead that is not
        printed or cannot be followed.
    """
    result = np.zeros(SHAPE, dtype=np.float32)
    rows = _rows(source)
    first = max(0, int(min((box.left for box in source.boxes), default=0.0) * SOURCE_PX_PER_MM))
    last = min(
        source.ink.shape[1], int(max((box.right for box in source.boxes), default=0.0) * SOURCE_PX_PER_MM) + 1
    )
    if len(rows) < 2 or last - first < _LEAST_PX:  # a page has three rows at least
        return result
    borders = np.zeros((len(rows), last - first), dtype=bool)
    for box in source.boxes:
        at = round(box.left * SOURCE_PX_PER_MM) - first
        if at > _BORDER_PX and not box.rhythm:
            borders[_row_of(box, rows), at - 2 : at + 2] = True
    ink = source.ink.astype(np.float32) / 255.0
    paths = follow(ink, rows, (first, last), SOURCE_PX_PER_MM, borders=borders)
    part = columns_of(ink[:, first:last])
    traced = [trace_row(part, path, np.delete(paths, i, axis=0)) for i, path in enumerate(paths)]
    for box in source.boxes:
        if not box.rhythm:
            lead = _followed(box, traced[_row_of(box, rows)], first, source.mm_per_mv)
            if lead is not None:
                result[:, TWELVE.index(box.lead)] = _piece(lead)
    return result
