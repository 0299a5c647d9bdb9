"""Pages printed on white paper without a grid: how large a millimetre is there, and which side is up.

A calibration pulse stands before every row, at the same place and of the same size: two strokes under a roof, open below. No other
thing on paper does that, so the pulses show that the page is an ECG, which side is up, where the rows run and how high 1 mV is.
Height and width together leave several gains and speeds; the one whose rows are nearest to the usual 250 mm is taken. Without pulses
nothing but that length is known: such a page is read only when its limb leads agree (Einthoven's law), and says that its scale is assumed.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import find_objects, label

from ml.pages.geometry import Homography, apply, inverse, shift, turn, warped
from ml.pages.grid import WORKING_EDGE, Grid
from ml.pages.ink import ink_map
from ml.pages.reading import ROW_MM, Reading, limb_residual, read_page, sampled
from ml.pages.rectify import AROUND_MM, SCALE, ScaleFrom, StraightPage, laid_flat
from ml.pages.rows import FOOT_MM, Pulse, find_extent, find_rows, foot_length

_STEEPEST = 15.0  # degrees by which such a page may be turned
_LEVEL = 0.1  # degrees that do not matter
_POINTS = 30_000
_SIZES_MM = ((10.0, 5.0), (10.0, 2.5), (10.0, 10.0), (5.0, 5.0), (5.0, 2.5), (20.0, 5.0), (20.0, 10.0))
_SHAPE = 0.3  # printers without a grid draw pulses narrower than they should be
_HIGHEST = 0.3  # of the picture, for a pulse
_LOWEST = 11  # pixels: 5 mm at the least resolution that is read
_ALIKE = 0.06  # of a pulse's height: what its strokes, and pulses of one page, may differ by
_LEAST_PULSES = 3
_ROOF, _EMPTY = 0.95, 0.05
_ROWS_FIT = 1.25  # how far from 250 mm rows may be
_TEN_SECONDS = 1.03  # rows as near as that to 250 mm are ten seconds: their length is measured better than a pulse's height
_BLUR = 1.5  # pixels by which a pulse may look too high or too low
_ABOVE_MM, _BELOW_MM = 24.0, 18.0  # of the first and the last base line; headers and footers are farther
_NO_WORDS_MM = 9.0  # around the base lines: names of leads stand there
_LETTER_MM = (1.0, 4.0)  # height
_WORD_MM = 20.0  # length of letters that touch each other
_LEAST_LETTERS = 6
_CLEAR_MM = 0.5  # kept from them
_LEAST_SUPPORT = 0.75
_AGREEING = 0.3  # residual of Einthoven's law, where nothing else shows that the page is an ECG
_LEAST_MV = 0.05  # height of the typical lead: straight lines are no ECG
_USUAL_WIDTH_MM = 290.0  # of a page


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Pulses:
    """Equal calibration pulses under each other, pixels of the upright picture.

    Attributes:
        left: x of their first flanks.
        right: x of their second flanks.
        height: from base line to roof, between the middles of the strokes.
        feet: y of their feet, the base lines of the rows, ascending.
    """

    left: float
    right: float
    height: float
    feet: NDArray[np.float64]


def tilt(ink: NDArray[np.bool_]) -> float:
    """By how many degrees clockwise rows run downhill, at most 15: the angle at which their ink gathers in the fewest lines.

    Args:
        ink: shape (height, width).
    """
    y, x = np.nonzero(ink)
    step = max(1, len(y) // _POINTS)
    y, x = y[::step].astype(np.float64), x[::step].astype(np.float64)
    best = 0.0
    for reach, fine in ((_STEEPEST, 0.5), (0.5, 0.1), (0.1, 0.02)):
        angles = best + np.arange(-reach, reach + fine / 2, fine)
        sharp = [
            float((np.bincount(np.rint(lines - lines.min()).astype(np.int64)).astype(np.float64) ** 2).sum())
            for lines in (y * np.cos(angle) - x * np.sin(angle) for angle in np.deg2rad(angles))
        ]
        best = float(angles[int(np.argmax(sharp))])
    return best


def _strokes(ink: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Upright strokes: middle x, top, bottom (exclusive) and width, pixels, shape (n, 4), from left to right."""
    edges = np.diff(np.pad(ink, ((1, 1), (0, 0))).T.astype(np.int8), axis=1)
    x, top = np.nonzero(edges == 1)
    bottom = np.nonzero(edges == -1)[1]
    long = (bottom - top >= _LOWEST) & (bottom - top <= _HIGHEST * ink.shape[0])
    found: list[list[int]] = []  # first x, last x, top, bottom
    open_ones: list[list[int]] = []
    for at, high, low in zip(x[long], top[long], bottom[long], strict=True):
        open_ones = [stroke for stroke in open_ones if stroke[1] >= at - 1]
        slack = max(2.0, _ALIKE * (low - high))
        near = [s for s in open_ones if abs(s[2] - high) <= slack and abs(s[3] - low) <= slack]
        if near:
            near[0][1:] = [int(at), min(near[0][2], int(high)), max(near[0][3], int(low))]
        else:
            found.append([int(at), int(at), int(high), int(low)])
            open_ones.append(found[-1])
    return np.array(
        [[(a + b) // 2, high, low, b - a + 1] for a, b, high, low in found], dtype=np.int64
    ).reshape(-1, 4)


def _rectangles(ink: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Pairs of strokes under a roof and open below: left, right, top, bottom and pen, pixels, shape (n, 5)."""
    strokes = _strokes(ink)
    found = []
    for number, (left, top, bottom, pen) in enumerate(strokes):
        height = bottom - top
        slack = max(2.0, _ALIKE * height)
        for right, high, low, _ in strokes[number + 1 :]:
            wide = right - left
            if wide > 1.3 * height:
                break
            if wide < max(4, 0.15 * height) or abs(high - top) > slack or abs(low - bottom) > slack:
                continue
            rim = pen // 2 + 2
            roof = ink[max(0, top - 1) : top + pen + 2, left : right + 1].any(axis=0).mean()
            inside = ink[top + pen + 2 : bottom, left + rim : right - rim + 1]
            if roof >= _ROOF and inside.size and inside.mean() <= _EMPTY:
                found.append((left, right, top, bottom, pen))
    return np.array(found, dtype=np.float64).reshape(-1, 5)


def _pulses(ink: NDArray[np.bool_]) -> _Pulses | None:
    """The most equal rectangles under each other, if there are three."""
    all_of_them = _rectangles(ink)
    if len(all_of_them) < _LEAST_PULSES:
        return None
    left, right, top, bottom, pen = all_of_them.T
    height = bottom - top
    slack = np.maximum(2.0, _ALIKE * height)[:, None]
    alike = (
        (np.abs(left - left[:, None]) <= slack)
        & (np.abs(right - right[:, None]) <= slack)
        & (np.abs(height - height[:, None]) <= slack)
    )
    most = alike[int(alike.sum(axis=1).argmax())]
    feet = np.sort(bottom[most] - pen[most] / 2.0)
    feet = feet[np.r_[True, np.diff(feet) > 0.5 * float(np.median(height[most]))]]
    if len(feet) < _LEAST_PULSES:
        return None
    return _Pulses(
        left=float(np.median(left[most])) + 0.5,
        right=float(np.median(right[most])) + 0.5,
        height=float(np.mean((height - pen)[most])),
        feet=feet,
    )


def _held(ink: NDArray[np.bool_], pulses: _Pulses) -> NDArray[np.bool_]:
    """Which columns hold ink near the base line in half of the rows, shape (width,)."""
    half = 0.2 * float(np.diff(pulses.feet).min())
    rows = [ink[max(0, round(y - half)) : round(y + half) + 1].any(axis=0) for y in pulses.feet]
    return np.asarray(np.mean(rows, axis=0) >= 0.5)


def _row_length(held: NDArray[np.bool_], pulses: _Pulses, scale: float) -> float:
    """How far the rows run beside their pulses, pixels."""
    usual = round(FOOT_MM * scale)
    beside = held[round(pulses.right) + 2 :]
    if pulses.left >= len(held) / 2:
        beside = held[: round(pulses.left) - 2][::-1]
    present = np.flatnonzero(beside)
    present = present[present >= foot_length(beside, usual)]
    return float(present[-1] + 1 - present[0]) if len(present) else 1.0


def _measured(ink: NDArray[np.bool_], pulses: _Pulses) -> tuple[float, Pulse] | None:
    """Pixels per millimetre and the pulse, by the usual size of one that gives rows of nearly 250 mm; None when none does."""
    held, shape = _held(ink, pulses), (pulses.right - pulses.left) / pulses.height
    fits = []
    for high, wide in _SIZES_MM:
        length = _row_length(held, pulses, pulses.height / high)
        ratio = length / (pulses.height / high) / ROW_MM
        if abs(shape * high / wide - 1.0) <= _SHAPE:
            fits.append((max(ratio, 1.0 / ratio), length / ROW_MM, high, wide))
    if not fits or min(fits)[0] > _ROWS_FIT:
        return None
    fit, by_rows, high, wide = min(fits)
    ten_seconds = fit <= max(_TEN_SECONDS, 1.0 + _BLUR / pulses.height)
    scale = by_rows if ten_seconds else pulses.height / high
    middle = (pulses.left + pulses.right) / 2.0 / scale + AROUND_MM
    return scale, Pulse(mm_per_mv=high, width_mm=wide, left=round((middle - wide / 2.0) * SCALE), score=1.0)


def _between_words(ink: NDArray[np.bool_], rows: tuple[float, float], scale: float) -> tuple[float, float]:
    """Top and bottom of what lies between the words above and below the rows, millimetres.

    Without a grid nothing else says where header and footer begin, and no model may see them.
    """
    boxes = [
        (place[0].start / scale, place[0].stop / scale)
        for place in find_objects(label(ink, structure=np.ones((3, 3)))[0])
        if _LETTER_MM[0] < (place[0].stop - place[0].start) / scale < _LETTER_MM[1]
        and place[1].stop - place[1].start < _WORD_MM * scale
    ]
    first, last = rows[0] / scale, rows[1] / scale
    above = [bottom for _, bottom in boxes if bottom < first - _NO_WORDS_MM]
    below = [top for top, _ in boxes if top > last + _NO_WORDS_MM]
    top = max(above) + _CLEAR_MM if len(above) >= _LEAST_LETTERS else 0.0
    bottom = min(below) - _CLEAR_MM if len(below) >= _LEAST_LETTERS else len(ink) / scale
    up, down = min(first - top, _ABOVE_MM, first), min(bottom - last, _BELOW_MM, len(ink) / scale - last)
    # Whole pixels of every picture that is made of the page, so that words move nothing.
    return first - np.floor(2.0 * up) / 2.0, last + np.floor(2.0 * down) / 2.0


def _page(
    picture: NDArray[np.uint8],
    upright: Homography,
    ink: NDArray[np.bool_],
    scale: float,
    rows: tuple[float, float],
    scale_from: ScaleFrom,
) -> StraightPage:
    """The page at a known scale, cropped around its rows.

    Args:
        picture: as it was given.
        upright: from its pixels to those of the upright picture.
        ink: of the upright picture.
        scale: pixels of the upright picture per millimetre.
        rows: y of the first and of the last base line in the upright picture.
        scale_from: what the scale was taken from.
    """
    width = ink.shape[1] / scale
    top, bottom = _between_words(ink, rows, scale)
    # What lies beyond the box is shown for 2 mm: the words begin there.
    top, bottom = top + AROUND_MM, bottom - AROUND_MM
    to_mm = np.diag([1.0 / scale, 1.0 / scale, 1.0]) @ upright
    per_mm = scale / float(np.sqrt(abs(np.linalg.det(upright[:2, :2]))))
    box = (0.0, top, width, bottom)
    grid = Grid(to_mm=to_mm, box_mm=box, px_per_mm=(per_mm, per_mm), clearness=0.0, residual_mm=0.0)
    return laid_flat(picture, grid, scale_from=scale_from)


def _followed(page: StraightPage, reading: Reading) -> bool:
    """Whether there are traces that could be followed, and that are no straight lines."""
    if np.median([trace.support for trace in reading.traces]) < _LEAST_SUPPORT:
        return False
    leads = {trace.lead: sampled(trace, reading, page.scale) for trace in reading.traces if not trace.rhythm}
    heights = [np.ptp(lead[np.isfinite(lead)]) for lead in leads.values() if np.isfinite(lead).any()]
    return bool(heights and np.median(heights) > _LEAST_MV)


def _sides(ink: NDArray[np.float32]) -> list[tuple[int, Homography]]:
    """Quarter turns of a picture and the homographies to the pixels of the turned ones."""
    height, width = ink.shape
    return [
        (0, np.eye(3)),
        (2, shift(width, height) @ turn(180.0)),
        (1, shift(height, 0.0) @ turn(90.0)),
        (3, shift(0.0, width) @ turn(-90.0)),
    ]


def gridless_page(picture: NDArray[np.uint8]) -> tuple[StraightPage, Reading] | None:
    """Read a page of white paper without a grid.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255; the paper may be turned by up to 15 degrees, on its side or upside down, but
            not tilted.

    Returns:
        The page the right way up, and its reading; None when the picture shows no such page.
    """
    factor = -(-max(picture.shape[:2]) // WORKING_EDGE)
    small = picture if factor == 1 else np.asarray(Image.fromarray(picture).reduce(factor))
    ink = ink_map(small)[0]
    if not ink.any():
        return None
    to_small = np.diag([1.0 / factor, 1.0 / factor, 1.0])
    candidates = []
    for quarters, around in _sides(ink):
        turned = np.ascontiguousarray(np.rot90(ink, -quarters))
        size = (turned.shape[1], turned.shape[0])
        level = _levelled(size, tilt(turned > 0.5))
        flat = np.asarray(warped(Image.fromarray(turned), level, size))
        candidates.append((quarters, flat > 0.5, level @ around @ to_small))
    wide = [one for one in candidates if one[1].shape[1] >= one[1].shape[0]]
    for seek, sides in ((_by_pulses, candidates), (_by_rows, wide)):
        for quarters, flat, upright in sides:
            found = seek(picture, flat, upright)
            if found is not None:
                return dataclasses.replace(found[0], turned=90 * quarters), found[1]
    return None


def _levelled(size: tuple[int, int], angle: float) -> Homography:
    """Turns a picture of this size about its middle so that what runs downhill by an angle is level."""
    if abs(angle) < _LEVEL:
        return np.eye(3)
    x, y = size[0] / 2.0, size[1] / 2.0
    return shift(x, y) @ turn(-angle) @ shift(-x, -y)


def _by_pulses(
    picture: NDArray[np.uint8], ink: NDArray[np.bool_], upright: Homography
) -> tuple[StraightPage, Reading] | None:
    """The page by the size of its calibration pulses."""
    pulses = _pulses(ink)
    measured = _measured(ink, pulses) if pulses is not None else None
    if pulses is None or measured is None:
        return None
    scale, pulse = measured
    page = _page(picture, upright, ink, scale, (pulses.feet[0], pulses.feet[-1]), "pulse")
    _, rows = apply(
        page.from_picture @ inverse(upright), np.c_[np.full(len(pulses.feet), pulses.left), pulses.feet]
    ).T
    reading = read_page(page, known=(rows, pulse))
    # Whether the limb leads agree is asked of every page that is digitised, not here.
    return (page, reading) if reading is not None and _followed(page, reading) else None


def _by_rows(
    picture: NDArray[np.uint8], ink: NDArray[np.bool_], upright: Homography
) -> tuple[StraightPage, Reading] | None:
    """The page by nothing but the usual length of its rows."""
    guess = max(1, round(ink.shape[1] / _USUAL_WIDTH_MM))
    rows = find_rows(ink.astype(np.float32), guess)
    if not len(rows):
        return None
    first, last = find_extent(ink.astype(np.float32), rows, None, guess)
    scale = (last - first) / ROW_MM
    if scale < guess / 2:
        return None
    page = _page(picture, upright, ink, scale, (rows[0], rows[-1]), "rows")
    reading = read_page(page)
    if reading is None or reading.pulse is not None or not _followed(page, reading):
        return None
    leads = {trace.lead: sampled(trace, reading, page.scale) for trace in reading.traces if not trace.rhythm}
    return (page, reading) if limb_residual(leads) <= _AGREEING else None
