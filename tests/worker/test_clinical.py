"""Clinical records in the worker: the real models and scores, stored, replayed, reviewed and signed."""

from __future__ import annotations

import datetime as dt
import json
import time
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.kinds import CLINICAL
from diagnostics.models import Diagnosis, ModelVersion, Prediction, Report
from diagnostics.risk_clinical import ASSUMED
from diagnostics.services import clinical, lifecycle, queue, reviews
from ml.clinical.scores.register import SCORES
from ml.serving.clinical import MODELS
from patients.models import Patient
from patients.services.clinical_values import Entry, record_values
from tests import factories
from tests.workers import PATIENCE_S
from worker import diagnosing, suite

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.models import User

pytestmark = pytest.mark.django_db
MONDAY = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
FAILING = {
    "ejection_fraction": "20", "serum_creatinine": "2.7", "serum_sodium": "130", "platelets": "265", "anaemia": "yes",
    "diabetes": "no", "high_blood_pressure": "yes", "creatinine_phosphokinase": "582", "smoking": "never",
}  # fmt: skip


def person(doctor: User, values: dict[str, str], **fields: Any) -> Patient:
    given: dict[str, Any] = {"birth_date": dt.date(1944, 1, 25), "sex": Patient.Sex.MALE} | fields
    row = factories.patient(team=(doctor,), **given)
    with acting_as(doctor):
        entries = [Entry(code, text) for code, text in values.items()]
        record_values(doctor, patient=row, measured_at=MONDAY, entries=entries)
    return row


def assessed(doctor: User, *patients: Patient) -> list[Diagnosis]:
    """What becomes of the patients' records in one message, in their order."""
    with acting_as(doctor):
        wanted = clinical.request_clinical_diagnoses(doctor, patient_ids=[row.pk for row in patients])
    ids = [one.diagnosis.pk for one in wanted.values() if isinstance(one, clinical.Requested)]
    run(ids)
    with acting_as(SYSTEM):
        rows = {
            row.pk: row
            for row in Diagnosis.objects.select_related("upload").prefetch_related(
                "predictions__model_version"
            )
        }
    return [rows[diagnosis_id] for diagnosis_id in ids]


def run(ids: list[Any]) -> None:
    with acting_as(SYSTEM):
        claims = lifecycle.claim([(diagnosis_id, 1) for diagnosis_id in ids], worker="w")
    diagnosing.run(claims, deadline=time.monotonic() + PATIENCE_S)


def by_model(row: Diagnosis) -> dict[str, Prediction]:
    return {answer.model: answer for answer in row.answers()}


def test_every_model_and_every_score_answers_and_is_stored(doctor: User) -> None:
    (row,) = assessed(doctor, person(doctor, FAILING))
    assert (row.status, row.risk_level, row.answer) == ("completed", "high", "High risk")
    answers = by_model(row)
    assert next(iter(answers)) == MODELS[0]
    assert set(answers) == {*MODELS, *(score.name for score in SCORES)}
    hybrid = answers[MODELS[0]]
    said = hybrid.explanation
    assert (said["level"], said["imputed"]) == ("High", {})
    total = said["reference_risk"] + sum(part["amount"] for part in said["contributions"])
    assert total == pytest.approx(said["risk"], abs=1e-5)
    assert {answer.input_sha256 for answer in answers.values()} == {row.upload.sha256}
    # FAILING does not say whether heart failure was diagnosed.
    assert row.risk_reasons[0] == ASSUMED
    assert row.risk_reasons[1].startswith("clinical-hybrid estimates a risk of death")
    contract = suite.contracts()[MODELS[0]]["metrics"]["cross_validation"]["levels"]["levels"]["High"]
    assert f"{100 * contract['rate']['value']:.0f} % died" in row.risk_reasons[2]
    with acting_as(SYSTEM):
        kept = ModelVersion.objects.get(name="maggic")
    assert kept.contract["source"].startswith("Pocock")
    assert kept.weights_sha256 == kept.contract["sha256"]["definition"]


def test_a_missing_value_is_imputed_and_said(doctor: User) -> None:
    few = {code: text for code, text in FAILING.items() if code not in {"platelets", "serum_sodium"}}
    (row,) = assessed(doctor, person(doctor, few))
    assert set(by_model(row)[MODELS[0]].explanation["imputed"]) == {"platelets", "serum_sodium"}
    assert any(reason.startswith("2 values are missing") for reason in row.risk_reasons)


def test_too_little_is_refused_with_the_names(doctor: User) -> None:
    (row,) = assessed(doctor, person(doctor, {"serum_sodium": "136", "weight": "80"}))
    assert (row.status, row.risk_level, row.reason_code) == ("refused", "", "telling_values_missing")
    assert "ejection fraction and creatinine" in row.message
    assert by_model(row)[MODELS[0]].outcome == "poor_input"


def test_a_message_of_many_gives_what_each_gives_alone(doctor: User) -> None:
    young = person(doctor, FAILING | {"ejection_fraction": "55"}, birth_date=dt.date(1970, 1, 1))
    bare = person(doctor, {"weight": "80"})
    together = assessed(doctor, person(doctor, FAILING), young, bare)
    assert [row.status for row in together] == ["completed", "completed", "refused"]
    for row in together:
        with acting_as(SYSTEM):
            (claim,) = [lifecycle.Claim(row.pk, 1, row.upload.storage_name, row.upload.media_type)]
        (alone,) = suite.analyse_clinical([diagnosing.claims.stored_bytes(claim)])
        stored = by_model(row)
        for result in alone.results:
            assert stored[result.model].probabilities == pytest.approx(result.probabilities, abs=1e-6)


def test_a_lost_file_fails_alone(doctor: User, media: Path) -> None:
    patients = [person(doctor, FAILING) for _ in range(3)]
    with acting_as(doctor):
        wanted = clinical.request_clinical_diagnoses(doctor, patient_ids=[row.pk for row in patients])
    ids = [one.diagnosis.pk for one in wanted.values() if isinstance(one, clinical.Requested)]
    with acting_as(SYSTEM):
        lost = Diagnosis.objects.select_related("upload").get(pk=ids[1])
    (media / lost.upload.storage_name).unlink()
    run(ids)
    with acting_as(SYSTEM):
        states = {row.pk: (row.status, row.attempt) for row in Diagnosis.objects.all()}
    assert [states[pk] for pk in ids] == [("completed", 1), ("queued", 2), ("completed", 1)]


def replay(*predictions: Prediction) -> tuple[list[dict[str, Any]], int]:
    out = StringIO()
    try:
        call_command("replay_prediction", *(str(p.pk) for p in predictions), json=True, stdout=out)
        code = 0
    except CommandError as error:
        code = error.returncode
    return [json.loads(line) for line in out.getvalue().splitlines()], code


def test_models_and_scores_replay_the_same(doctor: User) -> None:
    (row,) = assessed(doctor, person(doctor, FAILING))
    done, code = replay(*row.answers())
    assert (len(done), code, {one["same"] for one in done}) == (len(MODELS) + len(SCORES), 0, {True})


def test_a_stored_contribution_that_was_changed_is_found(doctor: User) -> None:
    (row,) = assessed(doctor, person(doctor, FAILING))
    true = by_model(row)[MODELS[0]]
    with acting_as(SYSTEM):
        false = Prediction.objects.create(
            diagnosis=row, attempt=2, model_version=true.model_version, outcome=true.outcome, label=true.label,
            confidence=true.confidence, probabilities=true.probabilities, prediction_set=true.prediction_set,
            threshold=true.threshold, explanation=true.explanation | {"reference_risk": 0.9}, duration_ms=1.0,
            input_sha256=true.input_sha256, code_version=true.code_version, device="cpu", message=true.message,
        )  # fmt: skip
    done, code = replay(false)
    assert (code, list(done[0]["differences"])) == (1, ["explanation"])


def test_the_result_is_reviewed_signed_and_read_in_plain_words(client: Client, doctor: User) -> None:
    reader = factories.user(factories.Role.PATIENT)
    (row,) = assessed(doctor, person(doctor, FAILING, user=reader))
    client.force_login(doctor)
    page = client.get(reverse("diagnostics:detail", args=[row.pk])).content.decode()
    for words in (
        "High risk",
        "no network beat the forest",
        "What leads from a typical patient",
        "not used: they are only known",
    ):
        assert words in page
    client.post(reverse("diagnostics:review", args=[row.pk]), {"decision": "confirm"})
    client.post(reverse("diagnostics:sign", args=[row.pk]))
    with acting_as(SYSTEM):
        report = Report.objects.get(diagnosis=row)
    assert (report.title, report.risk_level) == ("Your heart check shows a high risk", "high")
    client.force_login(reader)
    told = client.get(reverse("diagnostics:report", args=[report.pk])).content.decode()
    assert "not a forecast for you" in told
    assert "death" not in told


def test_a_doctor_overrides_with_another_level_and_with_no_label_of_a_trace(doctor: User) -> None:
    (row,) = assessed(doctor, person(doctor, FAILING))
    why = {"decision": "override", "override_reason": "clinical_context"}
    with acting_as(doctor):
        with pytest.raises(reviews.ReviewRefused, match="Choose the patient's risk"):
            reviews.review(doctor, diagnosis_id=row.pk, label="PVC", **why)
        review = reviews.review(doctor, diagnosis_id=row.pk, label="Moderate risk", **why)
    assert (review.label, review.risk_level) == ("Moderate risk", "moderate")


def test_clinical_records_share_messages_with_each_other_and_not_with_pictures(doctor: User) -> None:
    patient = person(doctor, FAILING)
    pictures = [factories.diagnosis(patient, doctor) for _ in range(3)]
    records = [factories.diagnosis(patient, doctor) for _ in range(queue.MOST_CLINICAL_TOGETHER + 1)]
    for row in records:
        row.upload.media_type = CLINICAL[0]
    shared = [len(together) for together in queue.in_messages([*pictures, *records])]
    assert shared == [3, queue.MOST_CLINICAL_TOGETHER, 1]
    assert {queue.own_limit_s(row) for row in records} == {None}
