"""Figures of the comparison against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from ml.models.beat_pictures.comparison import figures

LABELS = ("a", "b", "c")


def made(seed, *, beats=300, people=12, skill=2.0):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, beats)
    logits = rng.normal(size=(beats, 3)) + skill * np.eye(3)[classes]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return shares, classes, np.array([f"p{i}" for i in rng.integers(0, people, beats)])


def measured(shares, classes, people):
    weights = figures.resamples(people)
    return figures.measure(shares, classes, people, labels=LABELS, weights=weights)


def test_point_figures_are_those_of_scikit_learn():
    shares, classes, people = made(0)
    found, _ = measured(shares, classes, people)
    named = shares.argmax(axis=1)
    expected = {
        "accuracy": (named == classes).mean(),
        "precision": precision_score(classes, named, average="macro"),
        "recall": recall_score(classes, named, average="macro"),
        "f1": f1_score(classes, named, average="macro"),
        "auc": roc_auc_score(classes, shares, multi_class="ovr"),
    }
    for name, value in expected.items():
        assert found["figures"][name]["value"] == pytest.approx(value, abs=1e-4)
        assert found["figures"][name]["low"] <= value <= found["figures"][name]["high"]
    assert np.sum(found["confusion"]) == len(classes)
    assert sum(row["count"] for row in found["reliability"]) == len(classes)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40))
def test_weighted_area_is_that_of_repeated_beats_with_ties(rows):
    scores, positive, times = (np.array(column) for column in zip(*rows, strict=True))
    area = figures.auc(scores.astype(float), positive, times[None, :].astype(float))[0]
    sides = np.repeat(positive, times)
    if len(np.unique(sides)) < 2:
        assert np.isnan(area)
    else:
        assert area == pytest.approx(roc_auc_score(sides, np.repeat(scores, times)))


def test_roc_runs_from_corner_to_corner_in_few_points():
    shares, classes, _ = made(1, beats=3000)
    curve = np.array(figures.roc(shares[:, 0], classes == 0))
    assert len(curve) <= figures.ROC_POINTS
    assert curve[0].tolist() == [0.0, 0.0]
    assert curve[-1].tolist() == [1.0, 1.0]
    assert (np.diff(curve, axis=0) >= 0).all()
    area = np.trapezoid(curve[:, 1], curve[:, 0])
    assert area == pytest.approx(roc_auc_score(classes == 0, shares[:, 0]), abs=0.01)


def test_a_model_does_not_differ_from_itself_and_a_better_one_does():
    good, classes, people = made(2, beats=2000, skill=3.0)
    poor = made(2, beats=2000, skill=0.0)[0]
    drawn = {"good": measured(good, classes, people)[1], "poor": measured(poor, classes, people)[1]}
    same, _, better, _ = figures.differences(drawn, (("good", "good"), ("good", "poor")))
    assert (same["value"], same["low"], same["high"]) == (0.0, 0.0, 0.0)
    assert better["low"] > 0.3
    assert (better["a"], better["b"], better["figure"]) == ("good", "poor", "f1")


def test_a_class_that_never_occurs_is_left_out():
    shares, classes, people = made(3)
    kept = classes < 2
    found, _ = measured(shares[kept], classes[kept], people[kept])
    assert set(found["classes"]) == {"a", "b"}
    assert set(found["roc"]) == {"a", "b"}


def test_noise_curve_uses_the_same_macro_f1():
    shares, classes, people = made(4)
    weights = figures.resamples(people)
    assert (
        figures.macro_f1(shares, classes, people, weights)
        == measured(shares, classes, people)[0]["figures"]["f1"]
    )
