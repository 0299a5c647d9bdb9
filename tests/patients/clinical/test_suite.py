"""The catalogue of the site and what the suite reads of it are the same quantities, in the same units and ranges."""

from __future__ import annotations

import pytest

from ml.clinical.features import FEATURES
from ml.clinical.snapshot import UNITS, Snapshot, Value, record_of
from patients.clinical.catalogue import ENTERED, HEART
from patients.clinical.quantities import Kind

OF_THE_PATIENT = {"age", "sex"}
MEASURED = [
    feature for feature in FEATURES if feature.kind == "number" and feature.name not in OF_THE_PATIENT
]


def seen_by_the_models(code: str, value: float) -> float | None:
    """A stored value as the models are given it."""
    known = {code: Value(value, ENTERED[code].unit, "2026-03-02T09:30:00+00:00")}
    return record_of(Snapshot(60, "female", known))[code]


def test_every_feature_is_a_quantity_or_a_fact_about_the_patient() -> None:
    assert {feature.name for feature in FEATURES} - OF_THE_PATIENT == {of.code for of in HEART}
    assert {feature.name for feature in FEATURES if feature.kind == "flag"} - OF_THE_PATIENT == {
        of.code for of in HEART if of.kind is Kind.CHOICE
    }


@pytest.mark.parametrize("feature", MEASURED, ids=lambda feature: feature.name)
def test_what_the_site_takes_is_what_the_models_call_possible(feature) -> None:
    low, high = ENTERED[feature.name].possible
    limits = (seen_by_the_models(feature.name, float(low)), seen_by_the_models(feature.name, float(high)))
    assert limits == (feature.low, feature.high)


def test_the_suite_reads_each_value_in_its_stored_unit() -> None:
    assert {code: ENTERED[code].unit for code in UNITS} == UNITS


@pytest.mark.parametrize(("stored", "seen"), [(0, 0.0), (1, 1.0), (2, 0.0)])
def test_who_stopped_smoking_is_no_smoker(stored: int, seen: float) -> None:
    assert seen_by_the_models("smoking", stored) == seen
