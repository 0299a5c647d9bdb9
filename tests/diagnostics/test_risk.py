"""From answers to a risk level: the table, and that nothing added ever makes it lower."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.plain_words import CHEST_WORDS, PLAIN_WORDS, report_body, report_title
from diagnostics.risk import CHEST_RISK, LABEL_RISK, ORDER, TRACE_RISK, RiskLevel, assess
from ml.contract import Outcome
from tests.diagnostics.results import LABELS, any_result, result

RANK = {None: -1} | {level: rank for rank, level in enumerate(ORDER)}


@pytest.mark.parametrize(
    ("label", "level"),
    [
        ("Normal", "low"),
        ("PAC", "low"),
        ("RBBB", "moderate"),
        ("PVC", "moderate"),
        ("LBBB", "moderate"),
        ("VF", "high"),
    ],
)
def test_the_level_of_each_label(label, level):
    found, reasons = assess([result(label)])
    assert (found, len(reasons)) == (level, 1)
    assert reasons[0].startswith("beat-cnn sees ")
    assert f"({label}, 90 %)" in reasons[0]


def test_every_label_has_a_level_and_words_for_the_patient():
    assert set(TRACE_RISK) == set(PLAIN_WORDS)
    assert set(CHEST_RISK) == set(CHEST_WORDS)
    for label in LABELS:
        shown = "chest X-ray" if label in CHEST_RISK else "ECG"
        assert report_title(label, recording=False).startswith(f"Your {shown} shows ")
        assert (
            len(report_body(label, amended=True, recording=False).split("\n\n"))
            == len(report_body(label, amended=False, recording=False).split("\n\n")) + 1
        )


def test_a_label_that_cannot_be_excluded_counts():
    assert assess([result("Normal", prediction_set=("Normal", "VF"))])[0] == RiskLevel.HIGH


def test_an_abstention_is_at_least_moderate():
    assert assess([result(outcome=Outcome.ABSTAINED)])[0] == RiskLevel.MODERATE
    assert assess([result(outcome=Outcome.ABSTAINED, prediction_set=("PAC", "VF"))])[0] == RiskLevel.HIGH


@pytest.mark.parametrize(
    "results", [[], [result(outcome=Outcome.POOR_INPUT)], [result(outcome=Outcome.NOT_ELIGIBLE)] * 2]
)
def test_without_an_answer_there_is_no_level_and_a_reason(results):
    assert assess(results) == (None, ["No model could read this file, so no risk was determined."])


@given(st.lists(any_result(), max_size=5), any_result(), st.integers(0, 5))
def test_a_further_answer_never_lowers_the_level(results, further, place):
    more = [*results[:place], further, *results[place:]]
    assert RANK[assess(more)[0]] >= RANK[assess(results)[0]]


@given(st.lists(any_result(), min_size=1, max_size=4), st.data())
def test_a_worse_label_never_lowers_the_level(results, data):
    place = data.draw(st.integers(0, len(results) - 1))
    old = results[place]
    if old.outcome is not Outcome.PREDICTED:
        return
    worse = data.draw(
        st.sampled_from([one for one in LABELS if RANK[LABEL_RISK[one][0]] >= RANK[LABEL_RISK[old.label][0]]])
    )
    new = dataclasses.replace(old, label=worse, prediction_set=(worse, *old.prediction_set[1:]))
    changed = [*results[:place], new, *results[place + 1 :]]
    assert RANK[assess(changed)[0]] >= RANK[assess(results)[0]]


@given(st.lists(any_result(), max_size=5), st.randoms())
def test_the_order_of_the_answers_does_not_matter(results, random):
    shuffled = random.sample(results, len(results))
    one, other = assess(results), assess(shuffled)
    assert (one[0], sorted(one[1])) == (other[0], sorted(other[1]))


@given(st.lists(any_result(), max_size=5))
def test_the_level_is_the_highest_named_in_the_answers_and_has_reasons(results):
    named = [
        LABEL_RISK[label][0]
        for one in results
        if one.outcome in {"predicted", "abstained"}
        for label in one.prediction_set
    ]
    floor = [RiskLevel.MODERATE for one in results if one.outcome is Outcome.ABSTAINED]
    level, reasons = assess(results)
    assert RANK[level] == max((RANK[one] for one in [*named, *floor]), default=-1)
    assert all(reason.endswith(".") for reason in reasons)
    assert reasons


@pytest.mark.parametrize(("share", "level"), [(0.04, RiskLevel.LOW), (0.06, RiskLevel.HIGH)])
def test_a_label_that_is_in_every_set_counts_where_its_own_probability_says_something(share, level):
    answer = result(
        "Normal ECG",
        model="page-fusion",
        probabilities={"Normal ECG": 1.0 - share, "Myocardial infarction": share},
        prediction_set=("Normal ECG", "Myocardial infarction"),
    )
    always = {"page-fusion": frozenset({"Myocardial infarction"})}
    found, reasons = assess([answer], in_every_set=always)
    assert found == level
    assert any("Myocardial infarction" in reason for reason in reasons)
    assert assess([answer])[0] == RiskLevel.HIGH
