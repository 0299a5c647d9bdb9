"""Calibration where several classes may hold at once."""

import numpy as np
import pytest
from scipy.special import expit

from ml.training.calibration_multilabel import (
    abstention_threshold,
    conformal_minimum,
    fit_platt,
    platt,
    settle,
)


@pytest.fixture
def drawn():
    rng = np.random.default_rng(1)
    logits = rng.normal(0.0, 2.0, (4000, 2))
    truth = (rng.random(logits.shape) < expit(0.5 * logits + np.array([-1.0, 0.3]))).astype(np.int64)
    return logits, truth


def test_platt_finds_the_line_that_was_there(drawn):
    slope, offset = fit_platt(drawn[0][:, 0], drawn[1][:, 0])
    assert slope == pytest.approx(0.5, abs=0.05)
    assert offset == pytest.approx(-1.0, abs=0.1)


def test_platt_keeps_the_order():
    logits = np.linspace(-4, 4, 50)[:, None]
    assert (np.diff(platt(logits, np.array([0.3]), np.array([2.0])), axis=0) > 0).all()


def test_prediction_sets_cover_on_other_recordings(drawn):
    logits, truth = drawn
    least = conformal_minimum(expit(logits[:2000]), truth[:2000], alpha=0.1)
    inside = expit(logits[2000:]) >= least
    for position in range(2):
        assert inside[truth[2000:, position] == 1, position].mean() == pytest.approx(0.9, abs=0.03)


def test_a_class_without_examples_is_always_possible():
    truth = np.array([[1, 0]] * 30)
    assert conformal_minimum(np.full((30, 2), 0.4), truth, alpha=0.1)[1] == 0.0


def test_abstention_reaches_the_accuracy_or_keeps_the_coverage():
    probability = np.linspace(0.99, 0.5, 100)[:, None]
    truth = (np.arange(100) < 60).astype(np.int64)[:, None]
    easy = abstention_threshold(probability, truth, accuracy=0.9, least_coverage=0.1)
    assert (probability >= easy).sum() == 66
    wide = abstention_threshold(probability, truth, accuracy=0.9, least_coverage=0.8)
    assert (probability >= wide).sum() == 80


def test_settled_goes_into_a_contract(drawn):
    found = settle(*drawn, alpha=0.1, accuracy=0.9, least_coverage=0.7)
    fields = found.as_contract(("a", "b"), 0.1)
    assert set(fields["conformal"]["suspected_from"]) == {"a", "b"}
    assert fields["temperature"] == 1.0
    assert 0 < fields["abstention_threshold"] < 1
    assert found.probabilities(drawn[0]).shape == drawn[0].shape
