"""The rules by which clinical values become High, Moderate or Low, and by which models disagree about them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics import opinions
from diagnostics.plain_words import CLINICAL_WORDS, report_body, report_title
from diagnostics.risk import ORDER, RiskLevel
from diagnostics.risk_categories import GUIDELINES, called
from diagnostics.risk_clinical import ASSUMED, LABEL_OF, LEVELS, assess_clinical
from ml.clinical.scores import prevent
from ml.contract import ModelResult, Outcome
from tests.diagnostics.results import result

RATE = {"value": 0.6856, "low": 0.5382, "high": 0.8032}
CONTRACTS = {
    "clinical-hybrid": {"metrics": {"cross_validation": {"levels": {"levels": {"High": {"rate": RATE}}}}}}
}

OBSERVED = (
    "Of the patients whom the model put at this level in its cross-validation, 69 % died during follow-up"
    " (95 % interval 54 % to 80 %)."
)


def answer(level: str, *, model: str = "clinical-hybrid", **explanation: Any) -> ModelResult:
    said: dict[str, Any] = {
        "level": level,
        "risk": 0.5,
        "reference_risk": 0.2,
        "contributions": [],
        "imputed": {},
    }
    return result(None, model=model, outcome=Outcome.ABSTAINED, explanation=said | explanation)


def silent(model: str = "clinical-hybrid") -> ModelResult:
    return result(None, model=model, outcome=Outcome.NOT_ELIGIBLE, explanation={"level": None})


def score(model: str, percent: float, age: float = 60) -> ModelResult:
    outcome = GUIDELINES[model].outcome if model in GUIDELINES else "an event"
    said = {"risks": {outcome: percent}, "points": None, "age": age, "contributions": []}
    return result(
        None, model=model, outcome=Outcome.PREDICTED, explanation=said, message=f"{model} {percent}."
    )


def test_the_model_that_decides_gives_level_and_reasons() -> None:
    parts = [
        {"name": "a", "words": "ejection fraction 20 %", "amount": 0.3},
        {"name": "b", "words": "age 50 years", "amount": -0.012},
        {"name": "c", "words": "sodium 136 mmol/L", "amount": 0.001},
    ]
    given_ = [
        answer("High", risk=0.62, contributions=parts, imputed={"platelets": 262000.0}),
        score("maggic", 10),
    ]
    assert assess_clinical(given_, CONTRACTS) == (
        RiskLevel.HIGH,
        [
            "clinical-hybrid estimates a risk of death during follow-up of 62 %.",
            OBSERVED,
            "Ejection fraction 20 % raises the risk by 30 percentage points.",
            "Age 50 years lowers the risk by 1 percentage point.",
            "1 value is missing; typical ones stand in, which draws the answer to the middle.",
            "maggic 10.",
        ],
    )


@pytest.mark.parametrize(
    ("scores", "level"),
    [
        ([score("score2", 2.4, age=49)], "low"),
        ([score("score2", 2.5, age=49)], "moderate"),
        ([score("score2", 7.5, age=49)], "high"),
        ([score("score2", 4.9)], "low"),
        ([score("score2", 5.0)], "moderate"),
        ([score("score2", 10.0)], "high"),
        ([score("prevent", 4.9)], "low"),
        ([score("prevent", 5.0)], "moderate"),
        ([score("prevent", 20.0)], "high"),
        ([score("score2", 1.0), score("prevent", 21.0)], "high"),
        ([score("cha2ds2-va", 0.0)], "moderate"),
        ([score("score2", 1.0), score("maggic", 1.0)], "moderate"),
    ],
)
def test_without_the_model_the_scores_that_apply_are_what_is_left(
    scores: list[ModelResult], level: str
) -> None:
    given_ = [silent(), *scores]
    assert assess_clinical(given_, {})[0] == level
    assert opinions.deciding(given_) == scores


def test_without_any_answer_there_is_no_level() -> None:
    given_ = [silent(), result(None, model="score2", outcome=Outcome.NOT_ELIGIBLE)]
    assert assess_clinical(given_, {})[0] is None
    assert opinions.deciding(given_) == given_[:1]


@given(
    st.lists(
        st.tuples(st.sampled_from(["score2", "prevent", "maggic"]), st.floats(0, 100)), min_size=1, max_size=4
    ),
    st.sampled_from(["score2", "prevent"]),
    st.floats(0, 50),
    st.integers(30, 79),
)
def test_a_higher_risk_or_a_further_score_never_lowers_the_level(
    drawn: list[tuple[str, float]], further: str, more: float, age: int
) -> None:
    def level(pairs: list[tuple[str, float]]) -> int:
        found, _ = assess_clinical([silent(), *(score(model, percent, age) for model, percent in pairs)], {})
        assert found is not None
        return ORDER.index(found)

    before = level(drawn)
    assert level([*drawn, (further, more)]) >= before
    assert level([(model, percent + more) for model, percent in drawn]) >= before


@pytest.mark.parametrize(
    ("name", "age", "limits"),
    [
        ("score2", 40, {2.5: "High risk", 7.5: "Very high risk"}),
        ("score2", 49.9, {2.5: "High risk", 7.5: "Very high risk"}),
        ("score2", 50, {5.0: "High risk", 10.0: "Very high risk"}),
        ("score2", 69.9, {5.0: "High risk", 10.0: "Very high risk"}),
        ("score2", 70, {7.5: "High risk", 15.0: "Very high risk"}),
        ("prevent", 30, {5.0: "Borderline risk", 7.5: "Intermediate risk", 20.0: "High risk"}),
        ("prevent", 79, {5.0: "Borderline risk", 7.5: "Intermediate risk", 20.0: "High risk"}),
    ],
)
def test_the_categories_are_those_of_the_guidelines(name: str, age: float, limits: dict[float, str]) -> None:
    below = "Low to moderate risk" if name == "score2" else "Low risk"
    levels = []
    for limit, category in limits.items():
        of = GUIDELINES[name]
        for percent, said in ((math.nextafter(limit, 0), below), (limit, category)):
            assert called(name, {"risks": {of.outcome: percent}, "age": age}) == f"{said} by {of.name}"
        below = category
        levels.append(of.category(percent=limit, age=age).level)
    assert (levels[0], levels[-1]) == (RiskLevel.MODERATE, RiskLevel.HIGH)
    assert of.category(percent=0, age=age).level is RiskLevel.LOW
    assert levels == sorted(levels, key=ORDER.index)


def test_only_the_outcome_of_the_guideline_is_judged() -> None:
    risks = {prevent.CVD: 6.0, "heart failure within 10 years": 30.0}
    assert called("prevent", {"risks": risks, "age": 60}) == "Borderline risk by ACC/AHA 2019"
    assert called("maggic", {"risks": {}, "age": 60}) == called("score2", {"risks": {}}) == ""


ASSUMING = [{"name": "", "reason_code": "heart_failure_assumed", "message": "", "stops": False}]


def test_that_heart_failure_is_only_assumed_is_the_first_reason() -> None:
    level, said = assess_clinical([answer("Low", findings=ASSUMING)], {})
    assert (level, said[0]) == ("low", ASSUMED)
    assert ASSUMED not in assess_clinical([answer("Low", findings=[])], {})[1]


@pytest.mark.parametrize("of_model", ["Low", "Moderate", "High"])
@pytest.mark.parametrize("percent", [1.0, 6.0, 12.0])
def test_where_heart_failure_is_only_assumed_the_higher_of_model_and_score_counts(
    of_model: str, percent: float
) -> None:
    given_ = [answer(of_model, findings=ASSUMING), score("score2", percent)]
    of_score = {1.0: "low", 6.0: "moderate", 12.0: "high"}[percent]
    level, said = assess_clinical(given_, {})
    assert level == max(RiskLevel(of_model.lower()), RiskLevel(of_score), key=ORDER.index)
    assert ("score2" in said[0]) is (ORDER.index(level) > ORDER.index(RiskLevel(of_model.lower())))


MODELS = ("clinical-hybrid", "clinical-rf", "clinical-logistic", "clinical-cnn-bn")


def test_low_and_high_disagree_and_neighbours_do_not() -> None:
    for levels in itertools.product(("Low", "Moderate", "High"), repeat=3):
        given_ = [answer(level, model=model) for level, model in zip(levels, MODELS, strict=False)]
        assert opinions.disagree(given_) == ({"Low", "High"} <= set(levels))


def test_who_says_what_about_a_record() -> None:
    given_ = [
        silent("clinical-cnn-bn"),
        answer("High"),
        answer("Low", model="clinical-logistic"),
        answer("High", model="clinical-rf"),
    ]
    told = opinions.headline([*given_, score("score2", 3.0)])
    assert (
        told
        == "2 of 4 models say High risk; clinical-logistic says Low risk; clinical-cnn-bn did not answer."
    )


def test_every_level_has_words_for_the_patient_which_do_not_speak_of_an_ecg() -> None:
    assert set(CLINICAL_WORDS) == set(LEVELS) == set(LABEL_OF.values())
    for label in LEVELS:
        text = report_title(label, recording=False) + report_body(label, amended=True, recording=False)
        assert "ECG" not in text
        assert "recording" not in text
        assert "looked at the values again" in text
