"""Many rows in one statement are stored as one by one."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from django.db import Error
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.actor import acting_as
from accounts.bulk import insert_many, update_many
from accounts.roles import SYSTEM
from diagnostics.models import Diagnosis, ModelVersion, Prediction
from tests import factories

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
JSON = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT | st.lists(TEXT))
FIELDS = st.fixed_dictionaries(
    {
        "label": TEXT,
        "confidence": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "probabilities": JSON,
        "prediction_set": st.lists(TEXT, max_size=3),
        "message": TEXT,
        "threshold": st.floats(0, 1),
    }
)


def predictions(answers):
    """One for each answer, of another model each."""
    doctor = factories.user()
    diagnosis = factories.diagnosis(factories.patient(team=(doctor,)), doctor)
    made = []
    for place, answer in enumerate(answers):
        version = ModelVersion.objects.create(
            name=f"m{place}", version="1", weights_sha256="a" * 64, contract={}
        )
        made.append(
            Prediction(diagnosis=diagnosis, attempt=1, model_version=version, duration_ms=1.0, **answer)
        )
    return made


class TestAnyRow(TestCase):
    @settings(max_examples=20)
    @given(st.lists(FIELDS, max_size=3))
    def test_every_field_comes_back_as_it_was(self, answers):
        with acting_as(SYSTEM):
            rows = predictions(answers)
            insert_many(rows)
            stored = Prediction.objects.in_bulk([row.pk for row in rows])
        for row, answer in zip(rows, answers, strict=True):
            assert {name: getattr(stored[row.pk], name) for name in answer} == answer
            assert (stored[row.pk].created_at is not None, stored[row.pk].explanation) == (True, {})


@pytest.mark.django_db
def test_only_the_named_fields_of_rows_that_are_there_are_stored():
    doctor = factories.user()
    patient = factories.patient(team=(doctor,))
    first, second = (factories.diagnosis(patient, doctor) for _ in range(2))
    at = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
    first.message, first.red_flags, first.finished_at, first.worker = "Done.", ["a", "b"], at, "unsaid"
    missing = Diagnosis(upload=second.upload, patient=patient, message="None.")
    with acting_as(SYSTEM):
        update_many([first, missing], ("message", "red_flags", "finished_at"))
        rows = Diagnosis.objects.in_bulk()
    kept = rows[first.pk]
    assert (kept.message, kept.red_flags, kept.finished_at, kept.worker) == ("Done.", ["a", "b"], at, "")
    assert (rows.keys(), rows[second.pk].message) == ({first.pk, second.pk}, second.message)


@pytest.mark.django_db
def test_what_is_no_json_is_refused():
    with acting_as(SYSTEM):
        rows = predictions([{"threshold": math.nan}])
    with pytest.raises(Error, match="json"), acting_as(SYSTEM):
        insert_many(rows)


@pytest.mark.django_db
def test_policies_hold_for_many_rows_too(other_doctor):
    with acting_as(SYSTEM):
        rows = predictions([{"threshold": 0.5}])
    with pytest.raises(Error, match="row-level security"), acting_as(other_doctor):
        insert_many(rows)


@pytest.mark.django_db
def test_nothing_costs_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_many([])
        update_many([], ("message",))
