"""Patients' levels as the services keep them: with every result and judgement, in one chain, in few statements."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import Diagnosis, PatientRisk
from diagnostics.patient_risk import RULES_VERSION, PatientLevel
from diagnostics.services import lifecycle, patient_risk, reviews, second_opinions
from diagnostics.services.patient_risk import MOST, update_patient_risk
from ml.contract import Analysis
from tests import factories
from tests.diagnostics.results import contracts, result

pytestmark = pytest.mark.django_db
RESULT = PatientRisk.Cause.RESULT


@pytest.fixture
def patient(doctor):
    return factories.patient(team=(doctor,))


def answered(*answers, patients, doctor):
    """Diagnoses of these patients in turn, claimed and recorded in one batch."""
    rows = [factories.diagnosis(patient, doctor) for patient in patients]
    with acting_as(SYSTEM):
        claims = lifecycle.claim([(row.pk, 1) for row in rows], worker="w")
        of_patient = {claim.diagnosis_id: claim for claim in claims}
        given = {
            of_patient[row.pk]: Analysis(results=(answer,)) for row, answer in zip(rows, answers, strict=True)
        }
        lifecycle.record_results(given, contracts=contracts(*answers))
    return rows


def history(patient):
    with acting_as(SYSTEM):
        return list(PatientRisk.objects.filter(patient=patient).order_by("pk"))


def test_a_batch_of_one_patient_writes_one_row_with_its_evidence(doctor, patient):
    rows = answered(result("PVC"), result("Normal"), patients=[patient] * 2, doctor=doctor)
    (row,) = history(patient)
    assert (row.level, row.probability, row.cause, row.previous) == ("moderate", None, "result", None)
    assert [one["key"] for one in row.evidence] == [str(one.pk) for one in rows]
    assert "PVC, 90 %" in row.evidence[0]["text"]
    assert (row.rules_version, row.changes) == (RULES_VERSION, ["First assessment of this patient."])
    assert list(row.newest) == ["image"]


def test_each_further_row_names_the_one_before_and_what_changed(doctor, patient):
    answered(result("Normal"), patients=[patient], doctor=doctor)
    answered(result("VF"), patients=[patient], doctor=doctor)
    first, second = history(patient)
    assert (first.level, second.level, second.previous_id) == ("low", "high", first.pk)
    assert second.changes[0] == "The level rose from Low to High."
    assert (second.red_flags, second.evidence[0]["red_flags"]) == (["lethal_rhythm"], ["lethal_rhythm"])
    assert second.assessment().counted[1] == first.assessment().counted[0]


def test_an_infarction_on_a_page_is_a_red_flag_and_an_earlier_one_is_not(doctor, patient):
    answers = [result(label, model="page-fusion") for label in ("History of MI", "Myocardial infarction")]
    for answer in answers:
        answered(answer, patients=[patient], doctor=doctor)
    first, second = history(patient)
    assert [(row.level, row.red_flags) for row in (first, second)] == [
        ("moderate", []),
        ("high", ["suspected_acute_infarction"]),
    ]
    assert [one["kind"] for one in second.evidence] == ["page", "page"]


def test_the_doctors_judgement_and_signature_are_rows_and_lower_the_level(doctor, patient):
    (diagnosis,) = answered(result("VF"), patients=[patient], doctor=doctor)
    with acting_as(doctor):
        fields = {"label": "Normal", "override_reason": "artefact"}
        reviews.review(doctor, diagnosis_id=diagnosis.pk, decision="override", **fields)
        reviews.sign(doctor, diagnosis_id=diagnosis.pk)
        reviews.review(doctor, diagnosis_id=diagnosis.pk, decision="confirm")
        reviews.sign(doctor, diagnosis_id=diagnosis.pk)
    rows = history(patient)
    assert [(row.cause, row.level, bool(row.red_flags)) for row in rows] == [
        ("result", "high", True),
        ("review", "low", False),
        ("signature", "low", False),
        ("review", "high", True),
        ("amendment", "high", True),
    ]
    assert rows[1].changes[:2] == [
        "The level fell from High to Low.",
        "No longer: Red flag: ventricular fibrillation or tachycardia.",
    ]


def test_a_result_that_waits_for_second_opinions_still_counts(doctor, patient):
    (diagnosis,) = answered(result("VF"), patients=[patient], doctor=doctor)
    with acting_as(doctor):
        second_opinions.ask_every_model(doctor, diagnosis_id=diagnosis.pk)
    answered(result("Normal"), patients=[patient], doctor=doctor)
    assert [row.level for row in history(patient)] == ["high", "high"]


def test_a_refused_result_says_nothing_of_the_risk(doctor, patient):
    from ml.contract import Outcome

    answered(result(outcome=Outcome.NOT_ELIGIBLE), patients=[patient], doctor=doctor)
    (row,) = history(patient)
    assert (row.level, row.newest) == (PatientLevel.UNKNOWN, {})


def test_the_probability_is_the_clinical_models(doctor, patient):
    answer = result(
        "death",
        model="clinical-hybrid",
        probabilities={"survival": 0.38, "death": 0.62},
        confidence=0.62,
        prediction_set=("death",),
    )
    with acting_as(SYSTEM):
        row = factories.completed(patient, doctor, risk_level="high", evidence_kind="clinical")
        row.predictions.model.objects.bulk_create(
            [
                lifecycle._prediction(
                    lifecycle.Claim(row.pk, 1), answer, lifecycle._version(lifecycle._model(answer), {})
                )
            ]
        )
        (stored,) = update_patient_risk([patient.pk], cause=RESULT)
    assert (stored.level, stored.probability) == ("high", 0.62)
    assert "62 %, tier High" in stored.evidence[0]["text"]


def statements(doctor, patients):
    """SQL of recording one picture of each of these patients."""
    rows = [factories.diagnosis(patient, doctor) for patient in patients]
    answers = [result("PVC") for _ in rows]
    with acting_as(SYSTEM):
        claims = lifecycle.claim([(row.pk, 1) for row in rows], worker="w")
        given = {claim: Analysis(results=(one,)) for claim, one in zip(claims, answers, strict=True)}
        with CaptureQueriesContext(connection) as captured:
            lifecycle.record_results(given, contracts=contracts(*answers))
    return [query["sql"] for query in captured.captured_queries]


def test_twenty_patients_take_as_many_statements_as_one(doctor):
    patients = [factories.patient(team=(doctor,)) for _ in range(20)]
    statements(doctor, patients[:1])  # the first answer of a model adds its version
    few = statements(doctor, patients[:1])
    many = statements(doctor, patients)
    assert len(many) == len(few), many
    assert sum("patients_patient" in sql or "patientrisk" in sql for sql in many) == 3


def test_patients_are_locked_in_the_order_of_their_ids(doctor):
    patients = [factories.patient(team=(doctor,)) for _ in range(5)]
    with acting_as(SYSTEM), CaptureQueriesContext(connection) as captured:
        update_patient_risk([one.pk for one in reversed(patients)] * 2, cause=RESULT)
    (lock,) = [query["sql"] for query in captured.captured_queries if "FOR NO KEY UPDATE" in query["sql"]]
    assert lock.startswith('SELECT "patients_patient"."id"')
    assert "ORDER BY 1 ASC" in lock
    assert [len(history(one)) for one in patients] == [1] * 5


def test_the_weightiest_is_found_among_many_and_the_row_stays_small(doctor, patient):
    with acting_as(SYSTEM):
        for _ in range(3):
            factories.completed(patient, doctor, label="VF", risk_level="high", evidence_kind="image")
        for number in range(MOST + 5):
            kind = "page" if number == 0 else "image"
            factories.completed(patient, doctor, risk_level="moderate", evidence_kind=kind)
        with CaptureQueriesContext(connection) as captured:
            (row,) = update_patient_risk([patient.pk], cause=RESULT)
    assert (row.level, len(captured.captured_queries)) == ("high", 4)
    assert [one["level"] for one in row.evidence[:4]] == ["high", "high", "high", "moderate"]
    assert MOST <= len(row.evidence) <= MOST + 2
    assert set(row.newest) == {"image", "page"}


def test_a_second_beginning_or_a_fork_of_the_history_is_impossible(doctor, patient):
    answered(result("PVC"), patients=[patient], doctor=doctor)
    answered(result("PVC"), patients=[patient], doctor=doctor)
    first, _ = history(patient)
    for previous in (None, first):
        with pytest.raises(IntegrityError), transaction.atomic(), acting_as(SYSTEM):
            PatientRisk.objects.create(
                patient=patient, previous=previous, level="low", evidence=[], newest={}, changes=[], cause="rules",
                rules_version="1",
            )  # fmt: skip


def test_patients_from_before_are_assessed_once(doctor, patient):
    factories.completed(patient, doctor)
    factories.diagnosis(factories.patient(team=(doctor,)), doctor)  # nothing is known about this one yet
    with acting_as(SYSTEM):
        assert patient_risk.assess_unassessed() == 1
        assert patient_risk.assess_unassessed() == 0
    (row,) = history(patient)
    assert (row.level, row.cause, row.evidence[0]["kind"]) == ("moderate", "rules", "image")


def test_a_result_that_cannot_be_stored_leaves_no_level(doctor, patient):
    row = factories.diagnosis(patient, doctor)
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(row.pk, 1)], worker="w")
    with pytest.raises(KeyError), acting_as(SYSTEM):
        lifecycle.record_results({claim: Analysis(results=(result(model="unheard-of"),))}, contracts={})
    assert history(patient) == []
    with acting_as(SYSTEM):
        assert Diagnosis.objects.get(pk=row.pk).status == "running"
