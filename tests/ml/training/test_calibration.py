import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.serving.gate import distance
from ml.training.calibration import (
    abstention_threshold,
    conformal_minimum,
    fit_temperature,
    neighbour_distance,
    probabilities,
    unit,
)


def test_temperature_is_recovered():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 4))
    classes = (probabilities(logits, 1.0).cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    assert fit_temperature(logits * 3.0, classes) == pytest.approx(3.0, rel=0.05)


@given(arrays.arrays(np.float64, (5, 6), elements=st.floats(-50, 50)), st.floats(0.25, 20))
def test_temperature_keeps_the_order_and_the_sum(logits, temperature):
    shares = probabilities(logits, temperature)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    rows = np.arange(5)
    np.testing.assert_allclose(shares[rows, logits.argmax(axis=1)], shares.max(axis=1))


def test_conformal_sets_cover_each_class():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1, (4000, 3))
    classes = rng.integers(0, 3, 4000)
    logits[np.arange(4000), classes] += 1.5
    shares = probabilities(logits, 1.0)
    least = conformal_minimum(shares[:2000], classes[:2000], alpha=0.1)
    for position in range(3):
        own = shares[2000:][classes[2000:] == position, position]
        assert (own >= least[position]).mean() == pytest.approx(0.9, abs=0.04)


def test_a_class_without_examples_is_in_every_set():
    assert conformal_minimum(np.full((3, 2), 0.5), np.zeros(3, dtype=int), alpha=0.1)[1] == 0.0


def test_abstention_reaches_the_accuracy_or_stops_at_the_coverage():
    shares = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    assert abstention_threshold(shares, np.array([0, 0, 1, 1]), accuracy=1.0, least_coverage=0.1) == 0.8
    assert abstention_threshold(shares, np.array([0, 0, 1, 1]), accuracy=1.0, least_coverage=0.75) == 0.7
    assert abstention_threshold(shares, np.array([0, 0, 0, 0]), accuracy=1.0, least_coverage=0.5) == 0.6


def test_serving_and_training_measure_the_same_distance():
    rng = np.random.default_rng(2)
    reference = unit(rng.normal(size=(50, 8)))
    own = rng.normal(size=(4, 8)).astype(np.float32)
    np.testing.assert_allclose(
        neighbour_distance(own, reference, neighbours=5),
        [distance(row, reference, neighbours=5) for row in own],
        atol=1e-4,
    )
