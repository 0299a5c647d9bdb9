"""PREVENT, base model: cardiovascular disease within ten years, for people of 30 to 79 without known disease.

Source: Khan SS and others, Development and validation of the American Heart Association's PREVENT equations, Circulation
2024;149:430-449, doi:10.1161/CIRCULATIONAHA.123.067626 (supplement, base model). Coefficients and the worked example, a woman of 50,
were compared with two open implementations. With age the weights of cholesterol change sign in the published equations, and
below 110 mmHg a lower pressure raises the risk: the equations are not monotone in either.
"""

from __future__ import annotations

import dataclasses
import math

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
from ml.clinical.units import convert

NAME = "PREVENT"
SOURCE = "Khan SS and others, Circulation 2024;149:430-449, doi:10.1161/CIRCULATIONAHA.123.067626"

CVD, _ASCVD, _HF = (
    "cardiovascular disease within 10 years",
    "heart attack or stroke within 10 years",
    "heart failure within 10 years",
)
# Terms in the order of `_terms`; heart failure has body mass index and no lipids.
_LIPID_TERMS = ("age", "non_hdl", "hdl", "sbp_low", "sbp_high", "diabetes", "smoker", "gfr_low", "gfr_high", "treated", "statin",
    "treated_sbp", "statin_non_hdl", "age_non_hdl", "age_hdl", "age_sbp", "age_diabetes", "age_smoker", "age_gfr", "constant")  # fmt: skip
_HF_TERMS = ("age", "sbp_low", "sbp_high", "diabetes", "smoker", "bmi_low", "bmi_high", "gfr_low", "gfr_high", "treated",
    "treated_sbp", "age_sbp", "age_diabetes", "age_smoker", "age_bmi", "age_gfr", "constant")  # fmt: skip
_COEFFICIENTS: dict[Sex, dict[str, tuple[float, ...]]] = {
    "female": {
        CVD: (0.7939329, 0.0305239, -0.1606857, -0.2394003, 0.3600781, 0.8667604, 0.5360739, 0.6045917, 0.0433769, 0.3151672,
            -0.1477655, -0.0663612, 0.1197879, -0.0819715, 0.0306769, -0.0946348, -0.27057, -0.078715, -0.1637806, -3.307728),
        _ASCVD: (0.719883, 0.1176967, -0.151185, -0.0835358, 0.3592852, 0.8348585, 0.4831078, 0.4864619, 0.0397779, 0.2265309,
            -0.0592374, -0.0395762, 0.0844423, -0.0567839, 0.0325692, -0.1035985, -0.2417542, -0.0791142, -0.1671492, -3.819975),
        _HF: (0.8998235, -0.4559771, 0.3576505, 1.038346, 0.583916, -0.0072294, 0.2997706, 0.7451638, 0.0557087, 0.3534442,
            -0.0981511, -0.0946663, -0.3581041, -0.1159453, -0.003878, -0.1884289, -4.310409),
    },
    "male": {
        CVD: (0.7688528, 0.0736174, -0.0954431, -0.4347345, 0.3362658, 0.7692857, 0.4386871, 0.5378979, 0.0164827, 0.288879,
            -0.1337349, -0.0475924, 0.150273, -0.0517874, 0.0191169, -0.1049477, -0.2251948, -0.0895067, -0.1543702, -3.031168),
        _ASCVD: (0.7099847, 0.1658663, -0.1144285, -0.2837212, 0.3239977, 0.7189597, 0.3956973, 0.3690075, 0.0203619, 0.2036522,
            -0.0865581, -0.0322916, 0.114563, -0.0300005, 0.0232747, -0.0927024, -0.2018525, -0.0970527, -0.1217081, -3.500655),
        _HF: (0.8972642, -0.6811466, 0.3634461, 0.923776, 0.5023736, -0.0485841, 0.3726929, 0.6926917, 0.0251827, 0.2980922,
            -0.0497731, -0.1289201, -0.3040924, -0.1401688, 0.0068126, -0.1797778, -3.946391),
    },
}  # fmt: skip
# To which fact each term counts in the contributions.
_FACT = {
    "age": "age_years", "non_hdl": "cholesterol_mg_dl+hdl_mg_dl", "hdl": "hdl_mg_dl", "sbp_low": "systolic_mmhg",
    "sbp_high": "systolic_mmhg", "diabetes": "diabetes", "smoker": "smoker", "gfr_low": "egfr", "gfr_high": "egfr",
    "treated": "treated_pressure", "statin": "statin", "treated_sbp": "treated_pressure", "statin_non_hdl": "statin",
    "age_non_hdl": "cholesterol_mg_dl+hdl_mg_dl", "age_hdl": "hdl_mg_dl", "age_sbp": "systolic_mmhg", "age_diabetes": "diabetes",
    "age_smoker": "smoker", "age_gfr": "egfr", "bmi_low": "bmi", "bmi_high": "bmi", "age_bmi": "bmi",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreventPatient:
    """What PREVENT asks; None where it is not known."""

    known_cvd: bool | None = stated("whether cardiovascular disease is known")
    age_years: float | None = measured("age", "years", 30, 79)
    sex: Sex | None = stated("sex")  # noqa: RUF009 -- makes a field
    cholesterol_mg_dl: float | None = measured("total cholesterol", "mg/dL", 130, 320)
    hdl_mg_dl: float | None = measured("HDL cholesterol", "mg/dL", 20, 100)
    systolic_mmhg: float | None = measured("systolic blood pressure", "mmHg", 90, 200)
    bmi: float | None = measured("body mass index", "kg/m²", 18.5, 39.99)
    egfr: float | None = measured("estimated filtration rate", "mL/min/1.73 m²", 15, 150)
    diabetes: bool | None = stated("whether diabetes is known")
    smoker: bool | None = stated("whether the person smokes")
    treated_pressure: bool | None = stated("whether blood pressure is treated")
    statin: bool | None = stated("whether a statin is taken")


def _terms(p: PreventPatient) -> dict[str, float]:
    """Values of all terms of a complete patient, centred and scaled as published."""
    age = ((p.age_years or 0.0) - 55.0) / 10.0
    hdl_mmol_l = convert(p.hdl_mg_dl or 0.0, "cholesterol", "mg/dL", "mmol/L")
    non_hdl = convert(p.cholesterol_mg_dl or 0.0, "cholesterol", "mg/dL", "mmol/L") - hdl_mmol_l - 3.5
    hdl = (hdl_mmol_l - 1.3) / 0.3
    systolic, egfr, bmi = p.systolic_mmhg or 0.0, p.egfr or 0.0, p.bmi or 0.0
    sbp_high = (max(systolic, 110.0) - 130.0) / 20.0
    gfr_low = (min(egfr, 60.0) - 60.0) / -15.0
    bmi_high = (max(bmi, 30.0) - 30.0) / 5.0
    diabetes, smoker = float(bool(p.diabetes)), float(bool(p.smoker))
    treated, statin = float(bool(p.treated_pressure)), float(bool(p.statin))
    return {
        "age": age, "non_hdl": non_hdl, "hdl": hdl, "sbp_low": (min(systolic, 110.0) - 110.0) / 20.0, "sbp_high": sbp_high,
        "diabetes": diabetes, "smoker": smoker, "bmi_low": (min(bmi, 30.0) - 25.0) / 5.0, "bmi_high": bmi_high,
        "gfr_low": gfr_low, "gfr_high": (max(egfr, 60.0) - 90.0) / -15.0, "treated": treated, "statin": statin,
        "treated_sbp": sbp_high * treated, "statin_non_hdl": non_hdl * statin, "age_non_hdl": age * non_hdl, "age_hdl": age * hdl,
        "age_sbp": age * sbp_high, "age_diabetes": age * diabetes, "age_smoker": age * smoker, "age_bmi": age * bmi_high,
        "age_gfr": age * gfr_low, "constant": 1.0,
    }  # fmt: skip


def _weights(sex: Sex, outcome: str) -> dict[str, float]:
    terms = _HF_TERMS if outcome == _HF else _LIPID_TERMS
    return dict(zip(terms, _COEFFICIENTS[sex][outcome], strict=True))


def _words(patient: PreventPatient) -> dict[str, str]:
    """Every fact in words."""
    p = patient
    return {
        "age_years": f"age {p.age_years:g}",
        "cholesterol_mg_dl+hdl_mg_dl": f"non-HDL cholesterol {(p.cholesterol_mg_dl or 0.0) - (p.hdl_mg_dl or 0.0):g} mg/dL",
        "hdl_mg_dl": f"HDL cholesterol {p.hdl_mg_dl:g} mg/dL",
        "systolic_mmhg": f"systolic blood pressure {p.systolic_mmhg:g} mmHg",
        "diabetes": "diabetes",
        "smoker": "smoking",
        "egfr": f"estimated filtration rate {p.egfr:g} mL/min/1.73 m²",
        "treated_pressure": "treated blood pressure",
        "statin": "statin",
        "bmi": f"body mass index {p.bmi:g} kg/m²",
    }


def prevent(patient: PreventPatient) -> ScoreResult | NotApplicable:
    """Total cardiovascular disease, atherosclerotic disease and heart failure within ten years.

    Args:
        patient: what is known.

    Returns:
        Risks in percent, with contributions to the total; or why the equations do not apply: known disease, age, something missing
        or out of range.
    """
    if patient.known_cvd:
        return not_applicable(NAME, ScoreReason.KNOWN_CVD)
    problem = first_problem(NAME, patient)
    if problem is not None or patient.sex is None:
        return problem or not_applicable(NAME, ScoreReason.MISSING, names="sex")
    terms, words = _terms(patient), _words(patient)
    risks = {}
    for outcome in (CVD, _ASCVD, _HF):
        log_odds = sum(weight * terms[name] for name, weight in _weights(patient.sex, outcome).items())
        risks[outcome] = 100.0 / (1.0 + math.exp(-log_odds))
    amounts: dict[str, float] = {}
    for name, weight in _weights(patient.sex, CVD).items():
        if name in _FACT:
            amounts[_FACT[name]] = amounts.get(_FACT[name], 0.0) + weight * terms[name]
    return ScoreResult(
        score=NAME,
        points=None,
        risks=risks,
        contributions=greatest_first(
            [Contribution(name=name, words=words[name], amount=amount) for name, amount in amounts.items()]
        ),
        unit="log odds",
        note="Contributions are to the total, compared with a person of 55 with 130 mmHg and a filtration rate of 90.",
        source=SOURCE,
    )
