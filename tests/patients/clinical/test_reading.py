"""Reading values as people write them: numbers, units, ranges, choices."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.clinical.catalogue import CATALOGUE, COMPUTED, ENTERED
from patients.clinical.quantities import STORED, Kind
from patients.clinical.reading import quantity, read_value
from patients.clinical.reasons import ValueRefused

NUMBERS = [of for of in ENTERED.values() if of.kind is Kind.NUMBER]


def refusal(code, text, unit="", **more):
    with pytest.raises(ValueRefused) as caught:
        read_value(quantity(code), text, unit, **more)
    assert caught.value.code == code
    return caught.value.reason.value, str(caught.value)


@pytest.mark.parametrize(
    ("code", "text", "unit", "value"),
    [
        ("serum_creatinine", "1.9", "mg/dL", "1.9"),
        ("serum_creatinine", " 1,9 ", "", "1.9"),
        ("serum_creatinine", "168", "µmol/L", "1.9005"),
        ("serum_creatinine", "168", "umol/l", "1.9005"),
        ("total_cholesterol", "200", "mg/dL", "5.1720"),
        ("triglycerides", "150", "mg/dL", "1.6935"),
        ("glucose", "100", "mg/dL", "5.55"),
        ("hba1c", "7", "%", "52.9952"),
        ("ejection_fraction", "0.35", "fraction", "35"),
        ("platelets", "265000", "/µL", "265"),
        ("platelets", "265", "10^9/L", "265"),
        ("temperature", "98.6", "F", "37"),
        ("systolic_pressure", "16", "kPa", "120.0099"),
        ("height", "1.72", "m", "172"),
        ("weight", "180", "lb", "81.6466"),
        ("troponin_t", "0.014", "ng/mL", "14"),
        ("nt_probnp", "100", "pmol/L", "845.7"),
        ("serum_sodium", "137", "mEq/L", "137"),
        ("diabetes", "Yes", "", "1"),
        ("diabetes", "n", "", "0"),
        ("anaemia", "1", "", "1"),
        ("smoking", "stopped", "", "2"),
        ("nyha_class", "iii", "", "3"),
        ("nyha_class", "III", "", "3"),
    ],
)
def test_a_value_becomes_the_canonical_one(code, text, unit, value):
    assert read_value(quantity(code), text, unit) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "high", "1.2.3", "١٢", "1e3", "<5", "--3", "1 000", "nan", "=1+1", "9" * 10]
)
def test_what_is_no_number_is_refused(text):
    code, sentence = refusal("serum_sodium", text)
    assert (code, "Write digits alone, for example 120" in sentence) == ("not_a_number", True)


def test_a_comma_that_reads_in_two_ways_is_refused():
    assert refusal("platelets", "265,000", "/µL") == (
        "ambiguous_number",
        "265,000 can be read as 265.000 and as 265000. Write it without the comma.",
    )


def test_an_unknown_unit_is_refused_with_those_there_are():
    assert refusal("serum_creatinine", "1.9", "mmol/L") == (
        "unknown_unit",
        "Serum creatinine is not taken in mmol/L. Choose mg/dL or µmol/L.",
    )


def test_an_impossible_value_is_refused_even_when_confirmed_and_the_unit_that_fits_is_named():
    assert refusal("serum_creatinine", "168", "mg/dL", confirmed=True) == (
        "impossible_value",
        (
            "168 mg/dL is impossible: Serum creatinine lies between 0.1 mg/dL and 40 mg/dL. In µmol/L it would be usual. Check the"
            " value and its unit."
        ),
    )


def test_an_unusual_value_is_taken_once_it_is_confirmed():
    code, sentence = refusal("total_cholesterol", "14", "mmol/L")
    assert (code, "mostly between 2 mmol/L and 12 mmol/L" in sentence) == ("unusual_value", True)
    assert read_value(quantity("total_cholesterol"), "14", "mmol/L", confirmed=True) == 14


def test_the_limits_are_told_in_the_unit_that_was_chosen():
    assert "between 8.84 µmol/L and 3536 µmol/L" in refusal("serum_creatinine", "4000", "µmol/L")[1]


@pytest.mark.parametrize(("code", "reason"), [("egfr", "computed_quantity"), ("time", "unknown_quantity")])
def test_some_quantities_cannot_be_entered(code, reason):
    with pytest.raises(ValueRefused) as caught:
        quantity(code)
    assert caught.value.reason.value == reason


def test_a_wrong_answer_names_the_answers():
    assert (
        refusal("smoking", "2 packs")[1] == "2 packs is none of the answers. Choose never, stopped or smokes."
    )


@given(st.sampled_from(NUMBERS), st.data())
def test_every_possible_value_survives_each_of_its_units(of, data):
    value = data.draw(st.decimals(*of.possible, places=4))
    unit = data.draw(st.sampled_from(of.units))
    there = unit.from_canonical(value)
    assert unit.to_canonical(there).quantize(STORED) == value.quantize(STORED)


@given(st.sampled_from(sorted(ENTERED)), st.text(max_size=20), st.text(max_size=8), st.booleans())
def test_any_text_is_a_possible_value_or_refused_with_a_reason(code, text, unit, confirmed):
    of = quantity(code)
    with contextlib.suppress(ValueRefused):
        value = read_value(of, text, unit, confirmed=confirmed)
        assert of.is_possible(value)
        assert of.words(value)


def test_the_catalogue_makes_sense():
    assert len(CATALOGUE) == len(ENTERED) + len(COMPUTED)
    for code, of in CATALOGUE.items():
        assert code == of.code
        assert len({unit.name for unit in of.units}) == len(of.units)
        if of.kind is Kind.NUMBER:
            assert of.possible[0] <= of.usual[0] < of.usual[1] <= of.possible[1], code
            assert of.units[0].to_canonical(Decimal(7)) == 7, "the first unit is the canonical one"
    codes = [of.loinc for of in CATALOGUE.values() if of.loinc]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("loinc", [of.loinc for of in CATALOGUE.values() if of.loinc])
def test_a_loinc_code_carries_its_check_digit(loinc):
    number, check = loinc.split("-")
    doubled = "".join(
        str(int(digit) * 2) if place % 2 == 0 else digit for place, digit in enumerate(reversed(number))
    )
    assert (10 - sum(map(int, doubled)) % 10) % 10 == int(check)
