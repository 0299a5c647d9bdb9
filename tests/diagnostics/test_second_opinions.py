"""Second opinions on a picture: asked for with the upload or afterwards, never about what a doctor has judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from diagnostics import selectors
from diagnostics.models import Diagnosis, Prediction
from diagnostics.services import lifecycle, reviews
from diagnostics.services.second_opinions import AlreadyAsked, ask_every_model
from diagnostics.services.uploads import submit_uploads
from diagnostics.states import IllegalMove, Status
from ml.contract import Analysis, ModelResult, Outcome
from tests import factories, images
from tests.diagnostics.results import answers, contracts, on_copies, result

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from patients.models import Patient

pytestmark = pytest.mark.django_db
REFUSED = {"outcome": Outcome.NOT_ELIGIBLE}


@pytest.fixture
def patient(doctor: User) -> Patient:
    return factories.patient(team=(doctor,))


def upload(
    actor: User, patient: Patient, *, seed: int = 1, every: bool = True, data: bytes | None = None
) -> dict[str, Any]:
    file = SimpleUploadedFile("a.png", images.png(seed=seed) if data is None else data)
    with acting_as(actor):
        (verdict,) = submit_uploads(actor, patient_id=patient.pk, files=[file], second_opinions=every)
    return verdict.as_json()


def run(diagnosis: Any, *results: ModelResult) -> Diagnosis:
    """Let the models answer the present attempt."""
    with acting_as(SYSTEM):
        row = Diagnosis.objects.get(pk=diagnosis)
        (claim,) = lifecycle.claim([(row.pk, row.attempt)], worker="w")
        (row,) = lifecycle.record_results({claim: Analysis(results=results)}, contracts=contracts(*results))
        return row


def stored(diagnosis: Any) -> Diagnosis:
    with acting_as(SYSTEM):
        return Diagnosis.objects.get(pk=diagnosis)


# --- what decides


def test_an_answer_that_changes_with_the_picture_goes_up_in_the_worklist(
    doctor: User, patient: Patient
) -> None:
    calm = run(upload(doctor, patient)["diagnosis_id"], result("Normal"))
    shaky = run(
        upload(doctor, patient, seed=2)["diagnosis_id"],
        on_copies("Normal ECG", stable=False),
        on_copies("Normal ECG", stable=True, model="page-cnn"),
    )
    assert (shaky.models_disagree, shaky.differing, bool(shaky.unstable)) == (True, False, True)
    with acting_as(doctor):
        assert [row.pk for row in selectors.worklist(doctor)] == [shaky.pk, calm.pk]


def test_the_deciding_model_keeps_label_risk_and_message(doctor: User, patient: Patient) -> None:
    given = answers("PVC", "VF", "Normal", None)
    row = run(upload(doctor, patient)["diagnosis_id"], *given)
    assert (row.status, row.risk_level, row.models_disagree) == ("completed", "moderate", True)
    assert (row.message, row.models_say) == (
        given[0].message,
        "beat-cnn says PVC; b says VF; c says Normal; d is not sure.",
    )
    with acting_as(doctor):
        review = reviews.review(doctor, diagnosis_id=row.pk, decision="confirm")
    assert (review.label, review.risk_level) == ("PVC", "moderate")


def test_what_the_deciding_model_refuses_is_refused(doctor: User, patient: Patient) -> None:
    row = run(upload(doctor, patient)["diagnosis_id"], result(**REFUSED), *answers("PVC", models=("b",)))
    assert (row.status, row.risk_level) == ("refused", "")


def test_where_the_deciding_model_is_unsure_nothing_can_be_confirmed(doctor: User, patient: Patient) -> None:
    row = run(upload(doctor, patient)["diagnosis_id"], *answers(None, "PVC", "PVC"))
    assert (row.status, row.models_disagree) == ("completed", False)
    with pytest.raises(reviews.ReviewRefused, match="No model gave a label"), acting_as(doctor):
        reviews.review(doctor, diagnosis_id=row.pk, decision="confirm")


# --- asked for with the upload


@pytest.mark.parametrize("every", [True, False])
def test_the_wish_is_kept_and_reaches_the_worker(doctor: User, patient: Patient, every: bool) -> None:  # noqa: FBT001
    row = stored(upload(doctor, patient, every=every)["diagnosis_id"])
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(row.pk, 1)], worker="w")
    assert (row.second_opinions, claim.second_opinions) == (every, every)


def test_a_known_file_that_waits_is_asked_about_once(doctor: User, patient: Patient) -> None:
    first = upload(doctor, patient, every=False)
    again, third = upload(doctor, patient), upload(doctor, patient)
    assert [one["reason_code"] for one in (first, again, third)] == [None, "duplicate_asked", "duplicate"]
    assert {one["diagnosis_id"] for one in (first, again, third)} == {first["diagnosis_id"]}
    row = stored(first["diagnosis_id"])
    assert (row.status, row.attempt, row.second_opinions) == ("queued", 1, True)


def test_a_known_file_that_is_finished_is_asked_about_in_a_new_attempt(
    doctor: User, patient: Patient
) -> None:
    first = upload(doctor, patient, every=False)
    run(first["diagnosis_id"], result("PVC"))
    assert upload(doctor, patient, every=False)["reason_code"] == "duplicate"
    assert upload(doctor, patient)["reason_code"] == "duplicate_asked"
    row = run(first["diagnosis_id"], *answers("PVC", "Normal"))
    assert (row.attempt, row.models_disagree) == (2, True)
    with acting_as(SYSTEM):
        kept = Prediction.objects.filter(diagnosis=row).values_list("attempt", "model_version__name")
        assert sorted(kept) == [(1, "beat-cnn"), (2, "b"), (2, "beat-cnn")]


@pytest.mark.parametrize("status", ["running", "refused", "failed", "reviewed", "signed", "amended"])
def test_otherwise_it_is_said_how_to_ask(doctor: User, patient: Patient, status: str) -> None:
    data = images.png(seed=1)
    row = factories.completed(patient, doctor, data=data)
    with acting_as(SYSTEM):
        Diagnosis.objects.filter(pk=row.pk).update(status=status)
    verdict = upload(doctor, patient, data=data)
    assert (verdict["accepted"], verdict["reason_code"]) == (True, "duplicate_not_asked")
    assert "Ask every model" in verdict["message"]
    after = stored(row.pk)
    assert (after.status, after.attempt, after.second_opinions) == (status, 1, False)


def test_a_recording_has_no_second_opinions(doctor: User, patient: Patient) -> None:
    data = b"time,II\n0.00,1\n0.01,2\n" * 50
    first = upload(doctor, patient, data=data)
    row = stored(first["diagnosis_id"])
    assert (row.second_opinions, upload(doctor, patient, data=data)["reason_code"]) == (False, "duplicate")


def test_the_api_takes_the_wish_and_refuses_what_is_neither_yes_nor_no(
    client: Client, doctor: User, patient: Patient
) -> None:
    client.force_login(doctor)

    def send(seed: int, **fields: str) -> Any:
        file = SimpleUploadedFile("a.png", images.png(seed=seed))
        return client.post("/api/v1/uploads/", {"patient": str(patient.pk), "files": [file], **fields})

    for seed, (value, wanted) in enumerate(
        [("true", True), ("1", True), ("false", False), ("0", False)], start=10
    ):
        (verdict,) = send(seed, second_opinions=value).json()["files"]
        body = client.get(f"/api/v1/diagnoses/{verdict['diagnosis_id']}/").json()
        assert (body["second_opinions"], body["models_disagree"]) == (wanted, False)
    refused = send(20, second_opinions="perhaps")
    assert (refused.status_code, refused.json()["reason_code"]) == (400, "bad_request")
    assert list(refused.json()["fields"]) == ["second_opinions"]
    with acting_as(SYSTEM):
        assert Diagnosis.objects.count() == 4


# --- asked for afterwards


def test_asking_is_a_new_attempt_in_the_trail(doctor: User, patient: Patient) -> None:
    row = factories.completed(patient, doctor)
    with acting_as(doctor):
        ask_every_model(doctor, diagnosis_id=row.pk)
    after = stored(row.pk)
    assert (after.status, after.attempt, after.second_opinions, after.risk_level) == (
        "queued",
        2,
        True,
        "moderate",
    )
    with acting_as(SYSTEM):
        event = AuditEvent.objects.get(object_id=str(row.pk), action="update")
    assert (event.actor_id, event.patient_id, event.detail) == (
        doctor.pk, patient.pk, {"second_opinions": True, "attempt": 2},
    )  # fmt: skip


@pytest.mark.parametrize("status", [one for one in Status if one != Status.COMPLETED])
def test_only_a_result_that_nobody_has_judged_is_asked_about(
    doctor: User, patient: Patient, status: Status
) -> None:
    row = factories.diagnosis(patient, doctor, status=status)
    with pytest.raises(IllegalMove), acting_as(doctor):
        ask_every_model(doctor, diagnosis_id=row.pk)
    assert (stored(row.pk).status, stored(row.pk).attempt) == (status, 1)


def test_nobody_is_asked_twice_and_no_model_of_pictures_about_a_recording(
    doctor: User, patient: Patient
) -> None:
    for row in (
        factories.completed(patient, doctor, second_opinions=True),
        factories.recording(patient, doctor),
    ):
        with pytest.raises(AlreadyAsked), acting_as(doctor):
            ask_every_model(doctor, diagnosis_id=row.pk)
        assert stored(row.pk).status == "completed"


def test_strangers_and_other_roles_cannot_ask(doctor: User, other_doctor: User, patient: Patient) -> None:
    row = factories.completed(patient, doctor)
    with pytest.raises(Diagnosis.DoesNotExist), acting_as(other_doctor):
        ask_every_model(other_doctor, diagnosis_id=row.pk)
    integration = factories.user(Role.INTEGRATION)
    with pytest.raises(PermissionDenied), acting_as(integration):
        ask_every_model(integration, diagnosis_id=row.pk)
    assert stored(row.pk).status == "completed"


def test_a_failed_second_opinion_does_not_keep_the_deciding_model_from_answering(
    doctor: User, patient: Patient
) -> None:
    row = factories.diagnosis(patient, doctor, status=Status.FAILED, second_opinions=True)
    with acting_as(doctor):
        lifecycle.retry(doctor, diagnosis_id=row.pk)
    assert (stored(row.pk).status, stored(row.pk).second_opinions) == ("queued", False)


# --- shown


def test_a_disagreement_goes_before_everything_but_high_risk(doctor: User, patient: Patient) -> None:
    def row(name: str, **fields: Any) -> tuple[str, Any]:
        return name, factories.completed(patient, doctor, **fields).pk

    made = dict(
        [
            row("moderate"),
            row("disagreed, low", risk_level="low", models_disagree=True),
            row("low", risk_level="low"),
            row("high", risk_level="high"),
            row("disagreed, moderate", models_disagree=True),
        ]
    )
    made["failed"] = factories.diagnosis(patient, doctor, status=Status.FAILED).pk
    with acting_as(doctor):
        order = [row.pk for row in selectors.worklist(doctor)]
    names = {pk: name for name, pk in made.items()}
    assert [names[pk] for pk in order] == [
        "high", "disagreed, low", "disagreed, moderate", "failed", "moderate", "low",
    ]  # fmt: skip


def test_pages_say_it_first_and_side_by_side(client: Client, doctor: User, patient: Patient) -> None:
    row = factories.completed(patient, doctor, models_disagree=True, second_opinions=True)
    factories.prediction(row, model="beat-spectral", label="Normal", confidence=0.8)
    factories.prediction(
        row, model="beat-efficientnet", label="", outcome="abstained", confidence=None, heatmap=False
    )
    client.force_login(doctor)
    answer = client.get(reverse("diagnostics:detail", args=[row.pk]))
    shown = answer.context["opinions"]
    assert shown["headline"] == "beat-cnn says PVC; beat-spectral says Normal; beat-efficientnet is not sure."
    cells = [[cell["value"] for cell in line] for line in shown["table"]["rows"]]
    assert [line[0] for line in cells] == ["beat-cnn (decides)", "beat-efficientnet", "beat-spectral"]
    assert [line[2] for line in cells] == ["90.0 %", "none", "80.0 %"]
    html = answer.content.decode()
    assert html.index(shown["headline"]) < html.index("How this was computed")
    assert "Ask every model" not in html
    assert "Confirm PVC" in html
    worklist = client.get(reverse("diagnostics:worklist")).content.decode()
    assert shown["headline"] in worklist
    assert "Models disagree" in worklist


def test_the_button_is_there_while_it_may_be_pressed(client: Client, doctor: User, patient: Patient) -> None:
    client.force_login(doctor)
    row = factories.completed(patient, doctor)
    url = reverse("diagnostics:detail", args=[row.pk])
    assert "Ask every model</button>" in client.get(url).content.decode()
    said = client.post(reverse("diagnostics:ask", args=[row.pk]), follow=True).content.decode()
    assert "Every model is asked now." in said
    assert "Ask every model</button>" not in said
    again = client.post(reverse("diagnostics:ask", args=[row.pk]), follow=True).content.decode()
    assert "A diagnosis that is queued cannot become queued." in again
    reviewed = factories.diagnosis(patient, doctor, status=Status.REVIEWED)
    assert (
        "Ask every model</button>"
        not in client.get(reverse("diagnostics:detail", args=[reviewed.pk])).content.decode()
    )


def test_the_form_of_the_history_page_sends_the_wish(client: Client, doctor: User, patient: Patient) -> None:
    client.force_login(doctor)
    page = client.get(reverse("diagnostics:history", args=[patient.pk])).content.decode()
    assert 'name="second_opinions"' in page
    for seed, (fields, wanted) in enumerate([({"second_opinions": "on"}, True), ({}, False)], start=30):
        files = [SimpleUploadedFile("a.png", images.png(seed=seed))]
        answer = client.post(reverse("diagnostics:upload", args=[patient.pk]), {"files": files, **fields})
        (verdict,) = answer.context["verdicts"]
        assert stored(verdict.diagnosis_id).second_opinions == wanted
