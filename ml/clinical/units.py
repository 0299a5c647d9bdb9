"""Units of laboratory values, and conversion between them.

Factors: molar masses as laboratories use them (cholesterol 386.65 g/mol, triglycerides 885.4 g/mol on average, glucose 180.16 g/mol,
creatinine 113.12 g/mol, NT-proBNP 8,457 g/mol). Cholesterol uses 0.02586 mmol/L per mg/dL, as the published risk equations do.
"""

from __future__ import annotations

# For each quantity: how many of its first unit one of each unit is.
FACTORS: dict[str, dict[str, float]] = {
    "cholesterol": {"mmol/L": 1.0, "mg/dL": 0.02586},
    "triglycerides": {"mmol/L": 1.0, "mg/dL": 0.01129},
    "glucose": {"mmol/L": 1.0, "mg/dL": 0.0555},
    "creatinine": {"mg/dL": 1.0, "µmol/L": 1.0 / 88.4},
    "troponin": {"ng/L": 1.0, "pg/mL": 1.0, "ng/mL": 1000.0, "µg/L": 1000.0},
    "nt_probnp": {"pg/mL": 1.0, "ng/L": 1.0, "pmol/L": 8.457},
    "creatine_phosphokinase": {"U/L": 1.0, "µkat/L": 60.0},
    "sodium": {"mEq/L": 1.0, "mmol/L": 1.0},
    "platelets": {"kiloplatelets/mL": 1.0, "10⁹/L": 1000.0, "/µL": 1.0},
}


class UnknownUnitError(ValueError):
    """A quantity or unit that is not known here."""


def convert(value: float, quantity: str, unit: str, wanted: str) -> float:
    """A value in another unit.

    Args:
        value: in ``unit``.
        quantity: for example ``creatinine``; a key of ``FACTORS``.
        unit: unit of the value.
        wanted: unit of the answer.

    Raises:
        UnknownUnitError: when the quantity is not known, or one of the units is none of its units; the message names those there are.
    """
    if quantity not in FACTORS:
        raise UnknownUnitError(f"{quantity!r} is not known here. Choose one of {', '.join(sorted(FACTORS))}.")
    factors = FACTORS[quantity]
    for name in (unit, wanted):
        if name not in factors:
            raise UnknownUnitError(f"{name!r} is no unit of {quantity}. Choose one of {', '.join(factors)}.")
    return value if unit == wanted else value * factors[unit] / factors[wanted]
