"""Rows of a table become records and diagnoses: of each patient one, also when a step is interrupted; the result says what became."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics.models import Diagnosis
from diagnostics.opinions import CLINICAL
from diagnostics.services import imported, lifecycle
from diagnostics.services.inspection import Refused
from ml.contract import Analysis, Outcome
from patients.models import CareTeamMember, ClinicalValue, Patient, ValueImport
from patients.services import value_imports
from patients.services.clinical_values import Entry, record_values
from tests import factories
from tests.diagnostics.results import contracts, result

pytestmark = pytest.mark.django_db


def begun(doctor, *mrns, times=1):
    """An import of one row for each MRN and time, to be recorded."""
    rows = [f"{mrn},2026-03-{day + 1:02d},137" for day in range(times) for mrn in mrns]
    data = "\n".join(("mrn,date,sodium", *rows)).encode()
    with acting_as(doctor):
        found = value_imports.begin_import(doctor, filename="ward.csv", data=data)
        value_imports.check_import(doctor, import_id=found.pk, mapping=found.mapping, measured_at=None)
        return value_imports.begin_recording(doctor, import_id=found.pk, take_unusual=False)


def recorded(doctor, *mrns, times=1):
    """The same, recorded by the doctor's own press of the button."""
    found = begun(doctor, *mrns, times=times)
    with acting_as(doctor):
        return value_imports.record_step(doctor, import_id=found.pk)


def patients(doctor, *mrns):
    for mrn in mrns:
        factories.patient(team=(doctor,), mrn=mrn)


def step(found):
    with acting_as(SYSTEM):
        return imported.step(found.pk)


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
    assert [step(found) for _ in range(3)] == [
        True,
        True,
        False,
    ]  # two patients, both rows of the third, none
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


def test_an_import_that_is_not_to_be_recorded_is_left_alone(doctor):
    patients(doctor, "A-1")
    found = begun(doctor, "A-1")
    with acting_as(SYSTEM):
        ValueImport.objects.filter(pk=found.pk).update(state="checked", handed_on=None)
    assert (waiting(), step(found), queued()) == ([], False, [])


def by_steps_of(monkeypatch, rows):
    monkeypatch.setattr(imported, "ROWS_PER_STEP", rows)
    monkeypatch.setattr(value_imports, "ROWS_PER_STEP", rows)


def test_a_step_records_rows_and_queues_their_patients(doctor, monkeypatch):
    by_steps_of(monkeypatch, 2)
    patients(doctor, "A-1", "A-2", "A-3")
    found = begun(doctor, "A-1", "A-2", "A-3")
    assert step(found) is True
    assert (ClinicalValue.objects.count(), [mrn for mrn, _ in queued()]) == (2, ["A-1", "A-2"])
    while step(found):
        pass
    assert (ClinicalValue.objects.count(), [mrn for mrn, _ in queued()]) == (3, ["A-1", "A-2", "A-3"])
    assert waiting() == []


def test_a_patient_is_assessed_with_the_last_row(doctor, monkeypatch):
    by_steps_of(monkeypatch, 2)
    patients(doctor, "A-1", "A-2", "A-3")
    found = begun(doctor, "A-1", "A-2", "A-1", "A-3", times=2)  # of each time the third row is refused
    seen = []
    while step(found):
        seen.append([mrn for mrn, _ in queued()])
    assert seen[0] == []
    assert [mrn for mrn, _ in queued()] == ["A-1", "A-2", "A-3"]
    ids = dict(Diagnosis.objects.values_list("patient__mrn", "pk"))
    rows = found.rows.filter(verdict="recorded").values_list("cells", "assessment")
    assert [(cells[0], assessment) for cells, assessment in rows] == [
        (mrn, ids[mrn]) for mrn in ("A-1", "A-2", "A-3") * 2
    ]


def test_a_patient_whose_last_row_is_refused_meanwhile_is_assessed_all_the_same(doctor, monkeypatch):
    by_steps_of(monkeypatch, 1)
    patients(doctor, "A-1", "A-2")
    found = begun(doctor, "A-1", "A-2", times=2)
    step(found)
    with acting_as(doctor):
        for patient in Patient.objects.all():
            at = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
            record_values(doctor, patient=patient, measured_at=at, entries=[Entry("serum_sodium", "140")])
    while step(found):
        pass
    assert [row.verdict for row in found.rows.all()] == ["recorded", "recorded", "refused", "refused"]
    assert [mrn for mrn, _ in queued()] == ["A-1", "A-2"]


def test_two_workers_do_not_do_the_same_step(doctor):
    patients(doctor, "A-1")
    found = begun(doctor, "A-1")
    with acting_as(SYSTEM):
        assert value_imports.hold(found.pk) == found
    assert [step(found), step(found)] == [False, False]
    assert (ClinicalValue.objects.count(), len(queued())) == (1, 1)


def answered(doctor):
    """Let the models have answered the queued diagnosis of A-1."""
    with acting_as(SYSTEM):
        row = Diagnosis.objects.get(patient__mrn="A-1")
        (claim,) = lifecycle.claim([(row.pk, 1)], worker="w")
        said = {"level": "High", "risk": 0.41, "reference_risk": 0.2, "contributions": [], "imputed": {}}
        shares = {"survival": 0.59, "death": 0.41}
        told = result(
            None, model=CLINICAL, outcome=Outcome.ABSTAINED, probabilities=shares, heatmap_png=None, explanation=said
        )  # fmt: skip
        lifecycle.record_results({claim: Analysis(results=(told,))}, contracts=contracts(told))


def test_the_page_shows_how_far_it_is_and_is_loaded_anew_in_the_end(client, doctor):
    patients(doctor, "A-1")
    found = begun(doctor, "A-1", "A-1", "Z-9")
    client.force_login(doctor)
    path = reverse("diagnostics:import-progress", args=[found.pk])
    assert "0 of 1 row recorded" in client.get(path).content.decode()
    step(found)
    page = client.get(f"{path}?running=1").content.decode()
    assert ("1 of 1 row recorded" in page, "0 of 1 assessment answered" in page) == (True, True)
    answered(doctor)
    assert client.get(f"{path}?running=1")["HX-Refresh"] == "true"
    page = client.get(path).content.decode()
    assert ("All 1 assessment answered: 1 high, 0 moderate, 0 low" in page, "hx-get" in page) == (True, False)


def test_a_page_opened_while_rows_are_recorded_is_loaded_anew_even_if_its_first_question_finds_all_done(
    client, doctor
):
    patients(doctor, "A-1")
    found = begun(doctor, "A-1")
    client.force_login(doctor)
    opened = client.get(reverse("patients:import", args=[found.pk])).content.decode()
    question = re.search(r'id="progress" hx-get="([^"]+)"', opened)[1]
    step(found)
    answered(doctor)
    assert client.get(question)["HX-Refresh"] == "true"
    opened = client.get(reverse("patients:import", args=[found.pk])).content.decode()
    question = re.search(r'id="progress" hx-get="([^"]+)"', opened)[1]
    assert "HX-Refresh" not in client.get(question)


def test_the_result_has_the_verdict_and_the_risk_of_each_row(client, doctor):
    patients(doctor, "A-1", "A-2")
    found = begun(doctor, "A-1", "A-2", "Z-9")
    step(found)
    answered(doctor)
    client.force_login(doctor)
    answer = client.get(reverse("diagnostics:import-result", args=[found.pk]))
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == [
        "line", "verdict", "reasons", "assessment", "risk", "probability of death", "level of the patient", "mrn", "date", "sodium",
    ]  # fmt: skip
    refused = (
        "mrn: No patient of yours has this MRN. Check it, register the patient, or ask to join the care team."
    )
    assert rows[1:] == [
        ["2", "recorded", "", "Completed", "High", "0.410", "High", "A-1", "2026-03-01", "137"],
        ["3", "recorded", "", "Queued", "", "", "", "A-2", "2026-03-01", "137"],
        ["4", "refused", refused, "", "", "", "", "Z-9", "2026-03-01", "137"],
    ]


@pytest.mark.parametrize("name", ["import-progress", "import-result"])
def test_its_pages_take_as_many_queries_for_20_rows_as_for_one(client, doctor, name):
    patients(doctor, *(f"B-{number}" for number in range(21)))
    client.force_login(doctor)

    def queries(found):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(f"diagnostics:{name}", args=[found.pk])).status_code == 200
        return len(captured)

    few, many = begun(doctor, "B-0"), begun(doctor, *(f"B-{number}" for number in range(1, 21)))
    step(few)
    step(many)
    queries(few)
    assert queries(few) == queries(many)


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


def test_nobody_hands_on_anothers_import(doctor, other_doctor):
    patients(doctor, "A-1")
    found = recorded(doctor, "A-1")
    with acting_as(other_doctor), pytest.raises(ValueImport.DoesNotExist):
        value_imports.hand_on(other_doctor, import_id=found.pk, most=9)
