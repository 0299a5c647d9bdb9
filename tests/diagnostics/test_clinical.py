"""Assessing a clinical record: one file of the current values, once for the same values, in few statements for many people."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from diagnostics.models import Diagnosis, Upload
from diagnostics.services import clinical
from diagnostics.services.inspection import Refused
from ml.clinical.snapshot import Snapshot
from patients.models import Condition, Patient
from patients.services.clinical_values import Entry, correct_value, record_values
from tests import factories

if TYPE_CHECKING:
    from pathlib import Path

    from django.conf import LazySettings

    from accounts.models import User

pytestmark = pytest.mark.django_db
MONDAY = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
VALUES = {"ejection_fraction": "33", "serum_creatinine": "1.7", "platelets": "231", "smoking": "stopped"}


@pytest.fixture
def patient(doctor: User) -> Patient:
    row = factories.patient(team=(doctor,), birth_date=dt.date(1961, 7, 30), sex=Patient.Sex.MALE)
    enter(doctor, row)
    return row


def enter(doctor: User, patient: Patient, at: dt.datetime = MONDAY, **values: str) -> list[Any]:
    with acting_as(doctor):
        entries = [Entry(code, text) for code, text in (values or VALUES).items()]
        return record_values(doctor, patient=patient, measured_at=at, entries=entries)


def assess(actor: User, patient: Patient) -> clinical.Requested:
    with acting_as(actor):
        return clinical.request_clinical_diagnosis(actor, patient_id=patient.pk)


def kept(requested: clinical.Requested) -> dict[str, Any]:
    with acting_as(SYSTEM):
        name = Upload.objects.get(pk=requested.diagnosis.upload_id).storage_name
    with default_storage.open(name, "rb") as file:
        return json.loads(file.read())


def test_the_current_values_are_kept_as_one_file(
    doctor: User, patient: Patient, settings: LazySettings
) -> None:
    settings.SCORE2_REGION = "moderate"
    (row,) = enter(doctor, patient, MONDAY + dt.timedelta(days=1), serum_creatinine="1.9")
    with acting_as(doctor):
        correct_value(
            doctor, value_id=row.pk, text="1.8", unit="", measured_at=row.measured_at, reason="misread"
        )
    requested = assess(doctor, patient)
    measured = {"measured_at": MONDAY.isoformat(), "source": "entered"}
    assert kept(requested) == {
        "format": "cardiocare-clinical",
        "version": 1,
        "age": patient.age(),
        "sex": "male",
        "region": "moderate",
        "values": {
            "ejection_fraction": {"value": 33.0, "unit": "%"} | measured,
            "serum_creatinine": {"value": 1.8, "unit": "mg/dL", "source": "entered", "measured_at": row.measured_at.isoformat()},
            "platelets": {"value": 231.0, "unit": "10⁹/L"} | measured,
            "smoking": {"value": 2.0, "unit": ""} | measured,
        },
    }  # fmt: skip
    diagnosis = requested.diagnosis
    assert (diagnosis.status, diagnosis.upload.media_type, requested.known) == (
        "queued",
        "application/x-cardiocare-clinical+json",
        False,
    )


def test_a_coded_history_answers_what_nobody_entered(doctor: User, patient: Patient) -> None:
    by = {"patient": patient, "recorded_by": doctor}
    with acting_as(SYSTEM):
        Condition.objects.create(**by, name="Chronic heart failure", code="I50.9")
        Condition.objects.create(**by, name="Type 2 diabetes", code="E11")
    enter(doctor, patient, diabetes="no")
    values = kept(assess(doctor, patient))["values"]
    assert (values["heart_failure"]["value"], values["heart_failure"]["source"]) == (
        1.0,
        "from the history: Chronic heart failure (I50.9)",
    )
    assert (values["diabetes"]["value"], values["diabetes"]["source"]) == (0.0, "entered")
    assert "atrial_fibrillation" not in values


def test_the_same_values_are_assessed_once_and_changed_ones_anew(doctor: User, patient: Patient) -> None:
    first, again = assess(doctor, patient), assess(doctor, patient)
    assert (again.known, again.diagnosis) == (True, first.diagnosis)
    assert again.message.startswith("Nothing has changed")
    enter(doctor, patient, MONDAY + dt.timedelta(days=1), serum_sodium="136")
    assert assess(doctor, patient).diagnosis != first.diagnosis
    with acting_as(SYSTEM):
        assert (Upload.objects.count(), Diagnosis.objects.count()) == (2, 2)
        trail = [
            (event.action, event.outcome, set(event.detail))
            for event in AuditEvent.objects.filter(patient_id=patient.pk).order_by("pk")
            if "values" in event.detail or "reason_code" in event.detail
        ]
    made = {"sha256", "diagnosis", "values"}
    assert [row for row in trail if row[2] in (made, {"reason_code"})] == [
        ("create", "allowed", made),
        ("read", "allowed", {"reason_code"}),
        ("create", "allowed", made),
    ]


def test_without_values_there_is_nothing_to_assess(doctor: User) -> None:
    bare = factories.patient(team=(doctor,))
    with pytest.raises(Refused, match="Enter values first"):
        assess(doctor, bare)
    with acting_as(SYSTEM):
        assert Diagnosis.objects.count() == 0


def test_a_foreign_patient_is_not_found_and_stops_the_whole_list(doctor: User, patient: Patient) -> None:
    stranger = factories.user()
    with pytest.raises(Patient.DoesNotExist):
        assess(stranger, patient)
    foreign = factories.patient(team=(stranger,))
    enter(stranger, foreign)
    with pytest.raises(Patient.DoesNotExist), acting_as(doctor):
        clinical.request_clinical_diagnoses(doctor, patient_ids=[patient.pk, foreign.pk])
    with acting_as(SYSTEM):
        assert Diagnosis.objects.count() == 0


@pytest.mark.parametrize("role", [Role.PATIENT, Role.ADMIN, Role.AUDITOR])
def test_others_may_not(role: Role, patient: Patient) -> None:
    with pytest.raises(PermissionDenied):
        assess(factories.user(role), patient)


def test_a_storage_that_is_away_leaves_nothing_behind(
    doctor: User, patient: Patient, settings: LazySettings, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "file")},
        }
    }
    with pytest.raises(Refused, match="could not be stored"):
        assess(doctor, patient)
    with acting_as(SYSTEM):
        assert Upload.objects.count() == 0


def test_files_are_taken_back_with_their_transaction(doctor: User, patient: Patient, media: Any) -> None:
    def broken_off() -> None:
        with acting_as(doctor):
            clinical.request_clinical_diagnosis(doctor, patient_id=patient.pk)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def statements(doctor: User, patients: list[Patient]) -> int:
    with acting_as(doctor), CaptureQueriesContext(connection) as queries:
        clinical.request_clinical_diagnoses(doctor, patient_ids=[row.pk for row in patients])
    return len(queries)


def test_many_records_cost_as_many_statements_as_one(doctor: User, patient: Patient) -> None:
    others = [factories.patient(team=(doctor,)) for _ in range(20)]
    for row in others:
        enter(doctor, row)
    assert statements(doctor, [patient]) == statements(doctor, others)


def test_each_of_many_gets_an_answer_of_its_own(doctor: User, patient: Patient) -> None:
    bare = factories.patient(team=(doctor,))
    known = factories.patient(team=(doctor,))
    enter(doctor, known)
    before = assess(doctor, known).diagnosis
    with acting_as(doctor):
        answers = clinical.request_clinical_diagnoses(
            doctor, patient_ids=[bare.pk, patient.pk, known.pk, patient.pk]
        )
    assert list(answers) == [bare.pk, patient.pk, known.pk]
    refused, new, again = answers.values()
    assert isinstance(refused, Refused)
    assert isinstance(new, clinical.Requested)
    assert isinstance(again, clinical.Requested)
    assert (refused.reason.value, new.known, again.known, again.diagnosis) == (
        "no_clinical_values", False, True, before,
    )  # fmt: skip


def test_the_button_leads_to_the_result(client: Client, doctor: User, patient: Patient) -> None:
    client.force_login(doctor)
    page = client.get(reverse("patients:values", args=[patient.pk])).content.decode()
    url = reverse("diagnostics:assess", args=[patient.pk])
    assert f'action="{url}"' in page
    first = client.post(url)
    again = client.post(url, follow=True)
    (diagnosis,) = Diagnosis.objects.all()
    assert first.url == reverse("diagnostics:detail", args=[diagnosis.pk])
    assert "Nothing has changed since these values were assessed" in again.content.decode()


def test_without_values_the_button_is_not_there_and_its_address_says_why(
    client: Client, doctor: User
) -> None:
    bare = factories.patient(team=(doctor,))
    client.force_login(doctor)
    assert (
        "Assess the clinical record"
        not in client.get(reverse("patients:values", args=[bare.pk])).content.decode()
    )
    answer = client.post(reverse("diagnostics:assess", args=[bare.pk]), follow=True)
    assert "there is nothing to assess" in answer.content.decode()


# --- over the API


def ask(client: Client, patient: Patient) -> tuple[int, dict[str, Any]]:
    response = client.post(f"/api/v1/patients/{patient.pk}/clinical-diagnoses/")
    return response.status_code, response.json()


def test_another_system_has_a_record_assessed(client: Client, doctor: User, patient: Patient) -> None:
    client.force_login(doctor)
    status, body = ask(client, patient)
    diagnosis = Diagnosis.objects.get()
    assert (status, body) == (
        201,
        {
            "accepted": True, "diagnosis_id": str(diagnosis.pk), "upload_id": str(diagnosis.upload_id), "reason_code": None,
            "message": "Accepted; the assessment is queued.",
        },
    )  # fmt: skip
    status, again = ask(client, patient)
    assert (status, again["diagnosis_id"], again["reason_code"]) == (200, body["diagnosis_id"], "same_values")
    status, refused = ask(client, factories.patient(team=(doctor,)))
    assert (status, refused["accepted"], refused["reason_code"]) == (409, False, "no_clinical_values")


def test_no_file_of_a_person_is_taken_for_clinical_values(
    client: Client, doctor: User, patient: Patient
) -> None:
    data = Snapshot(60, "male", {}).as_bytes()
    client.force_login(doctor)
    files = [SimpleUploadedFile("record.json", data, "application/x-cardiocare-clinical+json")]
    verdict = client.post("/api/v1/uploads/", {"patient": str(patient.pk), "files": files}).json()["files"][0]
    assert (verdict["accepted"], verdict["reason_code"]) == (False, "unsupported_type")
