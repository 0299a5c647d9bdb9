"""Writing patients, care teams and histories; reading dates as people write them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from patients import selectors
from patients.models import CareTeamMember, Note, Patient
from patients.selectors import DATE_FORMATS, read_date
from patients.services.history import add_entry
from patients.services.patients import add_to_care_team, delete_patient, register_patient
from tests import factories

PERSON = {
    "mrn": "M-1",
    "given_name": "Ada",
    "family_name": "Low",
    "birth_date": dt.date(1960, 2, 3),
    "sex": "female",
}


@given(
    st.dates(min_value=dt.date(1000, 1, 1)), st.sampled_from(DATE_FORMATS), st.sampled_from(["", " ", "\t"])
)
def test_a_date_is_read_back_however_it_was_written(date, written, space):
    assert read_date(f"{space}{date.strftime(written)}{space}") == date


@given(st.text(max_size=12))
def test_any_other_text_is_a_date_or_none(text):
    assert isinstance(read_date(text), dt.date | None)


@pytest.mark.parametrize("text", ["", "Schneider", "31.02.2000", "2000-13-01", "1.1", "99999999"])
def test_these_are_no_dates(text):
    assert read_date(text) is None


def audited():
    with acting_as(SYSTEM):
        rows = AuditEvent.objects.order_by("pk").values_list("action", "object_type", "patient_id")
        return [row for row in rows if row[0] != "sign_in"]


@pytest.mark.django_db
def test_registering_makes_the_doctor_a_member_of_the_care_team(doctor, other_doctor):
    with acting_as(doctor):
        patient = register_patient(doctor, **PERSON)
        assert selectors.get_patient(doctor, patient.pk) == patient
        assert [member.user for member in selectors.care_team(doctor, patient)] == [doctor]
    with pytest.raises(Patient.DoesNotExist), acting_as(other_doctor):
        selectors.get_patient(other_doctor, patient.pk)
    assert audited() == [("create", "patients.patient", patient.pk)]


@pytest.mark.django_db
def test_an_mrn_is_given_once(doctor):
    with acting_as(doctor):
        register_patient(doctor, **PERSON)
        with pytest.raises(IntegrityError):
            register_patient(doctor, **PERSON)
        assert Patient.objects.visible_to(doctor).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DOCTOR])
def test_only_doctors_write(doctor, role):
    patient, actor = factories.patient(team=(doctor,)), factories.user(role)
    with acting_as(SYSTEM):
        CareTeamMember.objects.create(patient=patient, user=actor)
    acts = (
        lambda: register_patient(actor, **PERSON),
        lambda: add_to_care_team(actor, patient=patient, user=actor),
        lambda: delete_patient(actor, patient=patient),
        lambda: add_entry(actor, model=Note, patient=patient, text="x"),
    )
    for act in acts:
        with pytest.raises(PermissionDenied), acting_as(actor):
            act()


@pytest.mark.django_db
def test_a_foreign_patient_does_not_exist_for_any_write(other_doctor):
    foreign = factories.patient(team=(factories.user(),))
    acts = (
        lambda: add_to_care_team(other_doctor, patient=foreign, user=other_doctor),
        lambda: delete_patient(other_doctor, patient=foreign),
        lambda: add_entry(other_doctor, model=Note, patient=foreign, text="x"),
    )
    for act in acts:
        with pytest.raises(Patient.DoesNotExist), acting_as(other_doctor):
            act()
    with acting_as(SYSTEM):
        assert (Note.objects.count(), Patient.objects.filter(deleted_at=None).count()) == (0, 2)


@pytest.mark.django_db
def test_a_new_member_sees_the_patient_and_is_added_once(doctor, other_doctor):
    patient = factories.patient(team=(doctor,))
    with acting_as(doctor):
        assert add_to_care_team(doctor, patient=patient, user=other_doctor) == add_to_care_team(
            doctor, patient=patient, user=other_doctor
        )
    with acting_as(other_doctor):
        assert selectors.get_patient(other_doctor, patient.pk) == patient
    assert audited() == [("permission", "patients.patient", patient.pk)] * 2


@pytest.mark.django_db
def test_a_deleted_patient_is_gone_for_everybody_and_kept_in_the_database(doctor):
    person = factories.user(Role.PATIENT)
    patient = factories.patient(team=(doctor,), user=person)
    factories.completed(patient, doctor)
    with acting_as(doctor):
        delete_patient(doctor, patient=patient)
    for actor in (doctor, person):
        with acting_as(actor):
            assert not Patient.objects.filter(pk=patient.pk).exists()
            assert not Patient.objects.visible_to(actor).exists()
    with acting_as(SYSTEM):
        assert Patient.objects.get(pk=patient.pk).diagnoses.count() == 1


@pytest.mark.django_db
def test_an_mrn_that_reads_as_a_date_is_found_beside_that_birthday(doctor):
    by_mrn = factories.patient(team=(doctor,), mrn="19480302")
    by_date = factories.patient(team=(doctor,), birth_date=dt.date(1948, 3, 2))
    with acting_as(doctor):
        assert set(selectors.find_patients(doctor, "19480302")) == {by_mrn, by_date}


@pytest.mark.django_db
def test_the_history_is_newest_first_and_of_one_patient(doctor):
    one, other = (factories.patient(team=(doctor,)) for _ in range(2))
    for patient, text in ((one, "first"), (other, "elsewhere"), (one, "second")):
        with acting_as(doctor):
            add_entry(doctor, model=Note, patient=patient, text=text)
    with acting_as(doctor):
        found = selectors.history(doctor, one)
    assert [str(note) for note in found["note"]] == ["second", "first"]
    assert {kind: len(entries) for kind, entries in found.items()} == {
        "condition": 0,
        "medication": 0,
        "allergy": 0,
        "note": 2,
    }
