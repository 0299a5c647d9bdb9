"""The demo people exist in demo mode only."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import User
from accounts.services.api_keys import create_api_key, find_api_key
from patients import demo
from patients.models import ClinicalValue, Patient
from patients.selectors import find_patients

pytestmark = pytest.mark.django_db


def sign_in(client, username):
    client.post(reverse("accounts:login"), {"username": username, "password": demo.PASSWORD})
    return "_auth_user_id" in client.session


def test_loading_twice_makes_them_once():
    demo.load()
    demo.load()
    assert {user.username for user in User.objects.all()} == {login[0] for login in demo.LOGINS} | {
        demo.ARCHIVE
    }
    assert Patient.objects.count() == len(demo.PATIENTS)


def test_the_second_doctor_sees_none_of_the_first_ones_patients():
    demo.load()
    seen = [
        {patient.mrn for patient in find_patients(User.objects.get(username=name))}
        for name in ("doctor.demo", "doctor2.demo")
    ]
    assert seen == [{p.mrn for p in demo.PATIENTS if p.doctor == n} for n in ("doctor.demo", "doctor2.demo")]
    assert all(seen)


def test_every_demo_value_is_possible_and_of_its_doctor():
    demo.load()
    expected = sum(len(typed) for visits in demo.VALUES.values() for _, typed in visits)
    assert ClinicalValue.objects.count() == expected
    doctors = {
        (row.patient.mrn, row.entered_by.username)
        for row in ClinicalValue.objects.select_related("patient", "entered_by")
    }
    assert doctors == {(p.mrn, p.doctor) for p in demo.PATIENTS if p.mrn in demo.VALUES}


@pytest.mark.parametrize("login", [login[0] for login in demo.LOGINS])
def test_every_demo_login_works_in_demo_mode_and_is_refused_outside(client, settings, login):
    demo.load()
    assert sign_in(client, login)
    settings.DEMO_MODE = False
    assert client.get(reverse("home")).headers["Location"].startswith(reverse("accounts:login"))
    client.logout()
    assert not sign_in(client, login)


def test_the_key_of_a_demo_user_is_refused_outside_demo_mode(settings):
    demo.load()
    _, key = create_api_key(user=User.objects.get(username="doctor.demo"), scopes=["patients:read"])
    assert find_api_key(key) is not None
    settings.DEMO_MODE = False
    assert find_api_key(key) is None


def test_production_refuses_to_load_them_and_reports_those_that_are_there(settings):
    demo.load()
    settings.DEMO_MODE = False
    with pytest.raises(CommandError, match="demo mode only"):
        call_command("load_demo")
    assert [message.id for message in run_checks(databases=["default"], tags=["database"])] == [
        "cardiocare.E001"
    ]
