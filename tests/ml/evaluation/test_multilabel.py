"""Figures of classes that may hold at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from ml.evaluation.multilabel import auc, ece, macro_auc, report
from ml.training.calibration_multilabel import best_threshold

SCORES = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=4, max_size=60)


@given(SCORES)
def test_auc_is_that_of_scikit_learn(rows):
    truth, scores = np.array([a for a, _ in rows]), np.array([b / 20.0 for _, b in rows])
    if 0 < truth.sum() < len(truth):
        assert auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))
    else:
        assert np.isnan(auc(truth, scores))


@given(SCORES)
def test_no_other_threshold_has_a_higher_f1_unless_scores_tie(rows):
    truth = np.array([a for a, _ in rows])
    scores = np.array([b for _, b in rows]) + np.arange(len(rows)) / 100.0
    if not truth.any():
        return
    chosen = f1_score(truth, scores >= best_threshold(scores, truth))
    assert chosen >= max(f1_score(truth, scores >= one) for one in scores) - 1e-9


def test_ece_is_zero_when_shares_are_right_and_large_when_not():
    truth = np.tile([1, 0, 0, 0], 50)
    assert ece(truth, np.full(200, 0.25)) == pytest.approx(0.0)
    assert ece(truth, np.full(200, 0.95)) == pytest.approx(0.7)


def test_report():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (300, 3))
    probability = np.clip(0.5 + 0.3 * (truth - 0.5) + rng.normal(0, 0.15, truth.shape), 0.01, 0.99)
    patients = np.array([f"p{i // 2}" for i in range(300)])
    found = report(
        probability,
        truth,
        patients,
        labels=("a", "b", "c"),
        suspected_from=np.full(3, 0.5),
        threshold=0.6,
        least=np.full(3, 0.3),
    )
    assert found["macro_auc"]["value"] == pytest.approx(macro_auc(truth, probability), abs=1e-4)
    for name in ("macro_auc", "macro_f1", "accuracy"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert found["called_with"][0][0] == int(((probability[:, 0] >= 0.5) & (truth[:, 0] == 1)).sum())
    assert (found["recordings"], found["patients"]) == (300, 150)
    assert 0 < found["abstention"]["answered"] < 1
    assert found["prediction_sets"]["coverage"]["a"] > 0.9
