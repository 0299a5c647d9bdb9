"""Quantities that are computed from others: body mass index and glomerular filtration rate."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from patients.clinical.quantities import STORED

ADULT = 18


def body_mass_index(*, weight_kg: Decimal, height_cm: Decimal) -> Decimal:
    """Weight over the square of the height, kg/m²; both above 0."""
    metres = height_cm / 100
    return (weight_kg / (metres * metres)).quantize(STORED)


def glomerular_filtration(
    *, creatinine_mg_dl: Decimal, age_years: int, sex: Literal["female", "male"]
) -> Decimal:
    """Estimated rate by CKD-EPI 2021, mL/min/1.73 m².

    Source: Inker LA and others, New England Journal of Medicine 2021;385:1737-1749, without race.

    Raises:
        ValueError: creatinine is not above 0, or the person is no adult, for whom the equation was made.
    """
    if creatinine_mg_dl <= 0:
        raise ValueError("Creatinine must be above 0.")
    if age_years < ADULT:
        raise ValueError("The equation is for adults.")
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = float(creatinine_mg_dl) / kappa
    rate = 142.0 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.2 * 0.9938**age_years * factor
    return Decimal(rate).quantize(STORED)
