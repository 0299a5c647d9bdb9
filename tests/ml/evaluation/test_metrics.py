import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from ml.evaluation.metrics import report

LABELS = ("a", "b", "c")


@given(st.integers(0, 10_000), st.integers(1, 200))
@settings(max_examples=30)
def test_figures_are_those_of_scikit_learn(seed, size):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(3), size)
    classes = rng.integers(0, 3, size)
    made = report(shares, classes, rng.choice(["r1", "r2", "r3"], size), labels=LABELS)
    called = shares.argmax(axis=1)
    assert made["accuracy"]["value"] == pytest.approx(accuracy_score(classes, called), abs=1e-4)
    present = sorted(set(classes.tolist()))
    macro = f1_score(classes, called, labels=present, average="macro", zero_division=0)
    assert made["macro_f1"]["value"] == pytest.approx(macro, abs=1e-4)
    expected = precision_recall_fscore_support(classes, called, labels=[0, 1, 2], zero_division=0)
    for position, label in enumerate(LABELS):
        for row, name in enumerate(("precision", "recall", "f1")):
            assert made["classes"][label][name]["value"] == pytest.approx(expected[row][position], abs=1e-4)
    assert np.sum(made["confusion"]) == size


def test_confident_and_right_has_no_calibration_error():
    made = report(np.eye(3)[[0, 1, 2]], np.array([0, 1, 2]), np.array(["r", "s", "t"]), labels=LABELS)
    assert made["ece"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_confident_and_wrong_has_all_the_calibration_error():
    made = report(np.eye(3)[[1, 2, 0]], np.array([0, 1, 2]), np.array(["r", "s", "t"]), labels=LABELS)
    assert made["ece"]["value"] == 1.0


def test_intervals_are_over_records_not_beats():
    classes = np.zeros(2000, dtype=int)
    shares = np.eye(3)[np.repeat([0, 1], 1000)]
    two = report(shares, classes, np.repeat(["r", "s"], 1000), labels=LABELS)["accuracy"]
    many = report(shares, classes, np.arange(2000).astype(str), labels=LABELS)["accuracy"]
    assert (two["low"], two["high"]) == (0.0, 1.0)
    assert many["high"] - many["low"] < 0.1
