"""Body mass index and glomerular filtration rate."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.clinical.computed import body_mass_index, glomerular_filtration

CREATININE = st.decimals("0.1", "40", places=2)
AGE = st.integers(18, 110)
SEX = st.sampled_from(["female", "male"])


def rate(creatinine, age, sex):
    return glomerular_filtration(creatinine_mg_dl=Decimal(creatinine), age_years=age, sex=sex)


# The equation by hand: 142 x (Scr/k)^a x 0.9938^age (x 1.012 for women), a above k is -1.2.
@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "expected"),
    [
        ("0.9", 50, "male", 142 * 0.9938**50),
        ("0.7", 50, "female", 142 * 0.9938**50 * 1.012),
        ("1.8", 60, "male", 142 * 2**-1.2 * 0.9938**60),
        ("1.4", 60, "female", 142 * 2**-1.2 * 0.9938**60 * 1.012),
        ("0.45", 30, "male", 142 * 0.5**-0.302 * 0.9938**30),
        ("0.35", 30, "female", 142 * 0.5**-0.241 * 0.9938**30 * 1.012),
    ],
)
def test_the_rate_is_that_of_the_equation(creatinine, age, sex, expected):
    assert float(rate(creatinine, age, sex)) == pytest.approx(expected, abs=1e-4)


@given(CREATININE, CREATININE, AGE, SEX)
def test_more_creatinine_never_means_a_higher_rate(one, other, age, sex):
    low, high = sorted((one, other))
    assert rate(low, age, sex) >= rate(high, age, sex) > 0


@given(CREATININE, AGE, AGE, SEX)
def test_a_higher_age_never_means_a_higher_rate(creatinine, one, other, sex):
    young, old = sorted((one, other))
    assert rate(creatinine, young, sex) >= rate(creatinine, old, sex)


@pytest.mark.parametrize(("creatinine", "age"), [("0", 50), ("1", 17)])
def test_children_and_no_creatinine_are_refused(creatinine, age):
    with pytest.raises(ValueError, match=r"adults|above 0"):
        rate(creatinine, age, "male")


def test_the_body_mass_index_of_a_known_person():
    assert body_mass_index(weight_kg=Decimal(81), height_cm=Decimal(180)) == 25
