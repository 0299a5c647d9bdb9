import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.clinical.scores import maggic, score2
from ml.clinical.scores.register import BY_NAME, SCORES, answer_all, known_disease
from ml.clinical.snapshot import UNITS, Snapshot, Value
from ml.contract import Outcome

AT = "2026-03-02T09:30:00+00:00"
WELL = {
    "systolic_pressure": 140,
    "total_cholesterol": 5.5,
    "hdl_cholesterol": 1.3,
    "smoking": 1,
    "diabetes": 0,
    "known_cvd": 0,
}
FAILING = {
    "heart_failure": 1, "heart_failure_over_18_months": 1, "nyha_class": 3, "ejection_fraction": 28, "systolic_pressure": 115, "weight": 70,
    "height": 170, "serum_creatinine": 1.5, "smoking": 2, "diabetes": 1, "copd": 0, "beta_blocker": 1, "acei_or_arb": 0,
    "atrial_fibrillation": 1, "high_blood_pressure": 1, "stroke_or_tia": 0, "vascular_disease": 1,
}  # fmt: skip


def person(values, *, age=50, sex="female", region="low"):
    return Snapshot(
        age,
        sex,
        {code: Value(float(value), UNITS.get(code, ""), AT) for code, value in values.items()},
        region,
    )


def answers(known):
    return {one.model: one for one in answer_all(known, input_sha256="0" * 64)}


@pytest.mark.parametrize(
    ("sex", "region", "percent"),
    [
        ("female", "low", 4.2),
        ("female", "very high", 13.7),
        ("male", "low", 5.9),
        ("male", "very high", 14.0),
    ],
)
def test_score2_gives_the_papers_worked_example_from_stored_values(sex, region, percent):
    answer = answers(person(WELL, sex=sex, region=region))["score2"]
    assert round(max(answer.explanation["risks"].values()), 1) == percent
    assert answer.outcome is Outcome.PREDICTED
    assert max(answer.probabilities.values()) == pytest.approx(
        max(answer.explanation["risks"].values()) / 100
    )


def test_scores_of_heart_failure_are_those_of_their_own_modules():
    given_ = answers(person(FAILING, age=72, sex="male"))
    expected = maggic.maggic(
        maggic.MaggicPatient(
            heart_failure=True, age_years=72, sex="male", ejection_fraction_percent=28, systolic_mmhg=115, bmi=24.22,
            creatinine_umol_l=132.6, nyha_class=3, smoker=False, diabetes=True, copd=False, diagnosed_over_18_months=True,
            beta_blocker=True, acei_or_arb=False,
        )
    )  # fmt: skip
    said = given_["maggic"].explanation
    assert (said["points"], said["risks"]) == (expected.points, expected.risks)
    assert sum(part["amount"] for part in said["contributions"]) == said["points"]
    # Age 65 to 74, heart failure, hypertension, diabetes, vascular disease.
    assert given_["cha2ds2-vasc"].explanation["points"] == given_["cha2ds2-va"].explanation["points"] == 5
    for name in ("score2", "prevent"):
        assert (given_[name].outcome, given_[name].reason_code) == (
            Outcome.NOT_ELIGIBLE,
            "score_not_with_known_cvd",
        )


def test_what_is_missing_is_named():
    values = {code: value for code, value in WELL.items() if code != "hdl_cholesterol"}
    answer = answers(person(values, region=None))["score2"]
    assert (answer.outcome, answer.reason_code) == (Outcome.NOT_ELIGIBLE, "score_value_missing")
    assert "HDL cholesterol, the risk region" in answer.message
    assert "whether heart failure was diagnosed" in answers(person(WELL))["maggic"].message


@pytest.mark.parametrize(("creatinine", "outcome"), [(1.4, Outcome.PREDICTED), (1.7, Outcome.NOT_ELIGIBLE)])
def test_score2_does_not_answer_where_the_kidneys_alone_make_the_risk_high(creatinine, outcome):
    # Of a woman of 50, CKD-EPI 2021 makes 46 and 36 mL/min/1.73 m² of these.
    answer = answers(person(WELL | {"serum_creatinine": creatinine}))["score2"]
    assert answer.outcome is outcome
    assert answer.reason_code == (None if outcome is Outcome.PREDICTED else "score_not_with_kidney_disease")


@pytest.mark.parametrize("code", ["heart_failure", "stroke_or_tia", "vascular_disease"])
def test_a_disease_that_is_named_outweighs_a_no(code):
    assert known_disease(person(WELL | {code: 1})) is True
    assert known_disease(person(WELL | {code: 0})) is False
    assert known_disease(person({})) is None


def test_a_definition_is_hashed_with_its_own_file():
    assert len({BY_NAME[name].sha256 for name in ("maggic", "score2", "prevent", "cha2ds2-vasc")}) == 4
    digest = hashlib.sha256(Path(score2.__file__).read_bytes()).hexdigest()
    assert BY_NAME["score2"].sha256 != digest
    for score in SCORES:
        assert score.contract()["sha256"]["definition"] == score.sha256


@given(
    st.dictionaries(st.sampled_from([*FAILING, *WELL]), st.floats(0, 1e6, allow_nan=False), max_size=20),
    st.integers(0, 120),
    st.sampled_from(["female", "male", "other", "unknown"]),
)
def test_any_person_gets_an_answer_of_every_score(values, age, sex):
    found = answers(person(values, age=age, sex=sex))
    assert list(found) == [score.name for score in SCORES]
    for answer in found.values():
        assert bool(answer.explanation) == (answer.outcome is Outcome.PREDICTED)
        assert len(answer.message) <= 500
