"""Figures of page models against scikit-learn and against cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ml.evaluation.pages import abstention_report, areas, auc, difference, page_report, sets_report

LABELS = ("a", "b", "c", "d")


def answers(seed: int, sharpness: float):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 4, 160)
    scores = rng.normal(size=(160, 4)) + sharpness * np.eye(4)[classes]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return shares, classes, np.array([f"g{i // 2}" for i in range(160)])


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_area_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, 40).astype(float)
    truth = rng.random(40) < 0.4
    truth[:2] = True, False
    weights = rng.integers(1, 4, 40).astype(float)
    both = areas(scores, truth, np.stack([weights, np.ones(40)]))
    assert both[0] == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights))
    assert both[1] == auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))


def test_area_with_one_side_empty_is_a_half():
    assert auc(np.ones(3), np.zeros(3, dtype=bool)) == 0.5


def test_report_has_every_figure_within_its_interval():
    shares, classes, groups = answers(1, 2.0)
    found = page_report(shares, classes, groups, labels=LABELS)
    for name in ("accuracy", "macro_f1", "macro_auc"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert found["accuracy"]["value"] == pytest.approx((shares.argmax(axis=1) == classes).mean(), abs=1e-4)
    assert found["groups"] == 80
    assert np.sum(found["confusion"]) == found["pages"] == 160
    assert found["macro_auc"]["value"] == pytest.approx(
        roc_auc_score(classes, shares, multi_class="ovr"), abs=1e-4
    )


def test_a_better_model_is_better_and_the_same_one_is_not():
    good, classes, groups = answers(1, 3.0)
    poor = answers(1, 0.5)[0]
    found = difference(good, poor, classes, groups)
    assert found["macro_f1"]["low"] > 0
    assert found["macro_auc"]["low"] > 0
    same = difference(good, good, classes, groups)
    assert same["macro_f1"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_sets_and_abstention():
    in_set = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]], dtype=bool)
    found = sets_report(in_set, np.array([0, 1, 0]), labels=LABELS, alpha=0.1)
    assert found["coverage"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["coverage_by_class"] == {"a": 0.5, "b": 1.0}
    shares = np.eye(4)[[0, 1, 2]]
    kept = abstention_report(np.array([True, False, True]), shares, np.array([0, 0, 2]))
    assert kept == {"accepted": 0.6667, "accuracy_of_accepted": 1.0, "accuracy_of_all": 0.6667}
