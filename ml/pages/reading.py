"""Twelve leads from the ink of a straightened page."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ml.pages.ink import ink_map
from ml.pages.layouts import BY_ROWS, Layout
from ml.pages.rectify import StraightPage
from ml.pages.rows import Pulse, find_extent, find_pulse, find_rows
from ml.pages.tracking import TracedRow, columns_of, follow, polyline, trace_row
from ml.recordings.leads import TWELVE

FS = 500.0
ROW_MM = 250.0
_NEAR_MM = 6.0  # a row whose length is within this of 250 mm is one of ten seconds
_BRIDGED_MM = 1.2
_SEPARATOR_MM = 4.0
_BORDER_MM = 0.25  # on both sides of a border between leads, where the strokes of both lie over each other
_WIDE_PULSE_MM = 8.0
_PULSE_S = 0.2
_LEAST_PART = 0.6
_CALM_MM = 8.0
_ALIKE = 0.7  # standard deviation of the difference, as part of the lead's own


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeadTrace:
    """One lead as it lies on the straightened page.

    Attributes:
        lead: name.
        rhythm: whether it is the strip over the whole width.
        column: of the layout, from 0.
        left: x of its beginning, pixels.
        right: x of its end, pixels.
        x: of the points of the trace, pixels, ascending.
        y: of the points, pixels; NaN without ink.
        support: part of its columns that hold ink under the path, 0 to 1.
    """

    lead: str
    rhythm: bool
    column: int
    left: float
    right: float
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    support: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What was read from a straightened page.

    Attributes:
        layout: arrangement of the leads.
        rows: base lines, pixels.
        extent: x where the traces begin and end, pixels.
        pulse: calibration pulse, if there is one.
        contrast: of ink over grid, 0 to 1.
        ink: of the whole page, as `ml.pages.ink.ink_map` gives it.
        traces: the leads that lie on the page.
        outside: leads that lie outside the picture.
    """

    layout: Layout
    rows: NDArray[np.float64]
    extent: tuple[int, int]
    pulse: Pulse | None
    contrast: float
    ink: NDArray[np.float32]
    traces: tuple[LeadTrace, ...]
    outside: tuple[str, ...]

    @property
    def mm_per_mv(self) -> float:
        """Gain by the pulse; 10 mm/mV, the standard, without one."""
        return self.pulse.mm_per_mv if self.pulse else 10.0

    @property
    def mm_per_s(self) -> float:
        """Paper speed by the pulse, which lasts 0.2 s; 25 mm/s, the standard, without one."""
        if self.pulse and not self.pulse.standard:
            return self.pulse.width_mm / _PULSE_S
        return 50.0 if self.pulse and self.pulse.width_mm > _WIDE_PULSE_MM else 25.0


def _columns(extent: tuple[int, int], layout: Layout, page: StraightPage) -> list[tuple[int, float, float]]:
    """Number, beginning and end of the columns that lie on the page for the most part, pixels."""
    first, last = extent
    full = ROW_MM * page.scale
    width = float(last - first)
    edge = 4 * page.scale
    if abs(width - full) > _NEAR_MM * page.scale and width < full:
        height = page.inside.shape[0]
        middle = page.inside[height // 4 : 3 * height // 4]
        held = np.flatnonzero(middle.mean(axis=0) > 0.5)
        cut_right = last > held[-1] - edge
        cut_left = first < held[0] + edge
        if cut_right and not cut_left:
            return _whole_enough(float(first), full / layout.columns, layout, (first, last))
        if cut_left and not cut_right:
            return _whole_enough(last - full, full / layout.columns, layout, (first, last))
    return _whole_enough(float(first), width / layout.columns, layout, (first, last))


def _whole_enough(
    start: float, width: float, layout: Layout, extent: tuple[int, int]
) -> list[tuple[int, float, float]]:
    found = []
    for column in range(layout.columns):
        left, right = start + column * width, start + (column + 1) * width
        seen = min(right, extent[1]) - max(left, extent[0])
        if seen >= _LEAST_PART * width:
            found.append((column, left, right))
    return found


def _separators(
    ink: NDArray[np.float32], rows: NDArray[np.float64], at: float, scale: int
) -> NDArray[np.bool_]:
    """Which pixel columns around a border between leads are a printed line, shape (width,)."""
    result = np.zeros(ink.shape[1], dtype=bool)
    near = slice(max(0, round(at - 1.5 * scale)), round(at + 1.5 * scale) + 1)
    half = round(_SEPARATOR_MM / 2 * scale)
    tall = np.mean(
        [(ink[max(0, round(y) - half) : round(y) + half + 1, near] > 0.4).mean(axis=0) > 0.85 for y in rows],
        axis=0,
    )
    found = np.flatnonzero(tall >= 0.6) + near.start
    if len(found) and len(found) <= 0.8 * scale:  # wider than a line, it is a QRS
        result[max(0, found.min() - 1) : found.max() + 2] = True
    return result


def _lead(
    row: TracedRow, hidden: NDArray[np.bool_], first: int, span: tuple[float, float], scale: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Points of a row between two x, in pixels of the page, and the part of the columns that hold ink."""
    columns = slice(max(0, round(span[0]) - first), max(1, round(span[1]) - first))
    part = dataclasses.replace(
        row, **{name: getattr(row, name)[columns] for name in ("top", "bottom", "middle", "support")}
    )
    doubtful = hidden[columns].copy()
    spill = max(round(_BORDER_MM * scale), round(row.pen / 2.0 + 0.5))
    if columns.start > spill:
        doubtful[:spill] = True
    if columns.stop < len(hidden) - spill:
        doubtful[-spill:] = True
    x, y = polyline(part, round(_CALM_MM * scale), doubtful)
    return x + first + columns.start, y, float((part.support > 0.4).mean()) if len(part.support) else 0.0


def read_page(
    page: StraightPage, *, known: tuple[NDArray[np.float64], Pulse] | None = None
) -> Reading | None:
    """Follow the traces of a page.

    Args:
        page: upright.
        known: its base lines, pixels, and its calibration pulse, when they have been found already.

    Returns:
        None when its rows fit no layout that is known here.
    """
    ink, contrast = ink_map(page.image)
    rows = known[0] if known else find_rows(ink, page.scale)
    if len(rows) not in BY_ROWS:
        return None
    layout = BY_ROWS[len(rows)]
    pulse = known[1] if known else find_pulse(ink, rows, page.scale)
    extent = find_extent(ink, rows, pulse, page.scale)
    if extent[1] - extent[0] < ROW_MM * page.scale / 5:
        return None
    columns = _columns(extent, layout, page)
    inner = [left for number, left, _ in columns if number > 0]
    borders = np.zeros((len(rows), extent[1] - extent[0]), dtype=bool)
    near = round(_BORDER_MM * page.scale)
    for border in inner:
        middle = round(border) - extent[0]
        borders[: len(layout.rows), middle - near : middle + near] = True
    paths = follow(ink, rows, extent, page.scale, borders=borders)
    part = columns_of(ink[:, extent[0] : extent[1]])
    traces = []
    for number, leads in enumerate(layout.strips):
        rhythm = number >= len(layout.rows)
        traced = trace_row(part, paths[number], np.delete(paths, number, axis=0))
        hidden = np.zeros(extent[1] - extent[0], dtype=bool)
        for at in inner:
            mine = rows[number : number + 1] if rhythm else rows[: len(layout.rows)]
            hidden |= _separators(ink, mine, at, page.scale)[extent[0] : extent[1]]
        for column, left, right in (
            columns if not rhythm else [(0, float(columns[0][1]), float(columns[-1][2]))]
        ):
            x, y, support = _lead(traced, hidden, extent[0], (left, right), page.scale)
            traces.append(
                LeadTrace(
                    lead=leads[column],
                    rhythm=rhythm,
                    column=column,
                    left=left,
                    right=right,
                    x=x,
                    y=y,
                    support=support,
                )
            )
    seen = {trace.lead for trace in traces}
    return Reading(
        layout=layout,
        rows=rows,
        extent=extent,
        pulse=pulse,
        contrast=contrast,
        ink=ink,
        traces=tuple(traces),
        outside=tuple(lead for lead in TWELVE if lead not in seen),
    )


def sampled(trace: LeadTrace, reading: Reading, scale: int, *, fs: float = FS) -> NDArray[np.float64]:
    """A trace in millivolt at even times from the beginning of its column; NaN where the ink is interrupted.

    0 mV is the median of the lead, for paper has no zero line.
    """
    px_per_s = reading.mm_per_s * scale
    count = round((trace.right - trace.left) / px_per_s * fs)
    known = np.isfinite(trace.y)
    if known.sum() < 2:
        return np.full(count, np.nan)
    x, y = trace.x[known], trace.y[known]
    at = trace.left + np.arange(count) / fs * px_per_s
    values = np.interp(at, x, y)
    values[(at < x[0] - 1.0) | (at > x[-1] + 1.0)] = np.nan
    after = np.clip(np.searchsorted(x, at), 1, len(x) - 1)
    values[x[after] - x[after - 1] > _BRIDGED_MM * scale] = np.nan
    if not np.isfinite(values).any():
        return values
    result: NDArray[np.float64] = (np.nanmedian(values) - values) / (scale * reading.mm_per_mv)
    return result


def rhythm_lead(reading: Reading, scale: int) -> str | None:
    """Which lead the strip over the whole width shows: printers let one choose.

    Returns:
        The lead that is most like the strip while both are printed; None when none is alike, or there is no strip.
    """
    strip = next((trace for trace in reading.traces if trace.rhythm), None)
    if strip is None:
        return None
    whole = sampled(strip, reading, scale)
    best, found = _ALIKE, None
    for trace in reading.traces:
        if trace.rhythm:
            continue
        own = sampled(trace, reading, scale)
        at = round((trace.left - strip.left) / (reading.mm_per_s * scale) * FS)
        part = whole[max(at, 0) : max(at, 0) + len(own)]
        own = own[: len(part)]
        both = np.isfinite(part) & np.isfinite(own)
        if both.sum() < FS:
            continue
        error = float(np.std(part[both] - own[both])) / max(float(np.std(own[both])), 1e-6)
        if error < best:
            best, found = error, trace.lead
    return found


def limb_residual(signals: dict[str, NDArray[np.float64]]) -> float:
    """How far the limb leads are from Einthoven's and Goldberger's laws, as part of their size; 0 is perfect, 1 is chance.

    III = II - I, and aVR + aVL + aVF = 0, at every moment.

    Args:
        signals: millivolt by name, of leads that were recorded at the same time; those that are missing are left out.
    """
    shares = []
    for laws in ({"I": 1.0, "III": 1.0, "II": -1.0}, {"aVR": 1.0, "aVL": 1.0, "aVF": 1.0}):
        if not set(laws) <= set(signals):
            continue
        length = min(len(signals[lead]) for lead in laws)
        parts = np.stack([sign * signals[lead][:length] for lead, sign in laws.items()])
        whole = np.isfinite(parts).all(axis=0)
        if whole.sum() < 0.5 * length or not whole.any():
            continue
        parts = parts[:, whole] - np.median(parts[:, whole], axis=1, keepdims=True)
        size = float(np.sqrt((parts**2).sum(axis=0).mean()))
        shares.append(float(np.sqrt((parts.sum(axis=0) ** 2).mean())) / max(size, 1e-6))
    return float(np.mean(shares)) if shares else float("nan")
