"""The drawing of a quantity's course."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from patients.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from patients.clinical.catalogue import ENTERED
from patients.clinical.chart import chart, value_ticks
from patients.clinical.selectors import Point

WEIGHT = ENTERED["weight"]
TIMES = st.datetimes(timezones=st.just(dt.UTC))
VALUES = st.decimals("0.3", "650", places=4)


@given(st.lists(st.tuples(TIMES, VALUES), min_size=2, max_size=30))
def test_every_point_lies_in_the_box_in_the_order_of_time(rows):
    drawn = chart([Point(WEIGHT, value, at) for at, value in sorted(rows)])
    xs, ys = ([float(place) for place in axis] for axis in zip(*drawn["lines"][0]["dots"], strict=True))
    assert len(xs) == len(rows)
    assert xs == sorted(xs)
    assert (min(xs) >= LEFT, max(xs) <= WIDTH - RIGHT) == (True, True)
    assert (min(ys) >= TOP - 0.1, max(ys) <= HEIGHT - BOTTOM + 0.1) == (True, True)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_are_round_even_and_few_and_hold_the_values(low, span):
    high = low + span
    ticks = value_ticks(low, high)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert 2 <= len(ticks) <= 7
    assert (ticks[0] <= low + slack, ticks[-1] >= high - slack) == (True, True)


def test_the_higher_value_is_drawn_higher():
    noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    points = [Point(WEIGHT, Decimal(kg), noon + dt.timedelta(days=kg)) for kg in (70, 80)]
    drawn = chart(points)
    (left, low), (right, high) = drawn["lines"][0]["dots"]
    assert (float(left) < float(right), float(high) < float(low)) == (True, True)
    assert [label for _, label in drawn["y_ticks"]] == ["70", "75", "80"]
    assert [(label, anchor) for _, label, anchor in drawn["x_ticks"]] == [
        ("11 May 2026", "start"), ("21 May 2026", "end"),
    ]  # fmt: skip


def test_values_of_one_moment_stand_in_the_middle():
    noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    drawn = chart([Point(WEIGHT, Decimal(kg), noon) for kg in (70, 80)])
    middle = f"{LEFT + (WIDTH - LEFT - RIGHT) / 2:.1f}"
    assert [x for x, _ in drawn["lines"][0]["dots"]] == [middle] * 2
    assert [(x, label) for x, label, _ in drawn["x_ticks"]] == [(middle, "2 Mar 2026")]


def test_answers_in_words_and_single_values_have_no_drawing():
    noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    smoking = [Point(ENTERED["smoking"], Decimal(1), noon)] * 2
    assert (chart(smoking), chart([Point(WEIGHT, Decimal(80), noon)]), chart([])) == (None, None, None)
