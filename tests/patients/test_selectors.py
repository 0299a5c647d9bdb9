"""Finding patients."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.actor import acting_as
from patients.models import Patient
from patients.selectors import find_patients
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ward(doctor):
    team = (doctor,)
    factories.patient(
        team=team, mrn="A-100", given_name="Johanna", family_name="Schneider", birth_date=dt.date(1948, 3, 2)
    )
    factories.patient(
        team=team, mrn="A-200", given_name="Peter", family_name="Okonkwo", birth_date=dt.date(1961, 7, 30)
    )
    factories.patient(mrn="A-300", given_name="Johanna", family_name="Foreign")
    return doctor


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Schneider", {"A-100"}),
        ("schnieder", {"A-100"}),
        ("Johana Schneider", {"A-100"}),
        ("okonko", {"A-200"}),
        ("A-200", {"A-200"}),
        ("1948-03-02", {"A-100"}),
        ("02.03.1948", {"A-100"}),
        ("30/07/1961", {"A-200"}),
        ("Zzyzx", set()),
        ("", {"A-100", "A-200"}),
    ],
)
def test_finds_by_name_mrn_or_birth_date_and_forgives_typos(ward, query, found):
    with acting_as(ward):
        assert {patient.mrn for patient in find_patients(ward, query)} == found


def test_row_level_security_hides_foreign_patients_even_without_the_filter(ward):
    with acting_as(ward):
        assert {patient.mrn for patient in Patient.objects.all()} == {"A-100", "A-200"}
