import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.explain.shapley import shapley


def of_all_sets(answer, count):
    """Answers to rows of 0 (reference) and 1 (row), in the layout that is asked for."""
    rows = np.indices([2] * count).reshape(count, 2**count).T
    return np.asarray(answer(rows), dtype=float).reshape([2] * count)


def over_all_orders(answers):
    """The definition: what a feature adds when it comes, on average over all orders in which features can come."""
    count = answers.ndim
    amounts = np.zeros(count)
    for order in itertools.permutations(range(count)):
        place = [0] * count
        for feature in order:
            before = answers[tuple(place)]
            place[feature] = 1
            amounts[feature] += answers[tuple(place)] - before
    return amounts / math.factorial(count)


def test_a_sum_gives_each_feature_its_own_part():
    answers = of_all_sets(lambda rows: rows @ [2.0, 0.0, 1.0], 3)
    assert shapley(answers[None])[0] == pytest.approx([2.0, 0.0, 1.0])


def test_a_product_is_shared_evenly():
    answers = of_all_sets(lambda rows: rows[:, 0] * rows[:, 1], 2)
    assert shapley(answers[None])[0] == pytest.approx([0.5, 0.5])


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_average_over_all_orders(seed, count):
    answers = np.random.default_rng(seed).normal(size=(2, *[2] * count))
    amounts = shapley(answers)
    for row, of_row in zip(answers, amounts, strict=True):
        assert of_row == pytest.approx(over_all_orders(row), abs=1e-9)
        assert of_row.sum() == pytest.approx(row[(1,) * count] - row[(0,) * count], abs=1e-9)


def test_a_row_like_the_reference_has_no_contributions():
    assert shapley(np.ones(3)).shape == (3, 0)


def test_too_many_features_are_refused():
    with pytest.raises(ValueError, match="17 features differ"):
        shapley(np.broadcast_to(0.0, (1, *[2] * 17)))
