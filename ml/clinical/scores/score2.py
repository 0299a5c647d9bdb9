"""SCORE2: first fatal or non-fatal cardiovascular event within ten years, for people of 40 to 69 without diabetes in Europe.

The 2021 ESC guideline on prevention, which says whom it is for, also excludes kidney disease, and calls the risk at a filtration
rate below 45 mL/min/1.73 m² high without any score. From 45 to 59 it depends on the albumin in the urine, which no record here has.

Source: SCORE2 working group, SCORE2 risk prediction algorithms: new models to estimate 10-year risk of cardiovascular disease in
Europe, European Heart Journal 2021;42:2439-2454, doi:10.1093/eurheartj/ehab309 (supplementary methods tables 2 to 4). Its worked
example, a smoker of 50 with 140 mmHg, cholesterol 5.5 and HDL 1.3 mmol/L, is a test. SCORE2-OP, for people of 70 and older, is
not here: its coefficients could not be confirmed.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

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

NAME = "SCORE2"
SOURCE = "SCORE2 working group, European Heart Journal 2021;42:2439-2454, doi:10.1093/eurheartj/ehab309"
EVENT = "cardiovascular event within 10 years"
LEAST_FILTRATION = 45.0
Region = Literal["low", "moderate", "high", "very high"]


@dataclasses.dataclass(frozen=True, slots=True)
class _Model:
    """Coefficients of one sex: each fact alone, and each with age, both per unit of the scaled value.

    Attributes:
        age: log hazard per five years from 60.
        facts: smoking, systolic pressure (20 mmHg from 120), total cholesterol (mmol/L from 6), HDL (0.5 mmol/L from 1.3).
        with_age: the same times the scaled age.
        survival: ten-year survival of the reference person.
        scales: recalibration of each risk region.
    """

    age: float
    facts: tuple[float, float, float, float]
    with_age: tuple[float, float, float, float]
    survival: float
    scales: dict[Region, tuple[float, float]]


_MODELS: dict[Sex, _Model] = {
    "male": _Model(
        0.3742,
        (0.6012, 0.2777, 0.1458, -0.2698),
        (-0.0755, -0.0255, -0.0281, 0.0426),
        0.9605,
        {
            "low": (-0.5699, 0.7476),
            "moderate": (-0.1565, 0.8009),
            "high": (0.3207, 0.9360),
            "very high": (0.5836, 0.8294),
        },
    ),
    "female": _Model(
        0.4648,
        (0.7744, 0.3131, 0.1002, -0.2606),
        (-0.1088, -0.0277, -0.0226, 0.0613),
        0.9776,
        {
            "low": (-0.7380, 0.7019),
            "moderate": (-0.3143, 0.7701),
            "high": (0.5710, 0.9369),
            "very high": (0.9412, 0.8329),
        },
    ),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Score2Patient:
    """What SCORE2 asks; None where it is not known. The ranges of pressure and lipids are ours, wide around the paper's charts."""

    known_cvd: bool | None = stated("whether cardiovascular disease is known")
    diabetes: bool | None = stated("whether diabetes is known")
    kidney_disease: bool | None = stated("whether the filtration rate is below 45")
    age_years: float | None = measured("age", "years", 40, 69)
    sex: Sex | None = stated("sex")  # noqa: RUF009 -- makes a field
    smoker: bool | None = stated("whether the person smokes")
    systolic_mmhg: float | None = measured("systolic blood pressure", "mmHg", 90, 200)
    cholesterol_mmol_l: float | None = measured("total cholesterol", "mmol/L", 2, 9)
    hdl_mmol_l: float | None = measured("HDL cholesterol", "mmol/L", 0.5, 3)
    region: Region | None = stated("the risk region of the country")  # noqa: RUF009 -- makes a field


def _parts(patient: Score2Patient, model: _Model) -> list[Contribution]:
    """Log hazard of every fact of a complete patient against the reference person."""
    p = patient
    age = ((p.age_years or 0.0) - 60.0) / 5.0
    scaled = (
        ("smoker", "smoking", float(bool(p.smoker))),
        ("systolic_mmhg", f"systolic blood pressure {p.systolic_mmhg:g} mmHg", ((p.systolic_mmhg or 0.0) - 120.0) / 20.0),
        ("cholesterol_mmol_l", f"total cholesterol {p.cholesterol_mmol_l:g} mmol/L", (p.cholesterol_mmol_l or 0.0) - 6.0),
        ("hdl_mmol_l", f"HDL cholesterol {p.hdl_mmol_l:g} mmol/L", ((p.hdl_mmol_l or 0.0) - 1.3) / 0.5),
    )  # fmt: skip
    parts = [Contribution(name="age_years", words=f"age {p.age_years:g}", amount=model.age * age)]
    for (name, words, value), alone, with_age in zip(scaled, model.facts, model.with_age, strict=True):
        parts.append(Contribution(name=name, words=words, amount=value * (alone + with_age * age)))
    return parts


def score2(patient: Score2Patient) -> ScoreResult | NotApplicable:
    """First fatal or non-fatal heart attack or stroke within ten years.

    Args:
        patient: what is known.

    Returns:
        Risk in percent, or why the score does not apply: known disease, diabetes, a low filtration rate, age, something missing or out
        of range.
    """
    if patient.known_cvd:
        return not_applicable(NAME, ScoreReason.KNOWN_CVD)
    if patient.diabetes:
        return not_applicable(NAME, ScoreReason.DIABETES)
    if patient.kidney_disease:
        return not_applicable(NAME, ScoreReason.KIDNEY_DISEASE)
    problem = first_problem(NAME, patient)
    if problem is not None or patient.sex is None or patient.region is None:
        return problem or not_applicable(NAME, ScoreReason.MISSING, names="sex and risk region")
    model = _MODELS[patient.sex]
    parts = _parts(patient, model)
    # Cumulative hazard before recalibration: -log of the survival.
    hazard = -math.log(model.survival) * math.exp(sum(part.amount for part in parts))
    first, second = model.scales[patient.region]
    risk = -math.expm1(-math.exp(first + second * math.log(hazard)))
    return ScoreResult(
        score=NAME,
        points=None,
        risks={EVENT: 100.0 * risk},
        contributions=greatest_first(parts),
        unit="log hazard",
        note=f"For countries of {patient.region} risk; compared with a non-smoker of 60 with 120 mmHg and cholesterol 6 mmol/L.",
        source=SOURCE,
    )
