"""Rows of traces, where they begin and end, and their calibration pulses, on the ink of a straightened page."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, gaussian_filter1d, maximum_filter, uniform_filter1d
from scipy.signal import find_peaks

from ml.pages.layouts import BY_ROWS

_LEAST_APART_MM = 8.0
_BAND_MM = 3.0
_RIM_MM = 2.0  # beyond the grid: the edge of the paper, or the desk
_LEAST_COVER = 0.22
_GAINS = (10.0, 5.0, 20.0)
_PULSES_MM = (5.0, 10.0, 2.5)
_PULSE_SEEN = 0.45
_OTHER_PAPER = (
    4.0,
    6.25,
    8.0,
    12.5,
    16.0,
)  # a pulse of 10 mm on paper with squares of 12.5, 8, 6.25, 4 and 3.1 mm instead of 5
_OTHER_SEEN = 0.7
_SEARCH_MM = 32.0
FOOT_MM = 2.2
_LEAST_RUN_MM = 12.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The calibration pulses of a page.

    Attributes:
        mm_per_mv: height, 5, 10 or 20 mm; another where the squares of the grid are not of 5 mm.
        width_mm: width of the pulse.
        left: x of its first flank, pixels.
        score: how well it fits in the typical row, 0 to 1.
    """

    mm_per_mv: float
    width_mm: float
    left: int
    score: float

    @property
    def standard(self) -> bool:
        """Whether its height is usual, so that the squares of the grid are of 5 mm."""
        return self.mm_per_mv in _GAINS


def find_rows(ink: NDArray[np.float32], scale: int) -> NDArray[np.float64]:
    """Base lines of the rows of a known layout.

    Args:
        ink: as `ink_map` gives it, shape (height, width).
        scale: pixels per millimetre.

    Returns:
        Ascending y, pixels, 3, 4, 6 or 12 of them; empty when the rows fit no layout.
    """
    band = maximum_filter(ink[:, ::2] > 0.5, size=(round(_BAND_MM * scale), 1))
    cover = gaussian_filter1d(uniform_filter1d(band.mean(axis=1), scale), 0.8 * scale)
    # A row of letters covers little of the width.
    peaks, _ = find_peaks(np.pad(cover, 1), height=_LEAST_COVER, distance=round(_LEAST_APART_MM * scale))
    peaks = peaks - 1
    rim = _RIM_MM * scale
    peaks = peaks[(peaks >= rim) & (peaks < len(cover) - rim)]
    if len(peaks) < min(BY_ROWS):
        return np.empty(0)
    strong = peaks[cover[peaks] > 0.45 * np.median(np.sort(cover[peaks])[-3:])]
    return _evenly_spaced(strong.astype(np.float64), scale)


def _evenly_spaced(peaks: NDArray[np.float64], scale: int) -> NDArray[np.float64]:
    """Those peaks that make the rows of a layout, at about the same distance from each other."""
    best: tuple[float, NDArray[np.float64]] = (-np.inf, np.empty(0))
    for count in BY_ROWS:
        for first, last in itertools.combinations(range(len(peaks)), 2):
            if last - first + 1 < count - (count > 6):
                continue
            expected = np.linspace(peaks[first], peaks[last], count)
            step = expected[1] - expected[0]
            distance = np.abs(peaks[None, :] - expected[:, None])
            near = distance.min(axis=1)
            hits = near < 0.3 * step
            if step < _LEAST_APART_MM * scale or hits.sum() < count - (count > 6):
                continue
            rows = np.where(hits, peaks[distance.argmin(axis=1)], expected)
            left_over = len(peaks) - int(hits.sum())
            score = float(hits.sum()) - 1.5 * left_over - float(np.mean(near) / step)
            if len(np.unique(rows)) == count and score > best[0]:
                best = (score, rows)
    return best[1] if best[0] > 0 else np.empty(0)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Ink at one end of the rows, summed up so that what lies on any stroke is one difference.

    Attributes:
        down: above every pixel, the pen widened, shape (height + 1, width).
        along: to the left of every pixel, likewise, shape (height, width + 1).
        inner: above and to the left of every pixel, shape (height + 1, width + 1).
    """

    down: NDArray[np.float32]
    along: NDArray[np.float32]
    inner: NDArray[np.float32]


def _summed(ink: NDArray[np.float32]) -> _Sums:
    """The sums of a part of the ink."""
    thick = maximum_filter(ink, size=(3, 3))
    return _Sums(
        down=np.cumsum(np.pad(thick, ((1, 0), (0, 0))), axis=0),
        along=np.cumsum(np.pad(thick, ((0, 0), (1, 0))), axis=1),
        inner=np.cumsum(np.cumsum(np.pad(ink, ((1, 0), (1, 0))), axis=0), axis=1),
    )


def _template_scores(
    sums: _Sums, feet: tuple[int, int], *, height: int, width: int, scale: int
) -> NDArray[np.floating]:
    """How well a rectangle stands on the pixels of some lines (its left foot): the worst of its sides, less what is inside it.

    Args:
        sums: of the ink.
        feet: first line and end; none is above the height.
        height: of the rectangle, pixels.
        width: of the rectangle, pixels.
        scale: pixels per millimetre.

    Returns:
        Shape (lines, columns - width).
    """
    first, last = feet
    columns = sums.down.shape[1]
    sides = (sums.down[first:last] - sums.down[first - height : last - height]) / height
    left, right = sides[:, : columns - width], sides[:, width:columns]
    top = sums.along[first - height : last - height]
    roof = (top[:, width:columns] - top[:, : columns - width]) / width
    result: NDArray[np.floating] = np.minimum(np.minimum(left, right), roof)
    rim = max(2, round(0.6 * scale))
    if width > 2 * rim + 1:
        area = (height - 2 * rim) * (width - 2 * rim)
        upper, lower = (
            sums.inner[first - height + rim : last - height + rim],
            sums.inner[first - rim : last - rim],
        )
        c, d = slice(rim, columns - width + rim), slice(width - rim, columns - rim)
        result -= 2.0 * ((lower[:, d] - upper[:, d] - lower[:, c] + upper[:, c]) / area)
    return result


def find_pulse(ink: NDArray[np.float32], rows: NDArray[np.float64], scale: int) -> Pulse | None:
    """The calibration pulse, which stands at the same place in all rows.

    Args:
        ink: shape (height, width).
        rows: base lines, pixels.
        scale: pixels per millimetre.

    Returns:
        None when no pulse stands at either end of the rows.
    """
    best = _best_pulse(ink, rows, scale, list(itertools.product(_GAINS, _PULSES_MM)), _PULSE_SEEN)
    return best or _best_pulse(ink, rows, scale, [(gain, gain / 2) for gain in _OTHER_PAPER], _OTHER_SEEN)


def _best_pulse(
    ink: NDArray[np.float32],
    rows: NDArray[np.float64],
    scale: int,
    sizes: list[tuple[float, float]],
    least: float,
) -> Pulse | None:
    """The pulse of one of these heights and widths, millimetre, that fits best and at least so well."""
    reach = min(round(_SEARCH_MM * scale), ink.shape[1] // 3)
    slack = round(2.5 * scale)
    best: Pulse | None = None
    for side in (0, ink.shape[1] - reach):
        sums = _summed(ink[:, side : side + reach])
        for gain, wide in sizes:
            height, width = round(gain * scale), round(wide * scale)
            per_row = np.full((len(rows), reach), -1.0)
            for number, y in enumerate(rows):
                feet = max(height, round(y) - slack), min(len(ink), round(y) + slack + 1)
                if feet[0] < feet[1] and width < reach:
                    scores = _template_scores(sums, feet, height=height, width=width, scale=scale)
                    per_row[number, : reach - width] = scores.max(axis=0, initial=-1.0)
            # The same place within half a millimetre in every row.
            typical = np.median(maximum_filter(per_row, size=(1, max(3, scale))), axis=0)
            at = int(typical.argmax())
            if typical[at] > max(least, best.score if best else 0.0):
                best = Pulse(
                    mm_per_mv=gain, width_mm=wide, left=side + at, score=float(min(typical[at], 1.0))
                )
    return best


def find_extent(
    ink: NDArray[np.float32], rows: NDArray[np.float64], pulse: Pulse | None, scale: int
) -> tuple[int, int]:
    """Where the traces begin and end, pixels; the same in all rows. The pulse and what is beyond it are left out.

    Args:
        ink: shape (height, width).
        rows: base lines, pixels.
        pulse: as `find_pulse` gives it.
        scale: pixels per millimetre.
    """
    half = round(min(6.0, 0.4 * float(np.diff(rows).min()) / scale) * scale)
    held = np.stack(
        [(ink[max(0, round(y) - half) : round(y) + half + 1] > 0.5).any(axis=0) for y in rows]
    ).mean(axis=0)
    present = held >= 0.5
    if pulse is not None:
        left, right = pulse.left, pulse.left + round(pulse.width_mm * scale)
        foot = round(FOOT_MM * scale)
        if pulse.left < ink.shape[1] / 2:
            present[: right + foot_length(present[right + 2 :], foot) + 2] = False
        else:
            present[left - foot_length(present[: left - 2][::-1], foot) - 2 :] = False
    present = binary_closing(np.pad(present, 5 * scale), np.ones(round(2.5 * scale)))[5 * scale : -5 * scale]
    edges = np.flatnonzero(np.diff(np.r_[0, present.astype(int), 0]))
    if not len(edges):
        return 0, 0
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts > _LEAST_RUN_MM * scale  # letters in the margin are shorter
    if not long.any():
        return 0, 0
    return int(starts[long][0]), int(stops[long][-1])


def foot_length(beside: NDArray[np.bool_], foot: int) -> int:
    """Length of the pulse's foot: until the first gap, or what is usual when it runs into the trace.

    Args:
        beside: whether the columns from the pulse towards the trace hold ink, shape (n,).
        foot: its usual length, columns.
    """
    empty = np.flatnonzero(~beside[: 2 * foot])
    return int(empty[0]) if len(empty) else round(foot * 0.7)
