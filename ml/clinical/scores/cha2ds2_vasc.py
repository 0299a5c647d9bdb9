"""CHA2DS2-VASc: ischaemic stroke in atrial fibrillation, and CHA2DS2-VA, the same without sex.

Sources: Lip GYH and others, Chest 2010;137:263-272, doi:10.1378/chest.09-1584 (points); Friberg L and others, European Heart
Journal 2012;33:1500-1510, doi:10.1093/eurheartj/ehr488 (observed strokes per year without anticoagulation; eight points had fewer
than seven). CHA2DS2-VA: Van Gelder IC and others, ESC guidelines for atrial fibrillation 2024, doi:10.1093/eurheartj/ehae176.
"""

from __future__ import annotations

import dataclasses

from ml.clinical.scores.result import (
    Contribution,
    NotApplicable,
    ScoreReason,
    ScoreResult,
    Sex,
    first_problem,
    greatest_first,
    measured,
    not_applicable,
    stated,
)

NAME = "CHA2DS2-VASc"
NAME_WITHOUT_SEX = "CHA2DS2-VA"
SOURCE = (
    "Lip GYH and others, Chest 2010;137:263-272, doi:10.1378/chest.09-1584; rates of Friberg L and others, "
    "European Heart Journal 2012;33:1500-1510, doi:10.1093/eurheartj/ehr488"
)
SOURCE_WITHOUT_SEX = (
    "Van Gelder IC and others, ESC guidelines for atrial fibrillation 2024, doi:10.1093/eurheartj/ehae176"
)
# Ischaemic strokes per 100 person-years by points.
_RATES = (0.2, 0.6, 2.2, 3.2, 4.8, 7.2, 9.7, 11.2, 10.8, 12.2)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StrokePatient:
    """What the score asks; None where it is not known."""

    atrial_fibrillation: bool | None = stated("whether atrial fibrillation was diagnosed")
    age_years: float | None = measured("age", "years", 18, 110)
    sex: Sex | None = stated("sex")  # noqa: RUF009 -- makes a field
    heart_failure: bool | None = stated("whether heart failure was diagnosed")
    hypertension: bool | None = stated("whether hypertension is known")
    diabetes: bool | None = stated("whether diabetes is known")
    stroke: bool | None = stated("whether there was a stroke, transient ischaemic attack or embolism")
    vascular_disease: bool | None = stated("whether vascular disease is known")


def _parts(patient: StrokePatient) -> list[Contribution]:
    """Points of every fact but sex of a complete patient."""
    age = patient.age_years or 0.0
    facts = (
        ("heart_failure", "heart failure", 1 if patient.heart_failure else 0),
        ("hypertension", "hypertension", 1 if patient.hypertension else 0),
        ("age_years", f"age {age:g}", 2 if age >= 75 else 1 if age >= 65 else 0),
        ("diabetes", "diabetes", 1 if patient.diabetes else 0),
        ("stroke", "earlier stroke, transient ischaemic attack or embolism", 2 if patient.stroke else 0),
        ("vascular_disease", "vascular disease", 1 if patient.vascular_disease else 0),
    )
    return [Contribution(name=name, words=words, amount=points) for name, words, points in facts]


def _problem(score: str, patient: StrokePatient) -> NotApplicable | None:
    if patient.atrial_fibrillation is False:
        return not_applicable(score, ScoreReason.NO_ATRIAL_FIBRILLATION)
    return first_problem(score, patient)


def cha2ds2_vasc(patient: StrokePatient) -> ScoreResult | NotApplicable:
    """Points, and strokes per year that a cohort without anticoagulation had.

    Args:
        patient: what is known.

    Returns:
        Points 0 to 9 and the rate in percent per year, or why the score does not apply.
    """
    problem = _problem(NAME, patient)
    if problem is not None:
        return problem
    sex = Contribution(name="sex", words="female sex", amount=1 if patient.sex == "female" else 0)
    parts = [*_parts(patient), sex]
    points = int(sum(part.amount for part in parts))
    return ScoreResult(
        score=NAME,
        points=points,
        risks={"ischaemic stroke within 1 year": _RATES[points]},
        contributions=greatest_first(parts),
        unit="points",
        note="Rate without anticoagulation, as observed in a Swedish cohort; it is not lower at fewer points for 7 and 8.",
        source=SOURCE,
    )


def cha2ds2_va(patient: StrokePatient) -> ScoreResult | NotApplicable:
    """The points without sex, 0 to 8, as European guidelines use since 2024; no rate belongs to them here.

    Args:
        patient: what is known.
    """
    problem = _problem(NAME_WITHOUT_SEX, patient)
    if problem is not None:
        return problem
    parts = _parts(patient)
    return ScoreResult(
        score=NAME_WITHOUT_SEX,
        points=int(sum(part.amount for part in parts)),
        risks={},
        contributions=greatest_first(parts),
        unit="points",
        note="",
        source=SOURCE_WITHOUT_SEX,
    )
