import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.clinical.features import BY_NAME, FEATURES, NAMES, check_names, check_record, check_value, described

RECORD = {
    "age": 70,
    "anaemia": 0,
    "creatinine_phosphokinase": 250,
    "diabetes": 1,
    "ejection_fraction": 30,
    "high_blood_pressure": 0,
    "platelets": 260_000,
    "serum_creatinine": 1.2,
    "serum_sodium": 137,
    "sex": 1,
    "smoking": 0,
}


def test_a_usual_record_has_nothing_to_say():
    assert check_record(RECORD) == ()
    assert tuple(RECORD) == NAMES


@pytest.mark.parametrize(
    ("name", "value", "code", "stops"),
    [
        ("ejection_fraction", None, "value_missing", False),
        ("ejection_fraction", 0.3, "value_impossible", True),
        ("ejection_fraction", 85, "value_unusual", False),
        ("ejection_fraction", math.nan, "value_not_a_number", True),
        ("ejection_fraction", "thirty", "value_not_a_number", True),
        ("serum_creatinine", 106, "value_impossible", True),
        ("platelets", 260, "value_impossible", True),
        ("age", 30, "value_unusual", False),
        ("sex", 2, "value_not_yes_or_no", True),
    ],
)
def test_each_value_is_answered_with_a_code(name, value, code, stops):
    (finding,) = check_record(RECORD | {name: value})
    assert (finding.name, finding.reason_code, finding.stops) == (name, code, stops)
    assert finding.message[0].isupper()


def test_a_value_that_is_absent_is_missing():
    (finding,) = check_record({name: value for name, value in RECORD.items() if name != "age"})
    assert (finding.name, finding.reason_code) == ("age", "value_missing")


def test_the_missing_feature_is_named():
    headings = [*(name for name in NAMES if name != "ejection_fraction"), "time"]
    first, second = check_names(headings)
    assert first.message.startswith("Expected 12 features, got 11; missing: ejection_fraction.")
    assert (first.reason_code, first.stops) == ("features_incomplete", True)
    assert (second.reason_code, second.stops) == ("follow_up_not_used", False)
    (alone,) = check_names(headings[:-1])
    assert alone.message.startswith("Expected 11 features, got 10;")


def test_other_columns_are_named_and_do_not_stop():
    assert check_names(NAMES) == ()
    (finding,) = check_names([*NAMES, "shoe size"])
    assert (finding.reason_code, finding.stops) == ("feature_unknown", False)
    assert "'shoe size'" in finding.message
    codes = [one.reason_code for one in check_record(RECORD | {"time": 4, "shoe size": 42})]
    assert codes == ["follow_up_not_used", "feature_unknown"]


def test_values_in_words():
    assert described(BY_NAME["ejection_fraction"], 20) == "ejection fraction 20 %"
    assert described(BY_NAME["sex"], 1) == "sex: male"
    assert described(BY_NAME["smoking"], 0) == "smoking: no"


@given(st.sampled_from(FEATURES), st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_gives_an_answer_and_only_possible_ones_pass(feature, value):
    finding = check_value(feature, value)
    stops = finding is not None and finding.stops
    possible = value in (0, 1) if feature.kind == "flag" else feature.low <= value <= feature.high
    assert stops == (not possible)
