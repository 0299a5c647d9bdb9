import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from ml.evaluation import risk as figures_of
from ml.evaluation.risk import (
    LEVELS,
    auc,
    best_levels,
    best_threshold,
    calibration_error,
    difference,
    level_rates,
    levels_of,
    mcc,
    report,
    wilson,
)


def people(count=200, seed=0):
    """Risks that are right on average, and who died."""
    rng = np.random.default_rng(seed)
    risk = rng.uniform(0.02, 0.98, count)
    return risk, (rng.uniform(size=count) < risk).astype(np.int64)


@given(st.integers(0, 10_000))
def test_areas_and_correlations_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    died = np.append(rng.integers(0, 2, 38), [0, 1])
    risk = rng.integers(0, 6, (2, 40)) / 5
    assert auc(risk, died) == pytest.approx([roc_auc_score(died, one) for one in risk])
    assert mcc(risk >= 0.5, died) == pytest.approx([matthews_corrcoef(died, one >= 0.5) for one in risk])


def test_calibrated_risks_have_a_small_error_and_shifted_ones_a_large():
    risk, died = people(20_000)
    assert calibration_error(risk[None], died)[0] < 0.02
    assert calibration_error(risk[None] * 0.5, died)[0] > 0.2


@pytest.mark.parametrize(
    ("events", "count", "low", "high"), [(10, 100, 0.0552, 0.1744), (0, 10, 0.0, 0.2775), (0, 0, 0.0, 1.0)]
)
def test_wilson_interval(events, count, low, high):
    assert wilson(events, count) == pytest.approx((low, high), abs=1e-4)


def test_levels_of_risks_and_their_rates():
    risk = np.array([[0.1, 0.2, 0.6, 0.7], [0.1, 0.1, 0.3, 0.3]])
    level = levels_of(risk, (0.2, 0.6))
    assert level.tolist() == [[0, 1, 2, 2], [0, 0, 1, 1]]
    found = level_rates(level, np.array([0, 0, 1, 1]))
    assert [found["levels"][name]["patients"] for name in LEVELS] == [1.5, 1.5, 1.0]
    assert [found["levels"][name]["rate"]["value"] for name in LEVELS] == pytest.approx(
        [0, 0.6667, 1], abs=1e-4
    )
    assert (found["repeats"], found["repeats_apart"]) == (2, 0)


def test_bounds_of_levels_separate_what_can_be_separated():
    risk, died = people(2000)
    low, high = best_levels(risk, died)
    assert low < high
    assert level_rates(levels_of(risk, (low, high))[None], died)["repeats_apart"] == 1
    assert 0.3 < best_threshold(risk, died) <= 0.6


def test_intervals_hold_the_figures_and_a_better_model_is_better(monkeypatch):
    monkeypatch.setattr(figures_of, "RESAMPLES", 100)
    risk, died = people()
    worse = np.clip(risk + np.random.default_rng(1).normal(0, 0.5, len(risk)), 0, 1)
    found = report(risk[None], risk[None] >= 0.5, died)
    assert found["mcc"] == found["mcc_at_half"]
    for one in found.values():
        assert one["low"] <= one["high"]
    assert found["auc"]["low"] < found["auc"]["value"] < found["auc"]["high"]
    against = difference(risk[None], worse[None], died)
    assert against["auc"]["low"] > 0 > against["brier"]["high"]
