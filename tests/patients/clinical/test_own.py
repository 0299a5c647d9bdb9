"""What patients read of their own values: all numbers, theirs alone, as they stand now."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from patients.clinical.own import own_courses, own_patient
from patients.services.clinical_values import Entry, correct_value, record_values
from tests import factories

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from patients.models import ClinicalValue, Patient

pytestmark = pytest.mark.django_db
MONDAY = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
URL = reverse("patients:own-values")


@pytest.fixture
def person(db: None) -> User:
    return factories.user(Role.PATIENT)


@pytest.fixture
def record(doctor: User, person: User) -> Patient:
    return factories.patient(team=(doctor,), user=person, sex="female", birth_date=dt.date(1954, 5, 3))


def enter(doctor: User, patient: Patient, days: int = 0, **values: str) -> list[ClinicalValue]:
    with acting_as(doctor):
        entries = [Entry(code, text) for code, text in values.items()]
        at = MONDAY + dt.timedelta(days=days)
        return list(record_values(doctor, patient=patient, measured_at=at, entries=entries))


def courses(person: User) -> dict[str, str]:
    with acting_as(person):
        found = own_patient(person)
        assert found is not None
        return {course.of.code: course.sentence for course in own_courses(person, found)}


def test_every_number_is_compared_with_the_one_before(doctor: User, person: User, record: Patient) -> None:
    enter(doctor, record, serum_creatinine="1.4", systolic_pressure="150", weight="70", diabetes="yes")
    enter(doctor, record, 1, serum_creatinine="1.7", systolic_pressure="150")
    enter(doctor, record, 2, height="170")
    said = courses(person)
    assert list(said) == ["serum_creatinine", "systolic_pressure", "weight", "height", "bmi", "egfr"]
    assert said["serum_creatinine"] == "1.70 mg/dL on 3 Mar 2026, higher than 1.40 mg/dL on 2 Mar 2026."
    assert said["systolic_pressure"] == "150 mmHg on 3 Mar 2026, the same as on 2 Mar 2026."
    assert said["weight"] == "70.0 kg on 2 Mar 2026."
    assert said["bmi"] == "24.2 kg/m² on 2 Mar 2026."
    assert ", lower than " in said["egfr"]


def test_a_corrected_value_is_shown_as_it_stands_now(doctor: User, person: User, record: Patient) -> None:
    (row,) = enter(doctor, record, serum_sodium="155")
    with acting_as(doctor):
        correct_value(
            doctor, value_id=row.pk, text="135", unit="", measured_at=MONDAY, reason="digits exchanged"
        )
    assert courses(person) == {"serum_sodium": "135 mmol/L on 2 Mar 2026."}


def test_the_page_draws_the_own_values_and_nobody_elses(
    client: Client, doctor: User, person: User, record: Patient
) -> None:
    other = factories.patient(team=(doctor,), user=factories.user(Role.PATIENT))
    enter(doctor, record, serum_sodium="135")
    enter(doctor, record, 1, serum_sodium="137")
    enter(doctor, other, serum_sodium="129", platelets="411")
    client.force_login(person)
    page = client.get(URL).content.decode()
    assert page.count("<circle") == 2
    assert "137 mmol/L on 3 Mar 2026, higher than 135 mmol/L" in page
    assert "The most important salt of the blood" in page
    assert not any(text in page for text in ("129 mmol/L", "Platelets", "Ada Heart"))
    with acting_as(SYSTEM):
        read = AuditEvent.objects.filter(patient_id=record.pk, action="read").latest("pk")
    assert (read.detail, read.actor_id) == ({"values": "own"}, person.pk)


def test_without_values_and_without_a_record_the_page_says_so(client: Client, record: Patient) -> None:
    assert record.user is not None
    for person in (record.user, factories.user(Role.PATIENT)):
        client.force_login(person)
        assert "No values yet" in client.get(URL).content.decode()


def test_many_values_cost_as_many_statements_as_few(
    client: Client, doctor: User, person: User, record: Patient
) -> None:
    client.force_login(person)
    counts = []
    for day in range(2):
        for more in range(1 + 10 * day):
            enter(doctor, record, 30 * day + more, serum_sodium=f"{130 + more}", weight="70", height="170")
        with CaptureQueriesContext(connection) as queries:
            client.get(URL)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_doctor_reads_no_own_values(doctor: User, record: Patient) -> None:
    with acting_as(doctor), pytest.raises(PermissionDenied):
        own_courses(doctor, record)
