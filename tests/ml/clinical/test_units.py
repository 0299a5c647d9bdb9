import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.clinical.egfr import egfr_ckd_epi
from ml.clinical.units import FACTORS, UnknownUnitError, convert


@pytest.mark.parametrize(
    ("value", "quantity", "unit", "wanted", "expected"),
    [
        (200, "cholesterol", "mg/dL", "mmol/L", 5.172),
        (100, "glucose", "mg/dL", "mmol/L", 5.55),
        (150, "triglycerides", "mg/dL", "mmol/L", 1.6935),
        (1, "creatinine", "mg/dL", "µmol/L", 88.4),
        (0.014, "troponin", "ng/mL", "ng/L", 14),
        (125, "nt_probnp", "pg/mL", "ng/L", 125),
        (100, "nt_probnp", "pmol/L", "pg/mL", 845.7),
        (140, "sodium", "mmol/L", "mEq/L", 140),
        (250, "platelets", "10⁹/L", "kiloplatelets/mL", 250_000),
    ],
)
def test_known_conversions(value, quantity, unit, wanted, expected):
    assert convert(value, quantity, unit, wanted) == pytest.approx(expected)


@given(st.data(), st.floats(1e-3, 1e6))
def test_there_and_back_is_the_same(data, value):
    quantity = data.draw(st.sampled_from(sorted(FACTORS)))
    unit, wanted = (data.draw(st.sampled_from(sorted(FACTORS[quantity]))) for _ in range(2))
    there = convert(value, quantity, unit, wanted)
    assert convert(there, quantity, wanted, unit) == pytest.approx(value, rel=1e-12)


def test_unknown_units_are_named_with_the_choices():
    with pytest.raises(UnknownUnitError, match=r"'mg' is no unit of glucose\. Choose one of mmol/L, mg/dL"):
        convert(1, "glucose", "mg", "mmol/L")
    with pytest.raises(UnknownUnitError, match="'gold' is not known here"):
        convert(1, "gold", "mg/dL", "mmol/L")


@pytest.mark.parametrize(
    ("sex", "creatinine", "rate"), [("male", 1.0, 91.7), ("female", 1.0, 68.6), ("female", 0.5, 114.2)]
)
def test_filtration_rate_by_hand(sex, creatinine, rate):
    # 142 (creatinine / kappa)^exponent 0.9938^age, times 1.012 for women, worked term by term: for the last 142 x 1.0845 x 0.7327 x 1.012.
    assert egfr_ckd_epi(creatinine_mg_dl=creatinine, age_years=50, sex=sex) == pytest.approx(rate, abs=0.1)


@given(st.floats(0.2, 15), st.floats(0.2, 15), st.floats(18, 110), st.sampled_from(["female", "male"]))
def test_filtration_rate_falls_as_creatinine_rises(one, other, age, sex):
    low, high = sorted((one, other))
    rates = [egfr_ckd_epi(creatinine_mg_dl=value, age_years=age, sex=sex) for value in (low, high)]
    assert rates[0] >= rates[1] > 0


@pytest.mark.parametrize(
    ("creatinine", "age", "said"), [(0, 50, "above 0"), (float("nan"), 50, "above 0"), (1, 17, "adults")]
)
def test_filtration_rate_refuses(creatinine, age, said):
    with pytest.raises(ValueError, match=said):
        egfr_ckd_epi(creatinine_mg_dl=creatinine, age_years=age, sex="male")
