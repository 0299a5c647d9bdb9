"""What a coded history answers by itself, and what it leaves to be asked."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actor import acting_as
from patients.clinical.catalogue import CATALOGUE
from patients.clinical.from_history import DISEASES, DRUGS, facts_of, facts_of_many
from patients.models import Condition, Medication, Note
from tests import factories

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def said(model, code, **fields):
    return {fact.code for fact in facts_of(model(name="x", code=code, recorded_at=NOW, **fields))}


@pytest.mark.parametrize(
    ("model", "code", "answers"),
    [
        (Condition, "I50.1", {"heart_failure", "known_cvd"}),
        (Condition, "i501", {"heart_failure", "known_cvd"}),
        (Condition, "I48.0", {"atrial_fibrillation"}),
        (Condition, "I25.2", {"vascular_disease", "known_cvd"}),
        (Condition, "I25.1", {"known_cvd"}),
        (Condition, "G45.9", {"stroke_or_tia", "known_cvd"}),
        (Condition, "J44", {"copd"}),
        (Condition, "E11.9", {"diabetes"}),
        (Condition, "I11.0", {"heart_failure", "high_blood_pressure"}),
        (Condition, "R00.2", set()),
        (Condition, "", set()),
        (Condition, "C07AB07", set()),
        (Medication, "C07AB07", {"beta_blocker"}),
        (Medication, "C09AA05", {"acei_or_arb"}),
        (Medication, "C09DX04", {"acei_or_arb"}),
        (Medication, "C10AA05", {"statin"}),
        (Medication, "C03CA01", set()),
        (Medication, "I50", set()),
    ],
)
def test_a_code_answers_what_it_says_without_doubt(model, code, answers):
    assert said(model, code) == answers


@pytest.mark.parametrize(
    ("since", "long"), [(dt.date(2024, 8, 1), True), (dt.date(2025, 6, 1), False), (None, False)]
)
def test_how_long_heart_failure_is_known(since, long):
    assert ("heart_failure_over_18_months" in said(Condition, "I50.0", since=since)) is long


def test_a_note_says_nothing():
    assert list(facts_of(Note(text="I50 heart failure"))) == []


def test_only_questions_of_yes_or_no_are_answered():
    assert {word for code in (*DISEASES, *DRUGS) for _, word in CATALOGUE[code].choices} == {"yes", "no"}


@pytest.mark.django_db
def test_many_histories_take_two_queries_and_a_foreign_one_none(doctor):
    own, foreign = factories.patient(team=(doctor,)), factories.patient()
    for patient in (own, foreign):
        Condition.objects.create(patient=patient, recorded_by=doctor, name="Heart failure", code="I50")
        Medication.objects.create(patient=patient, recorded_by=doctor, name="Bisoprolol", code="C07AB07")
    with acting_as(doctor), CaptureQueriesContext(connection) as queries:
        found = facts_of_many(doctor, [own, foreign])
    assert len(queries) == 2
    assert {patient: set(facts) for patient, facts in found.items()} == {
        own.pk: {"heart_failure", "known_cvd", "beta_blocker"}
    }
    assert found[own.pk]["beta_blocker"].source == "from the history: Bisoprolol (C07AB07)"
