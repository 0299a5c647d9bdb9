import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.explain.shapley import shapley


def test_a_sum_gives_each_feature_its_own_part():
    weights = np.array([2.0, -1.0, 0.5])
    row, reference = np.array([1, 2, 3], dtype=np.float32), np.array([0, 2, 1], dtype=np.float32)
    assert shapley(lambda rows: rows @ weights, row, reference) == pytest.approx([2.0, 0.0, 1.0])


def test_a_product_is_shared_evenly():
    row, reference = np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.float32)
    assert shapley(lambda rows: rows[:, 0] * rows[:, 1], row, reference) == pytest.approx([0.5, 0.5])


@given(st.integers(0, 10_000), st.integers(1, 7))
def test_contributions_sum_to_the_difference(seed, count):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(count, 5)), rng.normal(size=5)

    def answer(rows):
        return np.tanh(rows @ first) @ second

    row, reference = rng.normal(size=(2, count)).astype(np.float32)
    reference[0] = row[0]
    amounts = shapley(answer, row, reference)
    assert amounts[0] == 0.0
    assert amounts.sum() == pytest.approx(float((answer(row[None]) - answer(reference[None]))[0]), abs=1e-9)


def test_a_row_like_the_reference_asks_nothing():
    row = np.ones(3, dtype=np.float32)
    assert shapley(lambda rows: pytest.fail(f"asked for {len(rows)}"), row, row).tolist() == [0, 0, 0]


def test_too_many_features_are_refused():
    with pytest.raises(ValueError, match="17 features differ"):
        shapley(lambda rows: rows[:, 0], np.ones(17, dtype=np.float32), np.zeros(17, dtype=np.float32))
