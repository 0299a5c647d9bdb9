"""MAGGIC: death within one and three years in chronic heart failure.

Source: Pocock SJ and others, Predicting survival in heart failure: a risk score based on 39 372 patients from 30 studies,
European Heart Journal 2013;34:1404-1413, doi:10.1093/eurheartj/ehs337 (integer score of figure 2, risks of table 4). The points
were compared with two independent open implementations. The score is not monotone in the ejection fraction: a low one weighs
itself, but takes weight from age.
"""

from __future__ import annotations

import bisect
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

NAME = "MAGGIC"
SOURCE = "Pocock SJ and others, European Heart Journal 2013;34:1404-1413, doi:10.1093/eurheartj/ehs337"

_EF = ((20, 25, 30, 35, 40), (7, 6, 5, 3, 2, 0))
_BMI = ((15, 20, 25, 30), (6, 5, 3, 2, 0))
_CREATININE = ((90, 110, 130, 150, 170, 210, 250), (0, 1, 2, 3, 4, 5, 6, 8))
_NYHA = (0, 2, 6, 8)
# Rows: ejection fraction below 30 %, 30 to 39 %, 40 % and above.
_EF_GROUPS = (30, 40)
_AGE_CUTS = (55, 60, 65, 70, 75, 80)
_AGE = ((0, 1, 2, 4, 6, 8, 10), (0, 2, 4, 6, 8, 10, 13), (0, 3, 5, 7, 9, 12, 15))
_SYSTOLIC_CUTS = (110, 120, 130, 140, 150)
_SYSTOLIC = ((5, 4, 3, 2, 1, 0), (3, 2, 1, 1, 0, 0), (2, 1, 1, 0, 0, 0))
# Risk in percent of 0 to 50 points.
_ONE_YEAR = (
    1.5, 1.6, 1.8, 2.0, 2.2, 2.4, 2.7, 2.9, 3.2, 3.6, 3.9, 4.3, 4.8, 5.2, 5.8, 6.3, 7.0, 7.7, 8.4, 9.3, 10.2, 11.1, 12.2, 13.4, 14.7,
    16.0, 17.5, 19.1, 20.9, 22.7, 24.8, 26.9, 29.2, 31.6, 34.2, 36.9, 39.8, 42.7, 45.8, 49.0, 52.3, 55.7, 59.1, 62.5, 65.9, 69.2,
    72.5, 75.7, 78.7, 81.6, 84.2,
)  # fmt: skip
_THREE_YEARS = (
    3.9, 4.3, 4.8, 5.2, 5.8, 6.3, 7.0, 7.7, 8.4, 9.2, 10.2, 11.1, 12.2, 13.4, 14.6, 16.0, 17.5, 19.1, 20.9, 22.7, 24.7, 26.9, 29.2,
    31.6, 34.2, 36.9, 39.7, 42.7, 45.8, 49.0, 52.3, 55.6, 59.0, 62.5, 65.8, 69.2, 72.5, 75.6, 78.7, 81.5, 84.2, 86.6, 88.9, 90.8,
    92.6, 94.1, 95.3, 96.4, 97.3, 98.0, 98.5,
)  # fmt: skip
MOST = len(_ONE_YEAR) - 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MaggicPatient:
    """What MAGGIC asks; None where it is not known."""

    heart_failure: bool | None = stated("whether heart failure was diagnosed")
    age_years: float | None = measured("age", "years", 18, 110)
    sex: Sex | None = stated("sex")  # noqa: RUF009 -- makes a field
    ejection_fraction_percent: float | None = measured("ejection fraction", "%", 1, 95)
    systolic_mmhg: float | None = measured("systolic blood pressure", "mmHg", 50, 250)
    bmi: float | None = measured("body mass index", "kg/m²", 10, 50)
    creatinine_umol_l: float | None = measured("creatinine", "µmol/L", 20, 1400)
    nyha_class: int | None = measured("NYHA class", "", 1, 4)
    smoker: bool | None = stated("whether the person smokes")
    diabetes: bool | None = stated("whether diabetes is known")
    copd: bool | None = stated("whether chronic obstructive pulmonary disease is known")
    diagnosed_over_18_months: bool | None = stated(
        "whether heart failure was diagnosed more than 18 months ago"
    )
    beta_blocker: bool | None = stated("whether a beta blocker is taken")
    acei_or_arb: bool | None = stated("whether an ACE inhibitor or angiotensin receptor blocker is taken")


def _banded(value: float, bands: tuple[tuple[int, ...], tuple[int, ...]]) -> int:
    """Points of the band that holds a value; a band begins at its cut."""
    cuts, points = bands
    return points[bisect.bisect_right(cuts, value)]


def _parts(patient: MaggicPatient) -> list[Contribution]:
    """Points of every fact of a complete patient."""
    p = patient
    ef, age, systolic = p.ejection_fraction_percent or 0.0, p.age_years or 0.0, p.systolic_mmhg or 0.0
    group = bisect.bisect_right(_EF_GROUPS, ef)
    nyha = int(p.nyha_class or 1)
    yes_or_no = (
        ("sex", "male sex", p.sex == "male", 1),
        ("smoker", "smoking", p.smoker, 1),
        ("diabetes", "diabetes", p.diabetes, 3),
        ("copd", "chronic obstructive pulmonary disease", p.copd, 2),
        ("diagnosed_over_18_months", "heart failure for over 18 months", p.diagnosed_over_18_months, 2),
        ("beta_blocker", "no beta blocker", not p.beta_blocker, 3),
        ("acei_or_arb", "no ACE inhibitor or angiotensin receptor blocker", not p.acei_or_arb, 1),
    )
    numbers = (
        ("ejection_fraction_percent", f"ejection fraction {ef:g} %", _banded(ef, _EF)),
        ("age_years", f"age {age:g}", _banded(age, (_AGE_CUTS, _AGE[group]))),
        ("systolic_mmhg", f"systolic blood pressure {systolic:g} mmHg", _banded(systolic, (_SYSTOLIC_CUTS, _SYSTOLIC[group]))),
        ("bmi", f"body mass index {p.bmi:g} kg/m²", _banded(p.bmi or 0.0, _BMI)),
        ("creatinine_umol_l", f"creatinine {p.creatinine_umol_l:g} µmol/L", _banded(p.creatinine_umol_l or 0.0, _CREATININE)),
        ("nyha_class", f"NYHA class {nyha}", _NYHA[nyha - 1]),
    )  # fmt: skip
    facts = [(name, words, points) for name, words, holds, points in yes_or_no if holds]
    return [Contribution(name=name, words=words, amount=points) for name, words, points in (*numbers, *facts)]


def maggic(patient: MaggicPatient) -> ScoreResult | NotApplicable:
    """Death of any cause within one and three years.

    Args:
        patient: what is known.

    Returns:
        Points and risks in percent, or why the score does not apply: no heart failure, something missing or out of range.
        Above 50 points the risk of 50 is given, the end of the published table.
    """
    if patient.heart_failure is False:
        return not_applicable(NAME, ScoreReason.NO_HEART_FAILURE)
    problem = first_problem(NAME, patient)
    if problem is not None:
        return problem
    parts = _parts(patient)
    points = int(sum(part.amount for part in parts))
    row = min(points, MOST)
    return ScoreResult(
        score=NAME,
        points=points,
        risks={"death within 1 year": _ONE_YEAR[row], "death within 3 years": _THREE_YEARS[row]},
        contributions=greatest_first(parts),
        unit="points",
        note=f"The published table ends at {MOST} points; the risk is at least this."
        if points > MOST
        else "",
        source=SOURCE,
    )
