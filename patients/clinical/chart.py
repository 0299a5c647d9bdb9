"""The course of a quantity as a drawing: where its points, line and ticks are. The template writes the SVG."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from patients.clinical.selectors import Point

WIDTH, HEIGHT = 400, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 26  # what the labels need
INTERVALS = 4  # between the ticks of the values, about


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A label and the place of its line, in the drawing's units, as SVG writes numbers."""

    at: str
    label: str
    anchor: str = "end"


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A line through points in a box of `width` x `height`; `summary` says the same in words."""

    line: str
    dots: tuple[tuple[str, str], ...]
    values: tuple[Tick, ...]
    times: tuple[Tick, ...]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def chart(points: Sequence[Point]) -> Chart | None:
    """The drawing of one quantity's points, oldest first; None for fewer than two, or for answers in words."""
    if len(points) < 2 or points[0].quantity.choices:
        return None
    of = points[0].quantity
    numbers = [float(point.value) for point in points]
    ticks = value_ticks(min(numbers), max(numbers))
    low, high = ticks[0], ticks[-1]
    first, last = points[0].measured_at, points[-1].measured_at

    def x(at: dt.datetime) -> float:
        share = (at - first) / (last - first) if last > first else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    dots = tuple((f"{x(point.measured_at):.1f}", f"{y(float(point.value)):.1f}") for point in points)
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    return Chart(
        line=" ".join(",".join(dot) for dot in dots),
        dots=dots,
        values=tuple(Tick(f"{y(tick):.1f}", f"{tick:.{decimals}f}") for tick in ticks),
        times=(
            Tick(f"{x(first):.1f}", f"{first:%-d %b %Y}", "start"),
            Tick(f"{x(last):.1f}", f"{last:%-d %b %Y}", "end"),
        ),
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
