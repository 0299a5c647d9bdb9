"""Drawing of 12-lead pages whose every millimetre is known: seed of the tests, and teacher of the page models.

A page is drawn two or three times as large and then reduced, which smooths the edges of pen and letters.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.pages.layouts import LAYOUTS, Layout
from ml.pages.style import PAPERS, PageStyle, font
from ml.recordings.leads import TWELVE

TRACE_MM = 250.0  # width of a row: ten seconds at 25 mm/s
_PULSE_ROOM_MM = 13.0
_FINE_MM, _BOLD_MM = 0.12, 0.26
_WORDS_MM = 24.0  # kept free of traces where the words stand on the grid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Where one lead lies on the undamaged page.

    Attributes:
        lead: name.
        row: of the page, from 0.
        left: x of its first sample, pixels; pixel i reaches from i to i + 1.
        right: x of its end, pixels.
        baseline: y of 0 mV, pixels.
        start_s: time of its first sample in the recording.
        end_s: time of its end.
        rhythm: whether it is a strip over the whole width.
    """

    lead: str
    row: int
    left: float
    right: float
    baseline: float
    start_s: float
    end_s: float
    rhythm: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RenderedPage:
    """A page and the truth about it.

    Attributes:
        image: RGB, shape (height, width, 3), 0 to 255.
        mask: ink of traces and calibration pulses alone, shape (height, width), 0 to 255.
        style: what it looks like.
        segments: where the leads lie.
        grid_box: left, top, right and bottom of the grid, pixels.
        fs: sampling rate of what was drawn, Hz.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    style: PageStyle
    segments: tuple[Segment, ...]
    grid_box: tuple[float, float, float, float]
    fs: float


def _grid_box(style: PageStyle) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the grid, millimetre."""
    left, top, right, bottom = style.margins_mm
    return left, top, style.paper_mm[0] - right, style.paper_mm[1] - bottom


def _segments(style: PageStyle, layout: Layout) -> tuple[Segment, ...]:
    """Where the leads go: rows share the height of the grid, the pulse stands beside the traces."""
    left, top, right, bottom = _grid_box(style)
    if style.margins_mm[1] < _WORDS_MM:
        top, bottom = top + _WORDS_MM, bottom - 6.0
    needed = TRACE_MM + (_PULSE_ROOM_MM if style.pulse != "none" else 0.0)
    if right - left < needed:
        raise ValueError(f"the grid is {right - left:.0f} mm wide, and {needed:.0f} mm are drawn")
    # Traces begin on a whole millimetre of the grid, as printers do.
    start = left + np.floor((right - left - needed) / 2) + (_PULSE_ROOM_MM if style.pulse == "left" else 0.0)
    height = (bottom - top) / len(layout.strips)
    scale, segments = style.px_per_mm, []
    for row, leads in enumerate(layout.strips):
        baseline = top + (row + 0.55) * height
        width, seconds = TRACE_MM / len(leads), style.seconds / len(leads)
        for column, lead in enumerate(leads):
            segments.append(
                Segment(
                    lead=lead,
                    row=row,
                    left=(start + column * width) * scale,
                    right=(start + (column + 1) * width) * scale,
                    baseline=baseline * scale,
                    start_s=column * seconds,
                    end_s=(column + 1) * seconds,
                    rhythm=row >= len(layout.rows),
                )
            )
    return tuple(segments)


def _coverage(
    length: int, scale: float, step_mm: float, width_mm: float, span: tuple[float, float]
) -> NDArray[np.float32]:
    """How much of every pixel along one axis is covered by lines at a distance of `step_mm` inside `span`, 0 to 1."""
    covered = np.zeros(length, dtype=np.float32)
    half = max(width_mm * scale, 0.7) / 2.0
    edges = np.arange(length, dtype=np.float64)
    for at in np.arange(span[0], span[1] + 1e-6, step_mm) * scale:
        near = slice(max(0, int(at - half) - 1), min(length, int(at + half) + 2))
        covered[near] += np.clip(
            np.minimum(edges[near] + 1, at + half) - np.maximum(edges[near], at - half), 0, 1
        )
    return np.minimum(covered, 1.0)


def _paper(style: PageStyle, size: tuple[int, int]) -> Image.Image:
    """The sheet with its grid."""
    width, height = size
    colour, fine, bold = PAPERS[style.paper]
    left, top, right, bottom = _grid_box(style)
    page = Image.new("RGB", size, colour)
    if style.grid == "none":
        return page
    inside = np.zeros((height, width), dtype=bool)
    inside[round(top * style.px_per_mm) : round(bottom * style.px_per_mm) + 1,
           round(left * style.px_per_mm) : round(right * style.px_per_mm) + 1] = True  # fmt: skip

    def lines(step: float, thick: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        across = _coverage(width, style.px_per_mm, step, thick, (left, right))
        down = _coverage(height, style.px_per_mm, step, thick, (top, bottom))
        return across, down

    def put(cover: NDArray[np.float32], tone: tuple[int, int, int]) -> None:
        ink = np.rint(255.0 * np.where(inside, cover, 0.0)).astype(np.uint8)
        page.paste(tone, (0, 0), Image.fromarray(ink))

    if style.grid != "bold":
        across, down = lines(1.0, _FINE_MM)
        if style.grid == "dots":
            put(np.minimum(1.0, 2.0 * across[None, :] * down[:, None]), fine)
        else:
            put(np.maximum(across[None, :], down[:, None]), fine)
    across, down = lines(5.0, _BOLD_MM)
    put(np.maximum(across[None, :], down[:, None]), bold)
    if style.frame:
        box = tuple(round(v * style.px_per_mm) for v in (left, top, right, bottom))
        ImageDraw.Draw(page).rectangle(
            (box[0], box[1], min(box[2], width - 1), min(box[3], height - 1)),
            outline=bold,
            width=max(1, round(0.4 * style.px_per_mm)),
        )
    return page


def _trace(pen: ImageDraw.ImageDraw, x: NDArray[np.float64], y: NDArray[np.float64], width: int) -> None:
    """A line through points; missing ones leave a gap."""
    known = np.flatnonzero(np.isfinite(y))
    for part in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        if len(part) > 1:
            pen.line(np.stack([x[part], y[part]], axis=1).ravel().tolist(), fill=255, width=width)


def _pulses(style: PageStyle, segments: tuple[Segment, ...]) -> list[NDArray[np.float64]]:
    """The corner points of the calibration pulse of every row, pixels, shape (6, 2) each."""
    if style.pulse == "none":
        return []
    scale, wide = style.px_per_mm, style.pulse_s * style.mm_per_s
    across = np.array([0.0, 1.5, 1.5, 1.5 + wide, 1.5 + wide, min(3.0 + wide, _PULSE_ROOM_MM - 0.5)])
    up = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0]) * style.mm_per_mv
    rows = {segment.row: segment for segment in segments}
    first, last = min(s.left for s in segments), max(s.right for s in segments)
    start = first - (_PULSE_ROOM_MM - 1.0) * scale if style.pulse == "left" else last + 1.0 * scale
    return [np.stack([start + across * scale, s.baseline - up * scale], axis=1) for s in rows.values()]


def _letters(
    pen: ImageDraw.ImageDraw, style: PageStyle, segments: tuple[Segment, ...], enlarged: float
) -> None:
    """Names of the leads, separators, header and footer."""
    scale = style.px_per_mm * enlarged
    names = font(style.font, style.letter_mm * scale * 1.25)
    for s in segments:
        above = 1.2 if style.name_at == "near" else 5.5
        at = (s.left * enlarged + 0.6 * scale, s.baseline * enlarged - above * scale)
        pen.text(at, s.lead, fill=255, font=names, anchor="ls")
    inner = [s for s in segments if s.start_s > 0]
    for s in inner if style.separators != "none" else []:
        reach = (2.5 if style.separators == "ticks" else 6.0) * scale
        x = s.left * enlarged
        pen.line(
            [x, s.baseline * enlarged - reach, x, s.baseline * enlarged + reach],
            fill=255,
            width=max(1, round(0.3 * scale)),
        )
    if style.separators == "lines" and len({s.row for s in inner}) > 1:
        ends = [s.baseline * enlarged for s in inner]
        for x in {s.left * enlarged for s in inner}:
            pen.line([x, min(ends), x, max(ends)], fill=255, width=max(1, round(0.3 * scale)))
    title, *lines, footer = style.words or ("", "")
    width, height = style.paper_mm[0] * scale, style.paper_mm[1] * scale
    pen.text((width / 2, 3 * scale), title, fill=255, font=font(style.font, 5.0 * scale), anchor="mt")
    small = font(style.font, 3.2 * scale)
    for number, line in enumerate(lines):
        pen.text((9 * scale, (10 + 5 * number) * scale), line, fill=255, font=small, anchor="lt")
    pen.text((9 * scale, height - 2.0 * scale), footer, fill=255, font=small, anchor="lb")


def render_page(signals: NDArray[np.floating], fs: float, style: PageStyle) -> RenderedPage:
    """Draw twelve leads as a page.

    Args:
        signals: shape (12, n), millivolt, in the order I, II, III, aVR, aVL, aVF, V1 to V6; NaN leaves a gap. What is
            missing of the page's seconds stays empty.
        fs: sampling rate, Hz.
        style: layout, paper, pen and words.

    Raises:
        ValueError: when there are not twelve leads, or the sheet is too small.
    """
    values = np.asarray(signals, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != len(TWELVE):
        raise ValueError(f"expected signals of shape (12, n), got {values.shape}")
    layout, scale = LAYOUTS[style.layout], style.px_per_mm
    size = (round(style.paper_mm[0] * scale), round(style.paper_mm[1] * scale))
    segments = _segments(style, layout)
    enlarged = 2 if scale >= 6.0 else 3
    mask = Image.new("L", (size[0] * enlarged, size[1] * enlarged))
    pen = ImageDraw.Draw(mask)
    width = max(1, round(style.pen_mm * scale * enlarged))
    for s in segments:
        first, last = round(s.start_s * fs), min(round(s.end_s * fs), values.shape[1] - 1)
        at = np.arange(first, last + 1)
        gap = (style.gap_mm if s.start_s > 0 and not s.rhythm else 0.0) * scale
        x = s.left + (at / fs - s.start_s) * style.mm_per_s * scale
        y = s.baseline - values[TWELVE.index(s.lead), at] * style.mm_per_mv * scale
        y[x < s.left + gap] = np.nan
        _trace(pen, x * enlarged, y * enlarged, width)
    for corners in _pulses(style, segments):
        _trace(pen, corners[:, 0] * enlarged, corners[:, 1] * enlarged, width)
    both = mask.copy()
    _letters(ImageDraw.Draw(both), style, segments, enlarged)
    page = _paper(style, size)
    page.paste(style.ink, (0, 0), both.reduce(enlarged))
    return RenderedPage(
        image=np.asarray(page),
        mask=np.asarray(mask.reduce(enlarged)),
        style=style,
        segments=segments,
        grid_box=tuple(v * scale for v in _grid_box(style)),  # type: ignore[arg-type]
        fs=fs,
    )
