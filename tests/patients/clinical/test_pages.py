"""The pages of clinical values as a browser without JavaScript uses them, what they refuse, and what the trail keeps."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from patients.clinical.export import COLUMNS, guarded
from patients.models import ClinicalValue
from patients.services.clinical_values import Entry, correct_value, record_values, withdraw_value
from tests import factories

pytestmark = pytest.mark.django_db
AT = "2026-03-02T09:30"
MONDAY = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


@pytest.fixture
def patient(doctor, client):
    client.force_login(doctor)
    return factories.patient(team=(doctor,))


def to(name, patient, *args):
    return reverse(f"patients:{name}", args=[patient.pk, *args])


def post(client, patient, at=AT, **fields):
    values = {name.replace("__", "-"): value for name, value in fields.items()}
    return client.post(to("enter-values", patient), {"measured_at": at} | values)


def enter(doctor, patient, at=MONDAY, **values):
    with acting_as(doctor):
        entries = [Entry(code, text) for code, text in values.items()]
        return record_values(doctor, patient=patient, measured_at=at, entries=entries)


def stored():
    return [(row.code, row.entered_value, row.entered_unit) for row in ClinicalValue.objects.order_by("pk")]


def events(patient):
    with acting_as(SYSTEM):
        rows = AuditEvent.objects.filter(patient_id=patient.pk).order_by("pk")
        return [(row.action, row.detail) for row in rows]


def test_several_values_are_entered_at_once_and_shown(client, patient):
    fields = {
        "serum_creatinine__value": "168",
        "serum_creatinine__unit": "µmol/L",
        "smoking__value": "stopped",
    }
    answer = post(client, patient, **fields)
    assert (answer.status_code, answer.url) == (302, to("values", patient))
    assert stored() == [("serum_creatinine", "168", "µmol/L"), ("smoking", "stopped", "")]
    page = client.get(answer.url).content.decode()
    for text in (
        "2 values recorded.",
        "1.90 mg/dL",
        "168 µmol/L",
        "eGFR (CKD-EPI 2021)",
        "missing: Anaemia, ",
    ):
        assert text in page, text
    assert (
        "1.90 mg/dL, 2 Mar 2026"
        in client.get(reverse("diagnostics:history", args=[patient.pk])).content.decode()
    )


def test_a_wrong_value_keeps_all_of_them_on_the_form(client, patient):
    answer = post(client, patient, weight__value="80", serum_creatinine__value="168")
    page = answer.content.decode()
    assert (answer.status_code, stored()) == (422, [])
    assert "168 mg/dL is impossible" in page
    assert 'name="weight-value" value="80"' in page
    assert 'aria-invalid="true"' in page
    assert "serum_creatinine-confirmed" not in page


def test_an_unusual_value_is_recorded_once_it_is_confirmed(client, patient):
    unusual = {"serum_sodium__value": "171"}
    page = post(client, patient, **unusual).content.decode()
    assert ("is mostly between" in page, 'name="serum_sodium-confirmed"' in page, stored()) == (
        True,
        True,
        [],
    )
    assert post(client, patient, **unusual, serum_sodium__confirmed="on").status_code == 302
    assert stored() == [("serum_sodium", "171", "mmol/L")]


def test_a_confirmation_is_kept_while_another_value_is_put_right(client, patient):
    fields = {"serum_sodium__value": "171", "serum_sodium__confirmed": "on", "weight__value": "heavy"}
    page = post(client, patient, **fields).content.decode()
    assert 'name="serum_sodium-confirmed"' in page
    assert "checked" in page.split('name="serum_sodium-confirmed"')[1].split(">")[0]


@pytest.mark.parametrize(
    ("at", "fields", "sentence"),
    [
        (AT, {}, "Nothing was entered."),
        ("", {"weight__value": "80"}, "This field is required."),
        ("1900-01-01T00:00", {"weight__value": "80"}, "before the patient was born"),
        (
            AT,
            {"weight__value": "80", "weight__unit": "stone"},
            "Weight is not taken in stone. Choose kg or lb.",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_said(client, patient, at, fields, sentence):
    answer = post(client, patient, at, **fields)
    assert (answer.status_code, sentence in answer.content.decode(), stored()) == (422, True, [])


@pytest.mark.parametrize(
    ("code", "fields", "said"),
    [
        ("serum_creatinine", {"value": "168", "unit": "µmol/L"}, "This is 1.90 mg/dL."),
        ("serum_creatinine", {"value": "168", "unit": "mg/dL"}, "In µmol/L it would be usual."),
        ("serum_sodium", {"value": "171"}, "I have looked again: it is right"),
        ("serum_sodium", {"value": "x"}, "This is not a number."),
    ],
)
def test_a_value_is_judged_while_it_is_typed_and_nothing_is_kept(client, patient, code, fields, said):
    data = {f"{code}-{name}": value for name, value in fields.items()}
    answer = client.post(to("check-value", patient, code), data)
    assert (answer.status_code, said in answer.content.decode(), stored()) == (200, True, [])


@pytest.mark.parametrize("fields", [{}, {"serum_sodium-value": "137"}])
def test_nothing_is_said_of_what_is_right_or_empty(client, patient, fields):
    assert client.post(to("check-value", patient, "serum_sodium"), fields).content.strip() == b""


@pytest.mark.parametrize(
    ("name", "code"), [("check-value", "egfr"), ("check-value", "nonsense"), ("course", "nonsense")]
)
def test_an_unknown_quantity_is_not_found(client, patient, name, code):
    ask = client.post if name == "check-value" else client.get
    assert ask(to(name, patient, code)).status_code == 404


def test_a_correction_shows_both_values_and_the_reason(client, doctor, patient):
    (row,) = enter(doctor, patient, serum_sodium="147")
    form = client.get(to("correct-value", patient, row.pk)).content.decode()
    assert ('value="147"' in form, 'value="2026-03-02T09:30"' in form) == (True, True)
    fields = {"measured_at": AT, "serum_sodium-value": "137", "reason": "misread"}
    answer = client.post(to("correct-value", patient, row.pk), fields, follow=True)
    page = answer.content.decode()
    assert ("<s>147 mmol/L</s>" in page, "Correction: misread" in page, "137 mmol/L" in page) == (True,) * 3
    again = client.post(to("correct-value", patient, row.pk), fields)
    assert (again.status_code, "Somebody has corrected this value meanwhile." in again.content.decode()) == (
        422,
        True,
    )


def test_a_value_that_was_never_the_patients_is_taken_back(client, doctor, patient):
    (row,) = enter(doctor, patient, serum_sodium="147")
    fields = {"measured_at": AT, "reason": "another patient", "take_back": "on"}
    page = client.post(to("correct-value", patient, row.pk), fields, follow=True).content.decode()
    assert (page.count("Taken back"), "Correct<span" in page) == (2, False)
    assert "No values yet" in client.get(to("values", patient)).content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"serum_sodium-value": "147", "reason": "x"}, "Value and time are as they were."),
        ({"serum_sodium-value": "20", "reason": "x"}, "20 mmol/L is impossible"),
        ({"serum_sodium-value": "", "reason": "x"}, "This is not a number."),
        ({"serum_sodium-value": "137", "reason": " "}, "This field is required."),
    ],
)
def test_a_correction_that_cannot_be_taken_is_explained(client, doctor, patient, fields, sentence):
    (row,) = enter(doctor, patient, serum_sodium="147")
    answer = client.post(to("correct-value", patient, row.pk), {"measured_at": AT} | fields)
    assert (answer.status_code, sentence in answer.content.decode(), len(stored())) == (422, True, 1)


def test_a_value_of_another_patient_of_mine_is_not_corrected_under_this_one(client, doctor, patient):
    (row,) = enter(doctor, factories.patient(team=(doctor,)), weight="80")
    assert client.get(to("correct-value", patient, row.pk)).status_code == 404


def test_the_course_is_drawn_from_two_values_on(client, doctor, patient):
    enter(doctor, patient, ejection_fraction="35")
    assert "<polyline" not in client.get(to("course", patient, "ejection_fraction")).content.decode()
    enter(doctor, patient, MONDAY + dt.timedelta(days=90), ejection_fraction="40")
    page = client.get(to("course", patient, "ejection_fraction")).content.decode()
    summary = "Ejection fraction: 2 values from 35 % on 2 Mar 2026 to 40 % on 31 May 2026, lowest 35 %, highest 40 %."
    assert (page.count("<circle"), summary in page) == (2, True)


def test_a_computed_course_says_what_it_was_computed_from(client, doctor, patient):
    enter(doctor, patient, weight="81", height="180")
    page = client.get(to("course", patient, "bmi")).content.decode()
    assert ("25.0 kg/m²" in page, "computed from 81.0 kg and 180 cm" in page) == (True, True)


def test_the_export_has_every_value_and_its_state(client, doctor, patient):
    creatinine, sodium, weight = enter(
        doctor, patient, serum_creatinine="1,9", serum_sodium="147", weight="80"
    )
    with acting_as(doctor):
        correct_value(
            doctor,
            value_id=sodium.pk,
            text="137",
            unit="",
            measured_at=MONDAY,
            reason='=HYPERLINK("http://x")',
        )
        withdraw_value(doctor, value_id=weight.pk, reason="@wrong, patient")
    answer = client.get(to("export-values", patient))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert patient.family_name not in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS
    states = {(row["code"], row["value"], row["status"], row["reason"]) for row in rows}
    assert states == {
        ("serum_creatinine", "1.9", "current", ""),
        ("serum_sodium", "147", "corrected", ""),
        ("serum_sodium", "137", "current", '\'=HYPERLINK("http://x")'),
        ("weight", "80", "taken back", ""),
        ("weight", "", "taken back", "'@wrong, patient"),
    }
    first = next(row for row in rows if row["id"] == str(creatinine.pk))
    assert (first["entered_value"], first["measured_at"], first["loinc"]) == (
        "1,9",
        "2026-03-02T09:30:00+00:00",
        "2160-0",
    )


@given(st.text(max_size=20) | st.text("=+-@;\t '1", max_size=12))
def test_no_text_becomes_a_formula(text):
    kept = guarded(text)
    assert kept.replace("'", "") == text.replace("'", "")
    for cell in re.split("[;\t]", kept):  # as where these separate cells
        assert cell.lstrip()[:1] not in set("=+-@")
    assert kept[:1] not in set("\t\r\n")


def test_numbers_behind_a_semicolon_are_left_alone():
    assert guarded("stopped; 20 mg less") == "stopped; 20 mg less"
    assert guarded('no;=HYPERLINK("http://x")') == 'no;\'=HYPERLINK("http://x")'


def test_reads_and_the_export_are_in_the_trail(client, doctor, patient):
    enter(doctor, patient, weight="80")
    for path in (to("values", patient), to("course", patient, "weight"), to("export-values", patient)):
        client.get(path)
    assert events(patient)[1:] == [
        ("read", {"values": "latest"}),
        ("read", {"values": "weight"}),
        ("export", {"values": 1, "format": "csv"}),
    ]


@pytest.mark.parametrize("page", ["values", "course", "export-values", "enter-values"])
def test_a_page_takes_as_many_queries_with_one_value_as_with_20(client, doctor, patient, page):
    path = to(page, patient, "weight") if page == "course" else to(page, patient)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    enter(doctor, patient, weight="80")
    few = queries()
    for day in range(1, 20):
        enter(
            doctor,
            patient,
            MONDAY + dt.timedelta(days=day),
            weight="80",
            height="180",
            serum_creatinine="1.1",
        )
    assert queries() == few


def test_the_form_begins_with_this_minute(client, patient):
    page = client.get(to("enter-values", patient)).content.decode()
    now = timezone.now()
    minutes = {(now - dt.timedelta(minutes=back)).strftime("%Y-%m-%dT%H:%M") for back in (0, 1)}
    assert [minute for minute in minutes if f'value="{minute}"' in page]
