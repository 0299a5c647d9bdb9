"""What a risk score takes and answers: fields with units and ranges, a risk with its parts, or why it does not apply."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any, Literal

Sex = Literal["female", "male"]


class ScoreReason(StrEnum):
    """Why a score does not apply; a code never changes its meaning."""

    NO_HEART_FAILURE = "score_needs_heart_failure"
    NO_ATRIAL_FIBRILLATION = "score_needs_atrial_fibrillation"
    KNOWN_CVD = "score_not_with_known_cvd"
    DIABETES = "score_not_with_diabetes"
    KIDNEY_DISEASE = "score_not_with_kidney_disease"
    AGE = "score_age_out_of_range"
    MISSING = "score_value_missing"
    OUT_OF_RANGE = "score_value_out_of_range"


SENTENCES: dict[ScoreReason, str] = {
    ScoreReason.NO_HEART_FAILURE: "{score} is for people with heart failure, and none is recorded. Record it if it was diagnosed.",
    ScoreReason.NO_ATRIAL_FIBRILLATION: "{score} is for people with atrial fibrillation or flutter, and none is recorded. "
    "Record it if it was diagnosed.",
    ScoreReason.KNOWN_CVD: "{score} is for people without cardiovascular disease; with known disease the risk is high already. "
    "Use a score made for the disease instead.",
    ScoreReason.DIABETES: "{score} was not made for people with diabetes and would understate their risk. Use a score made for diabetes.",
    ScoreReason.KIDNEY_DISEASE: "{score} was not made for people with a filtration rate below 45 and would understate their risk, which is "
    "high already. Use a score that takes the filtration rate.",
    ScoreReason.AGE: "{score} is for ages {low:g} to {high:g}, and this is {value:g}. Use a score made for this age.",
    ScoreReason.MISSING: "{score} needs {names}. Enter what is missing.",
    ScoreReason.OUT_OF_RANGE: "{score} takes a {words} of {low:g} to {high:g} {unit}, and this is {value:g}. Check value and unit.",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable:
    """Why a score says nothing about this person.

    Attributes:
        score: name of the score.
        reason_code: stable code, one of `ScoreReason`.
        message: sentence for the clinician.
    """

    score: str
    reason_code: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one fact adds to a score.

    Attributes:
        name: field of the input, or several joined by ``+``.
        words: the fact in words.
        amount: in the score's own unit (points, log odds or log hazard); negative lowers the risk.
    """

    name: str
    words: str
    amount: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult:
    """What a score says.

    Attributes:
        score: name of the score.
        points: whole points; None for scores that have none.
        risks: risk in percent, 0 to 100, by outcome in words; empty where no figure belongs to the points.
        contributions: what each fact adds, greatest first.
        unit: unit of the contributions: ``points``, ``log odds`` or ``log hazard``.
        note: what to bear in mind, or empty.
        source: paper, year and DOI.
    """

    score: str
    points: int | None
    risks: dict[str, float]
    contributions: tuple[Contribution, ...]
    unit: str
    note: str
    source: str


def measured(words: str, unit: str, low: float, high: float) -> Any:
    """A field of a number, None where it is not known, with its unit and the range that the score takes."""
    return dataclasses.field(default=None, metadata={"words": words, "unit": unit, "low": low, "high": high})


def stated(words: str) -> Any:
    """A field of a fact, None where it is not known."""
    return dataclasses.field(default=None, metadata={"words": words})


def not_applicable(score: str, reason: ScoreReason, **values: Any) -> NotApplicable:
    """The answer of a score that does not apply."""
    return NotApplicable(
        score=score, reason_code=reason.value, message=SENTENCES[reason].format(score=score, **values)
    )


def first_problem(score: str, patient: Any) -> NotApplicable | None:
    """The first reason why the facts do not suffice: something missing, the age, or a value out of range.

    Args:
        score: name of the score.
        patient: dataclass made of ``measured`` and ``stated`` fields.
    """
    fields = dataclasses.fields(patient)
    missing = [field.metadata["words"] for field in fields if getattr(patient, field.name) is None]
    if missing:
        return not_applicable(score, ScoreReason.MISSING, names=", ".join(missing))
    for field in fields:
        value, facts = getattr(patient, field.name), field.metadata
        # Written so that a value that is not a number is refused too.
        if "low" in facts and not facts["low"] <= value <= facts["high"]:
            reason = ScoreReason.AGE if field.name == "age_years" else ScoreReason.OUT_OF_RANGE
            return not_applicable(score, reason, value=value, **facts)
    return None


def greatest_first(contributions: list[Contribution]) -> tuple[Contribution, ...]:
    """Contributions that are not zero, by size; equal ones in the order given."""
    return tuple(sorted((one for one in contributions if one.amount), key=lambda one: -abs(one.amount)))
