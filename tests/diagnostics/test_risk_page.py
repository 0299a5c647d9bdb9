"""The risk level of a page: the labels', raised by what was measured and by what cannot be seen."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.risk import ORDER, RiskLevel
from diagnostics.risk_page import assess_page
from ml.contract import ModelResult, Outcome
from tests.diagnostics.results import result

CALM: dict[str, Any] = {
    "measures": {
        "heart_rate": {"mean_bpm": 70.0, "min_bpm": None, "max_bpm": None},
        "qtc": {"fridericia_ms": 410.0},
    },
    "page": {"outside": []},
}
LABELS = ("NORM", "MI", "STTC", "CD", "HYP")


def with_changes(*, rate: float = 70.0, qtc: float = 410.0, outside: tuple[str, ...] = ()) -> dict[str, Any]:
    summary = copy.deepcopy(CALM)
    summary["measures"]["heart_rate"]["mean_bpm"] = rate
    summary["measures"]["qtc"]["fridericia_ms"] = qtc
    summary["page"]["outside"] = list(outside)
    return summary


def answer(label: str | None) -> ModelResult:
    outcome = Outcome.PREDICTED if label else Outcome.NOT_ELIGIBLE
    return result(label, model="ecg-signals", outcome=outcome, prediction_set=(label,) if label else ())


def test_a_normal_page_is_low():
    assert assess_page(CALM, [answer("NORM")])[0] == RiskLevel.LOW


@pytest.mark.parametrize(
    ("changes", "level", "word"),
    [
        ({"rate": 32.0}, RiskLevel.MODERATE, "32 bpm"),
        ({"rate": 171.0}, RiskLevel.MODERATE, "171 bpm"),
        ({"qtc": 512.0}, RiskLevel.HIGH, "512 ms"),
        ({"outside": ("V4", "V5")}, RiskLevel.MODERATE, "V4, V5"),
    ],
)
def test_what_was_measured_raises_the_level_and_is_said(changes, level, word):
    found, reasons = assess_page(with_changes(**changes), [answer("NORM")])
    assert found == level
    assert any(word in reason for reason in reasons)


def test_an_answer_that_changes_with_the_picture_is_not_low():
    said = {"stability": {"stable": False, "message": "In 1 of 6 it is MI."}}
    fusion = result("Normal ECG", model="page-fusion", explanation=said)
    level, reasons = assess_page(CALM, [fusion, answer("NORM")])
    assert (level, "In 1 of 6 it is MI." in reasons) == (RiskLevel.MODERATE, True)


def test_a_page_that_nothing_answered_has_no_level_unless_a_measurement_gives_one():
    assert assess_page(with_changes(outside=("V6",)), [answer(None)])[0] is None
    assert assess_page(with_changes(qtc=530.0), [answer(None)])[0] == RiskLevel.HIGH


@given(
    label=st.sampled_from([*LABELS, None]),
    rate=st.floats(20, 300),
    qtc=st.floats(300, 700),
    longer=st.floats(0, 300),
)
def test_a_longer_qt_never_lowers_the_level(label, rate, qtc, longer):
    before = assess_page(with_changes(rate=rate, qtc=qtc), [answer(label)])[0]
    after = assess_page(with_changes(rate=rate, qtc=qtc + longer), [answer(label)])[0]
    assert before is None or (after is not None and ORDER.index(after) >= ORDER.index(before))
