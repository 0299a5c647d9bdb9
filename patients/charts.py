"""Geometry of the charts that pages draw as SVG without scripts. Each has a table of its figures behind it.

Coordinates are in units of the drawing, whose width is `WIDTH`; they are text already, so that no language writes a comma into them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 360.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 12.0, 10.0, 38.0
NAMES, ROW, SCALE = (
    148.0,
    24.0,
    20.0,
)  # of an interval chart: room for the names, height of a row and of the scale
AMOUNT, BAR = 34.0, 13.0  # of a contribution chart: room for a figure at either end, height of a bar
STYLES = 8  # as many as static/css/charts.css has colours and dashes


@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """A scale from `low` to `high` with the values that are written along it."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    long: bool = False  # labels such as dates: those at the ends stay within the drawing

    def share(self, value: float) -> float:
        """Where a value lies, 0 to 1; in the middle of a scale without length."""
        if self.low == self.high:
            return 0.5
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """One line: points, and the interval of each where it is known."""

    name: str
    style: int
    points: Sequence[tuple[float, float]]
    intervals: Sequence[tuple[float, float]] = ()
    dots: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """One row of an interval chart."""

    name: str
    style: int
    value: float
    low: float
    high: float


def style_of(place: int) -> int:
    """Colour and dash of the model at a place, from 0; 1 to 8."""
    return place % STYLES + 1


def quarters(label: str) -> Axis:
    """A scale from 0 to 1."""
    return Axis(label, 0.0, 1.0, [(0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1")])


def _n(number: float) -> str:
    return f"{number:.1f}"


def line_chart(
    *,
    key: str,
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    table: dict[str, Any] | None = None,
    summary: str = "",
    diagonal: bool = False,
) -> dict[str, Any]:
    """The context of components/line_chart.html.

    Args:
        key: distinguishes the chart's ids on its page.
        title: what it shows, in one line.
        x: scale from left to right.
        y: scale from bottom to top.
        series: the lines.
        table: context of components/table.html: the same figures in words and numbers; None where the page lists them beside the chart.
        summary: what the drawing shows, for those who do not see it; the title by default.
        diagonal: whether to draw the line from corner to corner that chance, or perfect calibration, would give.
    """

    def across(value: float) -> float:
        return LEFT + x.share(value) * (WIDTH - LEFT - RIGHT)

    def down(value: float) -> float:
        return HEIGHT - BOTTOM - y.share(value) * (HEIGHT - TOP - BOTTOM)

    lines = [
        {
            "name": one.name,
            "style": one.style,
            "points": " ".join(f"{_n(across(a))},{_n(down(b))}" for a, b in one.points),
            "dots": [(_n(across(a)), _n(down(b))) for a, b in one.points] if one.dots else [],
            "whiskers": [
                (_n(across(a)), _n(down(low)), _n(down(high)))
                for (a, _), (low, high) in zip(one.points, one.intervals, strict=False)
            ],
        }
        for one in series
    ]
    return {
        "key": key,
        "title": title,
        "summary": summary,
        "x_label": x.label,
        "y_label": y.label,
        "x_ticks": [(_n(across(value)), text, _anchor(x, value)) for value, text in x.ticks],
        "y_ticks": [(_n(down(value)), text) for value, text in y.ticks],
        "lines": lines,
        "diagonal": diagonal,
        "table": table,
    }


def _anchor(axis: Axis, value: float) -> str:
    """Which end of a label stands at its tick."""
    if not axis.long or axis.low < value < axis.high:
        return "middle"
    return "start" if value == axis.low else "end"


def contribution_chart(
    *, key: str, title: str, rows: Sequence[tuple[str, float]], unit: str, table: dict[str, Any]
) -> dict[str, Any]:
    """The context of components/contribution_chart.html: what raises a figure to the right, what lowers it to the left.

    Args:
        key: distinguishes the chart's ids on its page.
        title: what it shows, in one line.
        rows: names and amounts, the greatest first.
        unit: of the amounts, for the scale.
        table: context of components/table.html: the same figures in words and numbers.
    """
    middle, half = (NAMES + WIDTH - RIGHT) / 2, (WIDTH - RIGHT - NAMES) / 2 - AMOUNT
    most = max((abs(amount) for _, amount in rows), default=0.0) or 1.0
    shown = []
    for place, (name, amount) in enumerate(rows):
        length = half * abs(amount) / most
        raises = amount > 0
        shown.append(
            {
                "name": name,
                "raises": raises,
                "middle": _n(TOP + (place + 0.5) * ROW),
                "top": _n(TOP + (place + 0.5) * ROW - BAR / 2),
                "x": _n(middle if raises else middle - length),
                "width": _n(max(length, 0.5)),
                "text_x": _n(middle + length + 4 if raises else middle - length - 4),
                "text": f"{amount:+.1f}".replace("-", "\u2212"),
            }
        )
    bottom = TOP + len(rows) * ROW
    return {
        "key": key,
        "title": title,
        "unit": unit,
        "rows": shown,
        "middle": _n(middle),
        "bottom": _n(bottom),
        "height": _n(bottom + SCALE),
        "table": table,
    }


def interval_chart(*, key: str, title: str, axis: Axis, rows: Sequence[Interval]) -> dict[str, Any]:
    """The context of components/interval_chart.html: a dot and its interval for each row, whose figures stand in a table nearby."""

    def across(value: float) -> float:
        return NAMES + axis.share(value) * (WIDTH - NAMES - RIGHT)

    shown = [
        {
            "name": row.name,
            "style": row.style,
            "y": _n(TOP + (place + 0.5) * ROW),
            "x": _n(across(row.value)),
            "low": _n(across(row.low)),
            "high": _n(across(row.high)),
        }
        for place, row in enumerate(rows)
    ]
    bottom = TOP + len(rows) * ROW
    return {
        "key": key,
        "title": title,
        "label": axis.label,
        "ticks": [(_n(across(value)), text) for value, text in axis.ticks],
        "rows": shown,
        "bottom": _n(bottom),
        "height": _n(bottom + SCALE),
    }
