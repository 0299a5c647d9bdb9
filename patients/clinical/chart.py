"""The course of a quantity as a line chart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from patients.charts import Axis, Series, line_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patients.clinical.selectors import Point

INTERVALS = 4  # between the ticks of the values, about
STYLE = 1


def chart(points: Sequence[Point]) -> dict[str, Any] | None:
    """The drawing of one quantity's points, oldest first; None for fewer than two, or for answers in words."""
    if len(points) < 2 or points[0].quantity.choices:
        return None
    of, first, last = points[0].quantity, points[0].measured_at, points[-1].measured_at
    numbers = [float(point.value) for point in points]
    ticks = value_ticks(min(numbers), max(numbers))
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    ends = [(at.timestamp(), f"{at:%-d %b %Y}") for at in ((first, last) if first < last else (first,))]
    line = [(point.measured_at.timestamp(), number) for point, number in zip(points, numbers, strict=True)]
    return line_chart(
        key=f"course-{of.code}",
        title=f"{of.name}, {of.unit}" if of.unit else of.name,
        x=Axis("", ends[0][0], ends[-1][0], ends, long=True),
        y=Axis("", ticks[0], ticks[-1], [(tick, f"{tick:.{decimals}f}") for tick in ticks]),
        series=[Series(of.name, STYLE, line, dots=True)],
        summary=f"{of.name}: {len(points)} values from {points[0].words} on {first:%-d %b %Y} to {points[-1].words} on"
        f" {last:%-d %b %Y}, lowest {of.words(min(point.value for point in points))}, highest"
        f" {of.words(max(point.value for point in points))}. Every value is listed below.",
    )


def value_ticks(low: float, high: float) -> list[float]:
    """Round numbers, evenly apart, from at or below `low` to at or above `high`; at least two."""
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / INTERVALS))
    step = next(
        factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power * INTERVALS >= span * (1 - 1e-9)
    )
    begin, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(begin, max(end, begin + 1) + 1)]
