"""Dashboards: counted by the database, of the doctor's own patients, with as many statements for many as for one."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from diagnostics.dashboards import figures, forms, selectors
from diagnostics.dashboards.selectors import Choice
from diagnostics.models import Diagnosis, PatientRisk
from diagnostics.services.patient_risk import update_patient_risk
from diagnostics.states import Status
from ml.clinical.scores import score2
from patients.clinical.catalogue import CATALOGUE
from patients.services.clinical_values import Entry, record_values, withdraw_value
from tests import factories

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def answered(
    doctor, *, label="PVC", confidence=0.9, at=NOW, patient=None, model="beat-cnn", outcome="predicted", explanation=None, **fields
):  # fmt: skip
    """A completed diagnosis of a patient of the doctor's."""
    patient = patient or factories.patient(team=(doctor,))
    values = {"status": Status.COMPLETED, "risk_level": "moderate", "finished_at": at}
    row = factories.diagnosis(patient, doctor, **values | fields)
    with acting_as(SYSTEM):
        Diagnosis.objects.filter(pk=row.pk).update(created_at=at)
    more = {"outcome": outcome, "explanation": explanation or {}, "heatmap": False}
    factories.prediction(row, label=label, confidence=confidence, model=model, **more)
    return row


def shown(doctor, **choice):
    with acting_as(doctor):
        return [(row.label, row.probability) for row in selectors.people(doctor, Choice(**choice))]


def test_each_person_is_a_bar_of_the_newest_answer_sorted_by_probability(doctor, other_doctor):
    sick = answered(doctor, label="VF", confidence=0.6, at=NOW - dt.timedelta(days=1))
    answered(doctor, label="Normal", confidence=0.7, patient=sick.patient)
    answered(doctor, label="PVC", confidence=0.8)
    answered(doctor, label="", confidence=None)
    factories.diagnosis(factories.patient(team=(doctor,)), doctor, status=Status.FAILED)
    assert shown(doctor) == [("PVC", 0.8), ("Normal", 0.7)]
    assert shown(other_doctor) == [("PVC", 0.9)]


def test_the_answer_that_decides_is_the_one_that_is_drawn(doctor):
    row = answered(doctor, label="PVC", confidence=0.6)
    for model, label in (("beat-efficientnet", "VF"), ("ecg-signals", "MI")):
        factories.prediction(row, label=label, confidence=0.99, model=model, heatmap=False)
    factories.prediction(row, label="VF", confidence=1.0, heatmap=False, attempt=2)  # of no present attempt
    recording = answered(doctor, model="beat-resnet", label="PAC", confidence=0.7)
    factories.prediction(recording, label="MI", confidence=0.9, model="ecg-signals", heatmap=False)
    assert shown(doctor) == [("PAC", 0.7), ("PVC", 0.6)]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"label": "PVC"}, [("PVC", 0.8), ("PVC", 0.7)]),
        ({"level": "high"}, [("VF", 0.9)]),
        ({"level": "low", "label": "PVC"}, [("PVC", 0.7)]),
        ({"level": "high", "label": "PVC"}, []),
    ],
)
def test_people_are_narrowed_to_a_class(doctor, choice, expected):
    answered(doctor, label="VF", confidence=0.9, risk_level="high")
    answered(doctor, label="PVC", confidence=0.8)
    answered(doctor, label="PVC", confidence=0.7, risk_level="low")
    assert shown(doctor, **choice) == expected


def test_the_cohort_is_counted_by_level_month_and_review(doctor, other_doctor):
    for days, level, status in (
        (2, "high", "completed"), (0, "high", "completed"), (6, "moderate", "completed"), (8, "moderate", "completed"),
        (40, "low", "completed"), (40, "low", "signed"), (90, "", "completed"),
    ):  # fmt: skip
        at = NOW - dt.timedelta(days=days)
        answered(doctor, at=at, risk_level=level, status=status, label="VF" if level == "high" else "PVC")
    answered(doctor, at=NOW - dt.timedelta(days=900))
    with acting_as(doctor):
        assert selectors.labels_by_month(doctor, now=NOW) == [
            (dt.date(2026, 3, 1), "PVC", 1),
            (dt.date(2026, 5, 1), "PVC", 2),
            (dt.date(2026, 6, 1), "PVC", 2),
            (dt.date(2026, 6, 1), "VF", 2),
        ]
        assert selectors.reviews(doctor, now=NOW) == {"high": (1, 1), "moderate": (1, 2), "low": (0, 1)}
        late = [row.risk_level for row in selectors.overdue(doctor, now=NOW)]
        assert late == ["high", "moderate", "moderate", "low"]
        assert selectors.labels(doctor) == {"PVC": 6, "VF": 2}


def test_patients_are_counted_by_the_level_in_force(doctor, other_doctor):
    rows = [answered(doctor) for _ in range(3)]
    foreign = answered(other_doctor)
    with acting_as(SYSTEM):
        for _ in range(2):  # the first assessment is replaced by the second
            update_patient_risk([row.patient_id for row in (*rows, foreign)], cause=PatientRisk.Cause.RESULT)
    with acting_as(doctor):
        counts = selectors.tiers(doctor)
    assert (list(counts), sum(counts.values())) == (["high", "moderate", "low", "unknown"], 3)


@pytest.mark.parametrize("name", ["hybrid", "score2", "maggic", "none"])
def test_of_clinical_values_the_level_and_the_risk_of_death_or_of_an_event_are_drawn(doctor, name):
    figure = {"level": "High", "risk": 0.62}
    found = figure if name == "hybrid" else {}
    row = answered(
        doctor, model="clinical-hybrid", label="", confidence=None, outcome="abstained", explanation=found, risk_level="high"
    )  # fmt: skip
    events = {"score2": (score2.EVENT, 0.12), "maggic": ("death within 1 year", 0.09), "none": None}
    if event := events.get(name, ("death within 1 year", 0.09)):
        factories.prediction(
            row,
            model="maggic" if name == "hybrid" else name,
            label="",
            confidence=None,
            heatmap=False,
            probabilities=dict([event]),
            explanation={"points": None, "risks": {event[0]: 100 * event[1]}},
        )
    factories.prediction(
        row, model="clinical-rf", label="death", confidence=0.9, heatmap=False, explanation=figure
    )
    expected = {"hybrid": [("High risk", 0.62)], "score2": [("High risk", 0.12)], "maggic": [], "none": []}
    assert shown(doctor) == expected[name]


@pytest.fixture
def measured(doctor):
    """A patient with values, one of them taken back."""
    patient = factories.patient(team=(doctor,), mrn="T-1")
    with acting_as(doctor):
        for day in (1, 2, 3):
            entries = [Entry("serum_sodium", str(135 + day)), Entry("smoking", "never")]
            entries += [Entry("weight", str(70 + day))] if day < 3 else []
            at = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
            rows = record_values(doctor, patient=patient, measured_at=at, entries=entries)
        withdraw_value(doctor, value_id=rows[0].pk, reason="wrong patient")
    return patient


def test_trends_are_the_newest_current_values_in_the_order_of_time(doctor, measured):
    both = [CATALOGUE[code] for code in ("serum_sodium", "weight")]
    with acting_as(doctor):
        assert selectors.measured(doctor, measured) == {"serum_sodium": 2, "weight": 2}
        rows = selectors.trend_values(doctor, measured, both, most=3)
        assert [(row.code, float(row.value)) for row in rows] == [
            ("weight", 71.0), ("serum_sodium", 137.0), ("weight", 72.0),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [(["weight"], ["weight"]), (["nonsense"], ["serum_sodium", "weight"]), ([], ["serum_sodium", "weight"])],
)
def test_without_a_choice_what_was_measured_most_is_drawn(asked, drawn):
    from django.http import QueryDict

    data = QueryDict("&".join(f"quantity={code}" for code in asked))
    form = forms.TrendsForm(data, counts={"serum_sodium": 2, "weight": 2})
    assert [of.code for of in form.quantities()] == drawn


def test_figures_hold_what_is_drawn_and_can_be_sent_as_json(doctor, measured):
    row = answered(doctor, confidence=0.875)
    with acting_as(doctor):
        people = figures.people(list(selectors.people(doctor, Choice())))
        rows = selectors.trend_values(doctor, measured, [CATALOGUE["weight"]], most=9)
        trends = figures.trends([CATALOGUE["weight"]], rows)
    (bar,) = people["data"]
    assert (bar["x"], bar["text"], bar["customdata"]) == (
        [0.875], ["PVC 88 %"], [reverse("diagnostics:detail", args=[row.pk])],
    )  # fmt: skip
    assert trends["data"][0]["y"] == [71.0, 72.0]
    assert json.loads(json.dumps(people)) == people


@pytest.mark.parametrize("most", [0, 1, 4, 5, 23])
def test_counts_are_marked_at_whole_numbers(most):
    axis = figures.tiers({"high": most})["layout"]["yaxis"]
    assert axis["dtick"] == max(1, -(-most // 5))


def to(name, *args):
    return reverse(f"diagnostics:{name}", args=args)


def lines(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_page_says_how_many_of_them_it_draws(client, doctor, monkeypatch):
    monkeypatch.setattr(selectors, "MOST_PEOPLE", 2)
    for confidence in (0.5, 0.6, 0.7):
        answered(doctor, confidence=confidence)
    client.force_login(doctor)
    page = client.get(to("dashboards")).content.decode()
    assert "3 people; the first 2 are drawn" in page
    figure = json.loads(re.search(r'id="figure-people" type="application/json">(.*?)</script>', page)[1])
    assert figure["data"][0]["x"] == [0.7, 0.6]
    assert len(lines(client.get(to("dashboard-people-csv")))) == 3


def test_files_are_noted_and_hold_nothing_that_a_spreadsheet_would_run(client, doctor, other_doctor):
    answered(doctor, patient=factories.patient(team=(doctor,), family_name="=cmd|'/c calc'!A1", mrn="+49"))
    client.force_login(doctor)
    (row,) = lines(client.get(to("dashboard-people-csv"), {"label": "PVC"}))
    assert (row["patient"][:6], row["mrn"], row["probability"]) == ("'=cmd|", "'+49", "0.9")
    cohort = lines(client.get(to("dashboard-cohort-csv")))
    assert [(line["finding"], line["results"]) for line in cohort] == [("PVC", "1")]
    with acting_as(SYSTEM):
        noted = AuditEvent.objects.filter(action="export").order_by("pk").values_list("detail", flat=True)
        assert list(noted) == [
            {"dashboard": name, "rows": 1, "format": "csv"} for name in ("people", "cohort")
        ]


def test_names_cannot_end_the_data_of_a_figure(client, doctor):
    answered(doctor, patient=factories.patient(team=(doctor,), family_name="</script><b>", given_name="x"))
    client.force_login(doctor)
    assert "</script><b>" not in client.get(to("dashboards")).content.decode()


def test_trends_of_a_patient_as_a_file(client, doctor, measured):
    client.force_login(doctor)
    page = client.get(to("dashboard-trends", measured.pk), {"quantity": "weight"})
    assert "2 values of Weight" in page.content.decode()
    rows = lines(client.get(to("dashboard-trends-csv", measured.pk), {"quantity": "weight"}))
    assert [(row["code"], row["value"], row["unit"]) for row in rows] == [
        ("weight", "71", "kg"),
        ("weight", "72", "kg"),
    ]
    with acting_as(SYSTEM):
        assert AuditEvent.objects.get(action="export").patient_id == measured.pk


@pytest.mark.parametrize("role", [Role.PATIENT, Role.ADMIN, Role.AUDITOR, Role.INTEGRATION])
def test_other_roles_have_no_dashboards(role):
    actor = factories.user(role)
    for read in (
        selectors.tiers,
        selectors.labels,
        selectors.reviews,
        selectors.overdue,
        selectors.labels_by_month,
    ):
        with acting_as(actor), pytest.raises(PermissionDenied):
            read(actor)


@pytest.mark.parametrize(
    "name",
    ["dashboards", "dashboard-people-csv", "dashboard-cohort", "dashboard-cohort-csv", "dashboard-trends"],
)
def test_as_many_queries_for_20_rows_as_for_one(client, doctor, name):
    patient = factories.patient(team=(doctor,))
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def add(count):
        for _ in range(count):
            answered(doctor, at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
        with acting_as(doctor):
            for number in range(count):
                at = day + dt.timedelta(days=number, hours=count)
                record_values(doctor, patient=patient, measured_at=at, entries=[Entry("weight", "70")])

    def queries():
        args = [patient.pk] if name == "dashboard-trends" else []
        with CaptureQueriesContext(connection) as captured:
            assert client.get(to(name, *args)).status_code == 200
        return len(captured)

    client.force_login(doctor)
    add(1)
    queries()
    few = queries()
    add(19)
    assert queries() == few
