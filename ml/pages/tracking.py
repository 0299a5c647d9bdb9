"""Following a trace from left to right on the ink of a page, to a part of a pixel.

The path that costs least is found by dynamic programming over columns (Viterbi): a step to the side costs what is missing of
ink, a step up or down within a column likewise but less, so that steep limbs of a QRS are followed along their ink. The stretch
of ink around the path then gives the height of the trace in every column, and three points in time where the trace is steep.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

_CLIMB = 0.45
_CLIMB_IN_INK = 0.004
_HOME = 0.06  # a whole row away costs this per column: the next trace is no shortcut
_REACH_MM = 32.0
_TURNS = 20
_SOLID = 0.4
_NARROWER, _TIP = 0.9, 0.5  # of the pen beside steep limbs, and of its radius over a tip; by PTB-XL fold 9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TracedRow:
    """One row as it was followed.

    Attributes:
        top: upper rim of the ink in every column, pixels; NaN without ink.
        bottom: lower rim.
        middle: middle of the ink, weighted.
        pen: width of the pen, pixels.
        support: ink under the path in every column, 0 to 1.
    """

    top: NDArray[np.float64]
    bottom: NDArray[np.float64]
    middle: NDArray[np.float64]
    pen: float
    support: NDArray[np.float64]


def follow(
    ink: NDArray[np.float32],
    rows: NDArray[np.float64],
    extent: tuple[int, int],
    scale: int,
    *,
    borders: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The cheapest path of every row.

    Args:
        ink: shape (height, width).
        rows: base lines, pixels, shape (r,).
        extent: first column and end, pixels.
        scale: pixels per millimetre.
        borders: where one lead of a row ends and the next begins, shape (r, columns): there the path is free.

    Returns:
        y of each row's path in every column of the extent, shape (r, columns), pixels.
    """
    first, last = extent
    reach = round(_REACH_MM * scale)
    spacing = float(np.diff(rows).min())
    padded = np.pad(ink[:, first:last], ((reach, reach), (0, 0)))
    windows = np.stack([padded[round(y) : round(y) + 2 * reach + 1] for y in rows])
    price = np.ascontiguousarray(np.moveaxis(1.0 - windows, 2, 0)) ** 2
    price[borders.T] = 0.0
    home = _HOME * np.abs(np.arange(-reach, reach + 1)) / spacing
    steps = _cheapest_steps(price, home)
    return (_path_back(steps) - reach + np.rint(rows).astype(int)).T


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """How every pixel of the windows is reached at the least cost, each shape (columns, rows, height).

    Attributes:
        falling: whether one comes to it from above within its column (or stays), and not from below.
        above: where a climb down may begin: nothing above is a cheaper beginning.
        below: where a climb up may begin.
        cost: of reaching the last column, shape (rows, height).
    """

    falling: NDArray[np.bool_]
    above: NDArray[np.bool_]
    below: NDArray[np.bool_]
    cost: NDArray[np.float64]


def _cheapest_steps(price: NDArray[np.float32], home: NDArray[np.float64]) -> _Steps:
    """From column to column, the cheapest way to every pixel when one may climb within a column.

    Args:
        price: of every pixel, shape (columns, rows, height).
        home: of its distance from the base line, shape (height,).
    """
    climbs = np.cumsum(_CLIMB * price + _CLIMB_IN_INK, axis=2)
    falling, above, below = (np.empty(price.shape, dtype=bool) for _ in range(3))
    cost = np.zeros(price.shape[1:])
    for x, paid in enumerate(price):
        cost = cost + paid + home
        climb = climbs[x].astype(np.float64)
        begun, ended = cost - climb, cost + climb
        down = np.minimum.accumulate(begun, axis=1)
        up = np.minimum.accumulate(ended[:, ::-1], axis=1)[:, ::-1]
        np.less_equal(begun, down, out=above[x])
        np.less_equal(ended, up, out=below[x])
        down += climb
        up = up - climb
        np.less_equal(down, up, out=falling[x])
        cost = np.minimum(down, up)
    return _Steps(falling, above, below, cost)


def _path_back(steps: _Steps) -> NDArray[np.int64]:
    """The cheapest path of every row in its window, shape (columns, rows): where it comes into each column."""
    columns, rows, height = steps.falling.shape
    # A search of bytes is by far the fastest way to the next beginning, which mostly is the pixel itself.
    falling, above, below = (one.tobytes() for one in (steps.falling, steps.above, steps.below))
    path = np.empty((columns, rows), dtype=np.int64)
    for row, last in enumerate(steps.cost.argmin(axis=1)):
        y = int(last)
        for x in range(columns - 1, -1, -1):
            start = (x * rows + row) * height
            up, down = start + y + 1, start + height
            y = (
                above.rindex(1, start, up) if falling[start + y] else below.index(1, start + y, down)
            ) - start
            path[x, row] = y
    return path


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The ink of every column, as all rows need it.

    Attributes:
        ink: shape (height, columns).
        starts: first row of the unbroken ink that each pixel belongs to; the row below it where there is none.
        ends: last row of that ink.
        padded: the ink with an empty row above and below.
        sums: ink above each row of `padded`, shape (height + 3, columns).
        weights: the same, each pixel times its y.
    """

    ink: NDArray[np.float32]
    starts: NDArray[np.int16]
    ends: NDArray[np.int16]
    padded: NDArray[np.float32]
    sums: NDArray[np.float64]
    weights: NDArray[np.float64]


def columns_of(ink: NDArray[np.float32]) -> Columns:
    """Prepare the ink of the extent's columns, shape (height, columns), for `trace_row`."""
    height = len(ink)
    solid = ink > _SOLID
    index = np.arange(height, dtype=np.int16)[
        :, None
    ]  # no page is higher than 32,767 pixels; a quarter of the time
    starts = np.maximum.accumulate(np.where(solid, np.int16(-1), index), axis=0) + 1
    ends = np.minimum.accumulate(np.where(solid, np.int16(height), index)[::-1], axis=0)[::-1] - 1
    padded = np.pad(ink, ((1, 1), (0, 0)))
    sums, weights = (np.zeros((height + 3, ink.shape[1])) for _ in range(2))
    for row, held in enumerate(padded):  # a row at a time: a third of the time of a cumulative sum
        np.add(sums[row], held, out=sums[row + 1])
        np.add(weights[row], held * np.float64(row - 0.5), out=weights[row + 1])
    return Columns(ink, starts, ends, padded, sums, weights)


def _stretches(
    page: Columns, path: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """First and last row of the unbroken ink around the path, and whether there is any."""
    height, columns = page.ink.shape
    every = np.arange(columns)
    y = np.clip(path, 0, height - 1)
    for step in (0, -1, 1, -2, 2):  # the path may run a pixel beside thin ink
        moved = np.clip(path + step, 0, height - 1)
        y = np.where(page.ink[y, every] > _SOLID, y, moved)
    held = page.ink[y, every] > _SOLID
    return page.starts[y, every].astype(np.int64), page.ends[y, every].astype(np.int64), held


def trace_row(page: Columns, path: NDArray[np.int64], others: NDArray[np.int64]) -> TracedRow:
    """The ink around a path.

    Args:
        page: ink of the extent's columns, as `columns_of` prepares it.
        path: y in every column, pixels.
        others: paths of the other rows, shape (rows, columns): ink that belongs to them is left to them.
    """
    first, last, held = _stretches(page, path)
    first, last = _own_part(first, last, path, others)
    height, columns = page.ink.shape
    every = np.arange(columns)
    upper = np.where(first > 0, page.padded[first, every], 0.0)
    lower = page.padded[np.minimum(last + 2, height + 1), every]
    top_row, end_row = first, last + 3
    mass = page.sums[end_row, every] - page.sums[top_row, every]
    middle = (page.weights[end_row, every] - page.weights[top_row, every]) / np.maximum(mass, 1e-6)
    top, bottom = first - upper.astype(np.float64), last + 1.0 + lower
    pen = float(np.quantile((bottom - top)[held], 0.3)) if held.any() else 1.0
    empty = ~held
    return TracedRow(
        top=np.where(empty, np.nan, top),
        bottom=np.where(empty, np.nan, bottom),
        middle=np.where(empty, np.nan, middle),
        pen=pen,
        support=np.clip(page.ink[np.clip(path, 0, height - 1), every], 0.0, 1.0).astype(np.float64),
    )


def _own_part(
    first: NDArray[np.int64], last: NDArray[np.int64], path: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the ink of two rows touches, each keeps the part on its side of the middle between them."""
    for other in others:
        below = (other > path) & (other <= last)
        above = (other < path) & (other >= first)
        middle = (path + other) // 2
        last = np.where(below, np.minimum(last, middle), last)
        first = np.where(above, np.maximum(first, middle), first)
    return first, last


def _without_pen(
    row: TracedRow, known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centre line as the upper and as the lower rim of the ink tell it, at half columns.

    A round pen widens the line by its radius in every direction (a dilation by a disk), so that eroding the rims by the same
    disk gives the line back, but for what is narrower than the pen: the upper rim loses valleys, the lower rim loses peaks.
    """
    columns = np.arange(len(row.top)) + 0.5
    x = np.arange(2 * len(row.top)) / 2.0 + 0.25
    top = np.interp(x, columns[known], row.top[known])
    bottom = np.interp(x, columns[known], row.bottom[known])
    radius = row.pen / 2.0
    steps = int(2 * radius)
    upper, lower = np.full_like(top, -np.inf), np.full_like(top, np.inf)
    padded_top, padded_bottom = np.pad(top, steps, mode="edge"), np.pad(bottom, steps, mode="edge")
    for step in range(-steps, steps + 1):
        depth = (1.0 - (step / 2.0 / radius) ** 2) ** 0.5 * radius
        near = slice(steps + step, steps + step + len(x))
        upper = np.maximum(upper, padded_top[near] + depth)
        lower = np.minimum(lower, padded_bottom[near] - depth)
    return x, upper, lower


def _settled(
    start: NDArray[np.float64], top: NDArray[np.float64], bottom: NDArray[np.float64], pen: float
) -> NDArray[np.float64]:
    """The line that, drawn with a pen, has these rims; at half columns.

    Every point of a rim is made by one point of the line: what the rim lacks is given to that point, in turns. Blur widens the
    pen between two rims that lie far apart, but not the tip of a peak; so the pen is taken to be narrower than it looks.
    """
    radius = _NARROWER * pen / 2.0
    steps = int(2 * radius)
    offsets = np.arange(-steps, steps + 1)
    depth = np.sqrt(np.maximum(1.0 - (offsets / 2.0 / radius) ** 2, 0.0)) * radius * _TIP
    y, here = start.copy(), np.arange(len(start))
    around = np.clip(np.arange(-steps, len(y) + steps), 0, len(y) - 1)
    rims, told = np.concatenate([top, bottom]), np.isfinite(np.concatenate([top, bottom]))
    for _ in range(_TURNS):
        padded = y[around]
        upper, lower = padded[: len(y)] - depth[0], padded[: len(y)] + depth[0]
        highest, lowest = np.zeros_like(here), np.zeros_like(here)
        for step in range(1, 2 * steps + 1):
            near = padded[step : step + len(y)]
            rim = near - depth[step]
            np.putmask(highest, rim < upper, step)
            np.minimum(upper, rim, out=upper)
            rim = near + depth[step]
            np.putmask(lowest, rim > lower, step)
            np.maximum(lower, rim, out=lower)
        makers = np.clip(np.concatenate([here + highest, here + lowest]) - steps, 0, len(y) - 1)[told]
        lacking = (rims - np.concatenate([upper, lower]))[told]
        moved = np.bincount(makers, lacking, minlength=len(y))
        count = np.bincount(makers, minlength=len(y))
        y = y + 0.5 * moved / np.maximum(count, 1)
    return y


def _chosen(
    upper: NDArray[np.float64], lower: NDArray[np.float64], base: NDArray[np.float64], pen: float
) -> NDArray[np.float64]:
    """Between the rims' answers lies a peak or a valley narrower than the pen: whichever leads away from the base line."""
    farther = np.where(np.abs(upper - base) >= np.abs(lower - base), upper, lower)
    doubt = np.clip((lower - upper) / (0.5 * pen), 0.0, 1.0)
    result: NDArray[np.float64] = (1.0 - doubt) * (upper + lower) / 2.0 + doubt * farther
    return result


def _held(held: NDArray[np.bool_], doubt: NDArray[np.bool_], every: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which columns have a line: sure ones, and doubtful ones with no empty paper between them and the nearest sure one."""
    columns = np.arange(len(held))
    after = np.clip(np.searchsorted(every, columns), 1, len(every) - 1)
    left, right = every[after - 1], every[after]
    nearest = np.where(np.abs(right - columns) <= np.abs(left - columns), right, left)
    low, high = np.minimum(nearest, columns), np.maximum(nearest, columns)
    empty = np.cumsum(np.r_[0, ~doubt & ~held])
    return np.where(doubt, empty[high + 1] == empty[low], held)


def _continued(
    y: NDArray[np.float64], x: NDArray[np.float64], row: TracedRow, every: NDArray[np.int64]
) -> NDArray[np.float64]:
    """A line that leaves its last sure column the way it came, steeply up or down; likewise before its first."""
    result, radius = y.copy(), row.pen / 2.0
    for end, inner, beyond in (
        (every[0], every[min(3, len(every) - 1)], x < every[0]),
        (every[-1], every[-min(4, len(every))], x > every[-1] + 1),
    ):
        rising = row.middle[end] < row.middle[inner]
        result[beyond] = row.top[end] + radius if rising else row.bottom[end] - radius
    return result


def polyline(
    row: TracedRow, calm: int, doubtful: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The centre line of a trace.

    Args:
        row: as it was followed.
        calm: pixels over which the base line around a peak is judged.
        doubtful: columns whose ink is not the trace's alone (a separator, the next lead's first stroke), shape (columns,). There
            the line goes on from what is beside it, if there is ink beside it.

    Returns:
        x (pixels from the first column) and y (pixels), two per column; y is NaN where there is no ink.
    """
    held = np.isfinite(row.top)
    doubt = np.zeros_like(held) if doubtful is None else doubtful
    known = held & ~doubt
    every = np.flatnonzero(known)
    if len(every) < 2:
        x = np.arange(2 * len(row.top)) / 2.0 + 0.25
        return x, np.full(len(x), np.nan)
    held = _held(held, doubt, every)
    x, upper, lower = _without_pen(row, known)
    middle = np.interp(x, every + 0.5, row.middle[known])
    height = np.interp(x, every + 0.5, (row.bottom - row.top)[known])
    base = median_filter(middle[::4], size=max(3, calm // 2 | 1), mode="nearest")
    base = np.interp(np.arange(len(x)), np.arange(len(base)) * 4, base)
    steep = _chosen(upper, lower, base, row.pen)
    top, bottom = (np.interp(x, every + 0.5, rim[known]) for rim in (row.top, row.bottom))
    told = np.repeat(known, 2)
    if doubt.any():
        steep = _continued(steep, x, row, every)
    steep = _settled(steep, np.where(told, top, np.nan), np.where(told, bottom, np.nan), row.pen)
    weight = np.clip((height - 1.3 * row.pen) / (0.5 * row.pen), 0.0, 1.0)
    y = (1.0 - weight) * middle + weight * steep
    return x, np.where(np.repeat(held, 2), y, np.nan)
