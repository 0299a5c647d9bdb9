"""Estimated glomerular filtration rate from creatinine: CKD-EPI 2021, without race.

Source: Inker LA and others, New England Journal of Medicine 2021;385:1737-1749, doi:10.1056/NEJMoa2102953.
"""

from __future__ import annotations

from typing import Literal

LEAST_AGE = 18.0


def egfr_ckd_epi(*, creatinine_mg_dl: float, age_years: float, sex: Literal["female", "male"]) -> float:
    """Filtration rate, mL/min/1.73 m².

    Args:
        creatinine_mg_dl: standardised serum creatinine, mg/dL, above 0.
        age_years: at least 18; the equation was made for adults.
        sex: female or male.

    Raises:
        ValueError: when creatinine is not above 0 or the age is below 18.
    """
    if not creatinine_mg_dl > 0.0:
        raise ValueError(
            f"Creatinine must be above 0 mg/dL, and this is {creatinine_mg_dl:g}. Check the value."
        )
    if not age_years >= LEAST_AGE:
        raise ValueError(
            f"The equation is for adults, and this age is {age_years:g}. Use one made for children."
        )
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine_mg_dl / kappa
    return float(142.0 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.200 * 0.9938**age_years * factor)
