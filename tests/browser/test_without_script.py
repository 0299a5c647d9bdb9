"""The pages' forms as a browser without JavaScript sends them, and what is refused."""

from __future__ import annotations

import io
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from accounts.actor import acting_as
from accounts.models import AuditEvent, User
from accounts.roles import SYSTEM, Role
from diagnostics.models import Diagnosis, Report
from diagnostics.states import Status
from patients.models import Patient
from tests import factories, images

pytestmark = pytest.mark.django_db
BACKEND = "accounts.backends.CardioCareBackend"


@pytest.fixture
def patient(doctor, client):
    client.force_login(doctor, backend=BACKEND)
    return factories.patient(team=(doctor,))


def status_of(diagnosis):
    with acting_as(SYSTEM):
        return Diagnosis.objects.get(pk=diagnosis.pk).status


def to(name, *args):
    return reverse(f"diagnostics:{name}", args=args)


def test_files_are_taken_and_answered_on_the_history_page(client, patient):
    files = [SimpleUploadedFile("a.png", images.png(seed=900)), SimpleUploadedFile("b.png", b"a letter")]
    answer = client.post(to("upload", patient.pk), {"files": files})
    kinds = [verdict.accepted for verdict in answer.context["verdicts"]]
    assert (answer.status_code, kinds, answer.context["page_obj"].paginator.count) == (200, [True, False], 1)
    assert "No file was chosen." in client.post(to("upload", patient.pk)).content.decode()


def test_the_picture_is_encoded_again(client, doctor, patient):
    original = images.jpeg(seed=901)
    shown = client.get(to("image", factories.diagnosis(patient, doctor, data=original).pk))
    assert (shown.headers["Content-Type"], shown.headers["X-Content-Type-Options"]) == (
        "image/png",
        "nosniff",
    )
    assert (Image.open(io.BytesIO(shown.content)).size, shown.content[:4]) == ((96, 96), b"\x89PNG")


def test_reads_are_in_the_trail_and_searches_without_their_words(client, doctor, patient):
    row = factories.completed(patient, doctor)
    prediction = row.predictions.get()
    client.get(reverse("patients:list"), {"q": patient.family_name})
    for path in (
        to("history", patient.pk),
        to("detail", row.pk),
        to("image", row.pk),
        to("heatmap", row.pk, prediction.pk),
    ):
        assert client.get(path).status_code == 200
    events = AuditEvent.objects.filter(actor_id=doctor.pk, action__in=("read", "search")).order_by("pk")
    seen = [(event.action, event.object_id, event.patient_id) for event in events]
    read = [("read", str(row.pk), patient.pk)] * 3
    assert seen == [("search", "", None), ("read", str(patient.pk), patient.pk), *read]
    assert patient.family_name not in str([event.detail for event in events])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"decision": "override"}, "Choose what the trace shows."),
        ({"decision": "override", "label": "PAC"}, "Choose why you disagree with the model."),
        (
            {"decision": "override", "label": "PAC", "override_reason": "other"},
            "Write in the comment why you disagree.",
        ),
        ({}, "This field is required."),
    ],
)
def test_a_review_that_contradicts_itself_is_explained(client, doctor, patient, fields, sentence):
    row = factories.completed(patient, doctor)
    answer = client.post(to("review", row.pk), fields)
    assert (answer.status_code, sentence in answer.content.decode(), status_of(row)) == (
        422,
        True,
        Status.COMPLETED,
    )


def test_an_override_is_signed_and_amended(client, doctor, patient):
    row = factories.completed(patient, doctor)
    for label, state in (("PAC", Status.SIGNED), ("Normal", Status.AMENDED)):
        client.post(
            to("review", row.pk), {"decision": "override", "label": label, "override_reason": "wrong_label"}
        )
        client.post(to("sign", row.pk))
        assert status_of(row) == state
    again = client.post(to("sign", row.pk), follow=True).content.decode()
    assert "This review is signed already." in again
    assert [report.version for report in Report.objects.order_by("version")] == [1, 2]


def test_what_the_state_machine_refuses_becomes_a_sentence(client, doctor, patient):
    row = factories.diagnosis(patient, doctor)
    for name, fields in (("retry", {}), ("sign", {}), ("review", {"decision": "override", "label": "PAC"})):
        answer = client.post(to(name, row.pk), fields, follow=True)
        assert "A diagnosis that is queued cannot become" in answer.content.decode()
    failed = factories.diagnosis(patient, doctor, status=Status.FAILED)
    client.post(to("retry", failed.pk))
    assert status_of(failed) == Status.QUEUED


def test_a_patient_is_registered_once_and_the_account_linked(client, doctor, patient):
    factories.user(Role.PATIENT, "anna")
    fields = {
        "mrn": "77",
        "given_name": "A",
        "family_name": "B",
        "birth_date": "1950-01-01",
        "sex": "female",
        "username": "anna",
    }
    answer = client.post(reverse("patients:register"), fields)
    registered = Patient.objects.get(mrn="77")
    assert (answer.url, registered.user.username) == (to("history", registered.pk), "anna")
    foreign = factories.patient(mrn="78")
    taken = client.post(reverse("patients:register"), fields | {"mrn": foreign.mrn, "username": ""})
    assert (taken.status_code, "This MRN is in use already." in taken.content.decode()) == (422, True)
    linked = client.post(reverse("patients:register"), fields | {"mrn": "79"})
    assert (linked.status_code, "belongs to another patient" in linked.content.decode()) == (422, True)


def test_a_colleague_joins_the_care_team(client, doctor, patient, other_doctor):
    url = reverse("patients:add-member", args=[patient.pk])
    assert (
        "There is no active doctor" in client.post(url, {"username": "nobody"}, follow=True).content.decode()
    )
    client.post(url, {"username": other_doctor.username})
    client.force_login(other_doctor, backend=BACKEND)
    assert client.get(to("history", patient.pk)).status_code == 200


def test_users_are_made_and_locked_out(client, db):
    admin = factories.user(Role.ADMIN, "root")
    client.force_login(admin, backend=BACKEND)
    fields = {
        "username": "new",
        "role": "doctor",
        "password1": "horse battery 77",
        "password2": "horse battery 77",
    }
    assert client.post(reverse("accounts:create-user"), fields).status_code == 302
    assert client.post(reverse("accounts:create-user"), fields | {"password1": "short"}).status_code == 422
    user = User.objects.get(username="new")
    client.post(reverse("accounts:set-active", args=[user.pk]), {"active": "false"})
    own = client.post(reverse("accounts:set-active", args=[admin.pk]), {"active": "false"}, follow=True)
    assert "You cannot deactivate yourself." in own.content.decode()
    assert (User.objects.get(pk=user.pk).is_active, User.objects.get(pk=admin.pk).is_active) == (False, True)


def test_nobody_else_gets_in(client, doctor, patient, other_doctor):
    row = factories.completed(patient, doctor)
    paths = [
        to("history", patient.pk),
        to("detail", row.pk),
        to("image", row.pk),
        to("heatmap", row.pk, row.predictions.get().pk),
    ]
    client.force_login(other_doctor, backend=BACKEND)
    assert {client.get(path).status_code for path in paths} == {404}
    assert client.get(to("detail", uuid.uuid4())).status_code == 404
    client.force_login(factories.user(Role.ADMIN), backend=BACKEND)
    assert {client.get(path).status_code for path in paths} == {403}
    client.logout()
    assert {client.get(path).url for path in paths} == {f"/accounts/login/?next={path}" for path in paths}
