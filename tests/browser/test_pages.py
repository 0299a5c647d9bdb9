"""Every page, with data, in a real browser: accessible, contained, and refused nothing by the content security policy."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM, Role
from diagnostics.models import Diagnosis, Prediction, Report, Upload, WorkerNode
from diagnostics.services import reviews
from diagnostics.states import Status
from ml.datasets.simulated import beat_png
from patients.models import Patient
from tests import factories
from tests.browser.walk import anna, complaints, enter, judge

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ANSWER = {"PVC": 0.91, "LBBB": 0.05, "Normal": 0.02, "RBBB": 0.01, "PAC": 0.007, "VF": 0.003}
NAMES = {
    Status.COMPLETED: "ecg-monday.png",
    Status.RUNNING: "holter-beat.png",
    Status.FAILED: "ecg-ward-3.png",
    Status.REFUSED: "photo.png",
    Status.SIGNED: "ecg-admission.png",
}


@pytest.fixture
def ward(transactional_db):
    """A doctor with patients in every state, one report signed."""
    doctor = factories.user(Role.DOCTOR, "heart", first_name="Ada", last_name="Heart")
    account = factories.user(Role.PATIENT, "anna", first_name="Anna", last_name="Schneider")
    schneider = anna(doctor, account)
    peter = factories.patient(
        team=(doctor,),
        mrn="100517",
        given_name="Peter",
        family_name="Okonkwo",
        birth_date=dt.date(1961, 7, 30),
        sex=Patient.Sex.MALE,
    )
    open_one = factories.diagnosis(
        schneider, doctor, status=Status.COMPLETED, data=beat_png("PVC", seed=3), risk_level="moderate",
        risk_reasons=["beat-cnn sees a premature ventricular beat; how many there are and the heart's function decide (PVC, 91 %)."],
    )  # fmt: skip
    with acting_as_system():
        factories.prediction(open_one, label="PVC", confidence=0.91, probabilities=ANSWER)
    factories.diagnosis(
        schneider, doctor, status=Status.FAILED, data=beat_png("LBBB", seed=2), reason_code="analysis_failed",
        message="The analysis stopped with an error that is not the file's fault. Run it again, or tell the administrator.",
    )  # fmt: skip
    factories.diagnosis(peter, doctor, status=Status.RUNNING, message="The models are reading the trace.")
    maria = factories.patient(
        team=(doctor,),
        mrn="100533",
        given_name="Maria",
        family_name="Lindqvist",
        birth_date=dt.date(1948, 3, 2),
    )
    high = ["beat-cnn sees ventricular fibrillation, a life-threatening rhythm (VF, 90 %)."]
    factories.completed(maria, doctor, label="VF", risk_level="high", risk_reasons=high)
    refused = factories.diagnosis(
        schneider,
        doctor,
        status=Status.REFUSED,
        message="This picture does not show one heartbeat.",
        risk_reasons=["No model could read it."],
    )
    factories.prediction(
        refused, label="", outcome="not_eligible", heatmap=False, confidence=None, probabilities={}, prediction_set=[],
        reason_code="no_trace", message="No trace of a heartbeat was found.",
    )  # fmt: skip
    signed = factories.completed(schneider, doctor)
    with acting_as(doctor):
        reviews.review(
            doctor,
            diagnosis_id=signed.pk,
            decision="override",
            label="PAC",
            override_reason="other",
            comment="Narrow.",
        )
        reviews.sign(doctor, diagnosis_id=signed.pk)
    WorkerNode.objects.create(
        name="all@host",
        queues=["gpu", "cpu"],
        device="CPUExecutionProvider",
        last_seen=dt.datetime.now(dt.UTC),
    )
    with acting_as_system():
        for status, name in NAMES.items():
            Upload.objects.filter(diagnosis__status=status, patient__in=(schneider, peter)).update(
                original_name=name
            )
    return doctor


def acting_as_system():
    return acting_as(SYSTEM)


def check(page, complaints, live_server, user, name, *args, title):
    enter(page, live_server, user)
    page.goto(live_server.url + reverse(name, args=args), wait_until="load")
    assert page.get_by_role("heading", level=1).inner_text() == title
    judge(page, name.replace(":", "-"))
    assert complaints == []


def of(**wanted):
    with acting_as_system():
        return Diagnosis.objects.get(**wanted)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("diagnostics:worklist", "Worklist"),
        ("patients:list", "Patients"),
        ("patients:register", "Register patient"),
        ("accounts:password", "Change password"),
        ("styleguide", "Style guide"),
    ],
)
def test_a_doctors_pages(page, complaints, live_server, ward, name, title):
    check(page, complaints, live_server, ward, name, title=title)


def test_the_history(page, complaints, live_server, ward):
    patient = of(status=Status.SIGNED).patient_id
    check(page, complaints, live_server, ward, "diagnostics:history", patient, title="Schneider, Anna")


@pytest.mark.parametrize("status", NAMES)
def test_a_result(page, complaints, live_server, ward, status):
    found = of(status=status, upload__original_name=NAMES[status])
    check(page, complaints, live_server, ward, "diagnostics:detail", found.pk, title=NAMES[status])


def test_an_entry_that_is_wrong_is_corrected(page, complaints, live_server, ward):
    patient = of(status=Status.SIGNED).patient_id
    check(page, complaints, live_server, ward, "patients:add-entry", patient, "allergy", title="Add allergy")
    page.get_by_label("Substance").fill(" ")
    page.get_by_role("button", name="Add allergy").click()
    page.get_by_text("This field is required.").wait_for()
    page.get_by_label("Substance").fill("Iodine")
    page.get_by_role("button", name="Add allergy").click()
    page.get_by_text("The allergy was added.").wait_for()
    assert page.get_by_role("listitem").filter(has_text="Iodine").count() == 1


def test_a_patients_pages(page, complaints, live_server, ward):
    with acting_as_system():
        report = Report.objects.select_related("patient__user").get()
    check(page, complaints, live_server, report.patient.user, "diagnostics:reports", title="My reports")
    check(
        page,
        complaints,
        live_server,
        report.patient.user,
        "diagnostics:report",
        report.pk,
        title=report.title,
    )


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("diagnostics:predictions", "Predictions"),
        ("diagnostics:workers", "Workers"),
        ("accounts:audit", "Audit trail"),
        ("accounts:users", "Users"),
        ("accounts:create-user", "New user"),
    ],
)
def test_an_administrators_pages(page, complaints, live_server, ward, name, title):
    check(page, complaints, live_server, factories.user(Role.ADMIN, "root"), name, title=title)


def test_the_provenance_of_a_prediction(page, complaints, live_server, ward):
    with acting_as_system():
        prediction = Prediction.objects.get(diagnosis__upload__original_name=NAMES[Status.COMPLETED])
        title = str(prediction)
    check(
        page,
        complaints,
        live_server,
        factories.user(Role.AUDITOR),
        "diagnostics:prediction",
        prediction.pk,
        title=title,
    )
    assert "Schneider" not in page.content()
