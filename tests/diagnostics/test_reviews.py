"""Review, signature, amendment: who may, what is refused with which sentence, and when the patient sees it."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts.actor import acting_as
from accounts.roles import SYSTEM, Role
from diagnostics import selectors
from diagnostics.forms import ReviewForm
from diagnostics.models import Diagnosis, Report, Review
from diagnostics.patient_risk import Kind
from diagnostics.plain_words import PLAIN_WORDS
from diagnostics.risk import CHEST_RISK
from diagnostics.services import lifecycle, reviews
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db):
    return factories.user(Role.PATIENT)


@pytest.fixture
def diagnosis(doctor, person):
    return factories.completed(factories.patient(team=(doctor,), user=person), doctor)


def review(actor, diagnosis, **fields):
    with acting_as(actor):
        return reviews.review(actor, diagnosis_id=diagnosis.pk, **fields)


def sign(actor, diagnosis):
    with acting_as(actor):
        return reviews.sign(actor, diagnosis_id=diagnosis.pk)


def read(actor):
    with acting_as(actor):
        return [(report.version, report.title) for report in selectors.reports(actor)]


def test_confirming_takes_the_models_label_and_level(doctor, diagnosis):
    row = review(
        doctor, diagnosis, decision="confirm", label="VF", override_reason="artefact", comment=" agreed "
    )
    assert (row.label, row.risk_level, row.override_reason, row.comment) == ("PVC", "moderate", "", "agreed")


def test_overriding_takes_the_doctors_label_and_its_level(doctor, diagnosis):
    row = review(doctor, diagnosis, decision="override", label="VF", override_reason="wrong_label")
    assert (row.label, row.risk_level, row.override_reason) == ("VF", "high", "wrong_label")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"decision": ""}, "Choose whether you confirm or override the result."),
        ({"decision": "maybe"}, "Choose whether you confirm or override the result."),
        ({"decision": "override"}, "Choose what the trace shows."),
        (
            {"decision": "override", "label": "Nonsense", "override_reason": "artefact"},
            "Choose what the trace shows.",
        ),
        ({"decision": "override", "label": "PVC"}, "Choose why you disagree with the model."),
        (
            {"decision": "override", "label": "PVC", "override_reason": "mood"},
            "Choose why you disagree with the model.",
        ),
        (
            {"decision": "override", "label": "PVC", "override_reason": "other", "comment": "  "},
            "Write in the comment why you disagree.",
        ),
    ],
)
def test_a_review_that_contradicts_itself_is_refused_with_a_sentence(doctor, diagnosis, fields, sentence):
    with pytest.raises(reviews.ReviewRefused) as refusal:
        review(doctor, diagnosis, **fields)
    with acting_as(SYSTEM):
        assert (str(refusal.value), Review.objects.count(), Diagnosis.objects.get().status) == (
            sentence,
            0,
            "completed",
        )


def test_an_abstention_cannot_be_confirmed_but_overridden(doctor, person):
    diagnosis = factories.diagnosis(factories.patient(team=(doctor,)), doctor, status="completed")
    factories.prediction(diagnosis, label="", outcome="abstained", confidence=None, heatmap=False)
    with pytest.raises(reviews.ReviewRefused, match="No model gave a label"):
        review(doctor, diagnosis, decision="confirm")
    assert (
        review(doctor, diagnosis, decision="override", label="PAC", override_reason="not_answered").label
        == "PAC"
    )


def test_of_a_chest_x_ray_the_size_of_the_heart_is_judged(doctor, person):
    patient = factories.patient(team=(doctor,), user=person)
    diagnosis = factories.completed(patient, doctor, label="Borderline heart size", evidence_kind=Kind.DICOM)
    with pytest.raises(reviews.ReviewRefused, match="Choose what the X-ray shows"):
        review(doctor, diagnosis, decision="override", label="VF", override_reason="wrong_label")
    form = ReviewForm(answer=diagnosis.answer, labels=reviews.labels_of(diagnosis))
    assert form["label"].label == "What the X-ray shows"
    assert [label for label, _ in form["label"].field.choices[1:]] == list(CHEST_RISK)
    assert "trace" not in str(form["override_reason"])
    review(doctor, diagnosis, decision="override", label="Cardiomegaly", override_reason="wrong_label")
    sign(doctor, diagnosis)
    assert read(person) == [(1, "Your chest X-ray shows an enlarged heart")]


def test_the_patient_reads_nothing_until_it_is_signed(doctor, person, diagnosis):
    assert read(person) == []
    review(doctor, diagnosis, decision="confirm")
    assert read(person) == []
    sign(doctor, diagnosis)
    assert read(person) == [(1, f"Your ECG shows {PLAIN_WORDS['PVC'][0]}")]


def test_an_amendment_replaces_the_report_and_keeps_the_earlier_one(doctor, person, diagnosis):
    review(doctor, diagnosis, decision="confirm")
    sign(doctor, diagnosis)
    review(doctor, diagnosis, decision="override", label="Normal", override_reason="artefact")
    assert read(person) == [(1, f"Your ECG shows {PLAIN_WORDS['PVC'][0]}")]
    assert sign(doctor, diagnosis).body.startswith("This report replaces an earlier one")
    assert read(person) == [(2, f"Your ECG shows {PLAIN_WORDS['Normal'][0]}")]
    with acting_as(SYSTEM):
        assert (Report.objects.count(), Diagnosis.objects.get().status) == (2, "amended")


def test_one_signs_only_the_own_review_and_only_once(doctor, diagnosis):
    colleague = factories.user()
    with acting_as(SYSTEM):
        diagnosis.patient.care_team.create(user=colleague)
    review(doctor, diagnosis, decision="confirm")
    with pytest.raises(reviews.ReviewRefused, match="only sign your own review"):
        sign(colleague, diagnosis)
    sign(doctor, diagnosis)
    with pytest.raises(reviews.ReviewRefused, match="signed already"):
        sign(doctor, diagnosis)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DOCTOR])
@pytest.mark.parametrize("act", ["review", "sign", "retry"])
def test_no_other_role_decides(diagnosis, role, act):
    actor = factories.user(role)
    with acting_as(SYSTEM):
        diagnosis.patient.care_team.create(user=actor)
    with pytest.raises(PermissionDenied), acting_as(actor):
        {
            "review": lambda: reviews.review(actor, diagnosis_id=diagnosis.pk, decision="confirm"),
            "sign": lambda: reviews.sign(actor, diagnosis_id=diagnosis.pk),
            "retry": lambda: lifecycle.retry(actor, diagnosis_id=diagnosis.pk),
        }[act]()


def test_another_doctors_diagnosis_does_not_exist_for_any_decision(diagnosis, other_doctor):
    for act in (review, lambda who, what, **_: sign(who, what)):
        with pytest.raises(Diagnosis.DoesNotExist):
            act(other_doctor, diagnosis, decision="confirm")


def test_the_system_signs_nothing(doctor, diagnosis):
    with pytest.raises(PermissionDenied):
        review(SYSTEM, diagnosis, decision="confirm")
    review(doctor, diagnosis, decision="confirm")
    with pytest.raises((PermissionDenied, reviews.ReviewRefused)):
        sign(SYSTEM, diagnosis)
    with acting_as(SYSTEM):
        assert Report.objects.count() == 0
