"""Rows of a table become diagnoses: of the patients recorded, once, also when a step is interrupted."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics.models import Diagnosis
from diagnostics.services import imported
from diagnostics.services.inspection import Refused
from patients.models import CareTeamMember, ValueImport
from patients.services import value_imports
from tests import factories

pytestmark = pytest.mark.django_db


def recorded(doctor, *mrns, times=1):
    """An import of one row for each MRN and time, recorded."""
    rows = [f"{mrn},2026-03-{day + 1:02d},137" for day in range(times) for mrn in mrns]
    data = "\n".join(("mrn,date,sodium", *rows)).encode()
    with acting_as(doctor):
        found = value_imports.begin_import(doctor, filename="ward.csv", data=data)
        value_imports.check_import(doctor, import_id=found.pk, mapping=found.mapping, measured_at=None)
        value_imports.begin_recording(doctor, import_id=found.pk, take_unusual=False)
        return value_imports.record_step(doctor, import_id=found.pk)


def patients(doctor, *mrns):
    for mrn in mrns:
        factories.patient(team=(doctor,), mrn=mrn)


def step(found):
    with acting_as(SYSTEM):
        return imported.assess_step(found.pk)


def waiting():
    with acting_as(SYSTEM):
        return imported.waiting()


def queued():
    rows = Diagnosis.objects.order_by("patient__mrn").values_list(
        "patient__mrn", "upload__uploaded_by__username"
    )
    return list(rows)


def test_the_patients_of_recorded_rows_are_assessed_once(doctor):
    patients(doctor, "A-1", "A-2", "A-3")
    found = recorded(doctor, "A-1", "A-2", "unknown", times=2)
    assert waiting() == [found.pk]
    assert step(found) is False
    assert queued() == [("A-1", "doctor"), ("A-2", "doctor")]
    assert (waiting(), step(found), len(queued())) == ([], False, 2)


def test_an_import_is_assessed_in_steps(doctor, monkeypatch):
    monkeypatch.setattr(imported, "ROWS_PER_STEP", 2)
    patients(doctor, "A-1", "A-2", "A-3")
    found = recorded(doctor, "A-1", "A-2", "A-3", times=2)
    assert [step(found) for _ in range(4)] == [True, True, True, False]
    assert [mrn for mrn, _ in queued()] == ["A-1", "A-2", "A-3"]


def test_a_step_that_fails_is_done_again(doctor, settings, tmp_path):
    patients(doctor, "A-1")
    found = recorded(doctor, "A-1")
    good, blocked = settings.STORAGES, tmp_path / "no-folder"
    blocked.write_text("in the way")
    settings.STORAGES = good | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(blocked)},
        }
    }
    with pytest.raises(Refused):
        step(found)
    assert (waiting(), queued()) == ([found.pk], [])
    settings.STORAGES = good
    step(found)
    assert (waiting(), queued()) == ([], [("A-1", "doctor")])


def test_who_no_longer_cares_for_a_patient_has_nothing_assessed(doctor):
    patients(doctor, "A-1", "A-2")
    found = recorded(doctor, "A-1", "A-2")
    with acting_as(SYSTEM):
        CareTeamMember.objects.filter(patient__mrn="A-1").delete()
    step(found)
    assert queued() == [("A-2", "doctor")]


def test_an_import_of_an_account_that_was_closed_is_left_alone(doctor):
    patients(doctor, "A-1")
    recorded(doctor, "A-1")
    doctor.is_active = False
    doctor.save()
    assert waiting() == []


def test_an_import_that_is_not_recorded_is_not_handed_on(doctor):
    patients(doctor, "A-1")
    found = recorded(doctor, "A-1")
    with acting_as(SYSTEM):
        ValueImport.objects.filter(pk=found.pk).update(state="recording", handed_on=None)
    assert (waiting(), step(found), queued()) == ([], False, [])


def test_the_trail_names_the_doctor(doctor):
    patients(doctor, "A-1")
    step(recorded(doctor, "A-1"))
    with acting_as(SYSTEM):
        event = AuditEvent.objects.filter(object_type="diagnostics.upload").get()
    assert (event.action, event.actor_name) == ("create", "doctor")


def test_as_many_queries_for_20_patients_as_for_one(doctor):
    patients(doctor, *(f"B-{number}" for number in range(22)))

    def queries(found):
        with CaptureQueriesContext(connection) as captured:
            step(found)
        return len(captured)

    queries(recorded(doctor, "B-0"))
    one = queries(recorded(doctor, "B-1"))
    assert queries(recorded(doctor, *(f"B-{number}" for number in range(2, 22)))) == one


def test_only_the_system_hands_on(doctor, other_doctor):
    patients(doctor, "A-1")
    found = recorded(doctor, "A-1")
    with acting_as(other_doctor), pytest.raises((ValueImport.DoesNotExist, PermissionDenied)):
        value_imports.hand_on(found.pk, most=9)
