"""Clinical values in a real browser: entered, checked while they are typed, corrected, and seen as a course."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from patients.models import ClinicalValue
from patients.services import value_imports
from patients.services.clinical_values import Entry, record_values
from tests import factories
from tests.browser.walk import complaints, enter, judge
from tests.workers import live_worker, services

__all__ = ["complaints", "live_worker", "services"]
pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.django_db(transaction=True)]
THEN = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


@pytest.fixture
def anna(transactional_db):
    doctor = factories.user(username="heart", first_name="Ada", last_name="Heart")
    patient = factories.patient(team=(doctor,), mrn="100482", given_name="Anna", family_name="Schneider")
    typed = {"serum_creatinine": "1.4", "ejection_fraction": "30", "smoking": "stopped", "weight": "70"}
    with acting_as(doctor):
        entries = [Entry(code, text) for code, text in typed.items()]
        record_values(doctor, patient=patient, measured_at=THEN, entries=entries)
    return doctor, patient


def said(page, code):
    return page.locator(f"#{code}-said")


def test_values_are_entered_corrected_and_seen_as_a_course(page, complaints, live_server, anna):
    doctor, patient = anna
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:history", args=[patient.pk]))
    page.get_by_text("1.40 mg/dL, 2 Mar 2026").wait_for()
    page.get_by_role("link", name="Enter values").click()

    # A value in the wrong unit is refused while it is typed, and taken in the right one.
    page.get_by_label("Serum creatinine", exact=True).fill("150")
    page.get_by_label("Serum creatinine", exact=True).press("Tab")
    said(page, "serum_creatinine").get_by_text("In µmol/L it would be usual.").wait_for()
    page.get_by_label("Unit of Serum creatinine").select_option("µmol/L")
    said(page, "serum_creatinine").get_by_text("This is 1.70 mg/dL.").wait_for()

    # An unusual one is taken once it is confirmed.
    page.get_by_label("Serum sodium", exact=True).fill("171")
    page.get_by_label("Serum sodium", exact=True).press("Tab")
    said(page, "serum_sodium").get_by_text("is mostly between").wait_for()
    judge(page, "values-enter")
    page.get_by_role("button", name="Record values").click()
    page.get_by_role("checkbox", name="I have looked again: it is right (Serum sodium)").check()
    page.get_by_role("button", name="Record values").click()
    page.get_by_text("2 values recorded.").wait_for()
    judge(page, "values")

    page.get_by_role("link", name="Serum sodium").click()
    page.get_by_role("link", name="Correct the value").click()
    page.get_by_label("Serum sodium", exact=True).fill("137")
    page.get_by_label("What was wrong").fill("digits exchanged")
    judge(page, "values-correct")
    page.get_by_role("button", name="Correct value").click()
    page.get_by_text("The old one stays in the list.").wait_for()
    rows = page.locator("tbody tr").all_inner_texts()
    assert ["Corrected" in row for row in rows] == [False, True]
    assert ["digits exchanged" in row for row in rows] == [True, False]

    page.get_by_role("link", name="Clinical values").click()
    page.get_by_role("link", name="Serum creatinine").click()
    drawing = page.get_by_role(
        "img", name="Serum creatinine: 2 values from 1.40 mg/dL on 2 Mar 2026 to 1.70 mg/dL"
    )
    drawing.wait_for()
    assert drawing.locator("circle").count() == 2
    judge(page, "values-course")
    page.get_by_role("link", name="Clinical values").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.path().read_text("utf-8-sig").count("\n") == 1 + 4 + 2 + 1
    assert [line for line in complaints if "422" not in line] == []


def test_a_computed_course_and_an_empty_one(page, complaints, live_server, anna):
    doctor, patient = anna
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("patients:course", args=[patient.pk, "egfr"]))
    page.get_by_text("computed from creatinine 1.40 mg/dL").wait_for()
    judge(page, "values-egfr")
    page.goto(live_server.url + reverse("patients:course", args=[patient.pk, "hba1c"]))
    page.get_by_role("heading", name="No values yet").wait_for()
    judge(page)
    page.goto(live_server.url + reverse("patients:values", args=[factories.patient(team=(doctor,)).pk]))
    page.get_by_role("heading", name="No values yet").wait_for()
    judge(page)
    assert complaints == []


TABLE = """mrn;date;creatinine (µmol/L);platelets;smoking
100482;2026-05-01;150;231;never
100482;2026-05-02;1,5;240;never
900000;2026-05-02;150;240;never
100482;2026-05-03;160;1200;never
"""


def test_a_table_is_checked_and_recorded_while_the_page_shows_how_far_it_is(
    page, complaints, live_server, live_worker, anna, monkeypatch
):
    monkeypatch.setattr(value_imports, "ROWS_PER_STEP", 1)
    enter(page, live_server, anna[0])
    page.goto(live_server.url + reverse("patients:list"))
    page.get_by_role("link", name="Import values").click()
    judge(page, "imports")
    page.get_by_label("Table as CSV or Excel workbook (.xlsx)").set_input_files(
        {"name": "ward.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    page.get_by_role("button", name="Upload table").click()
    page.get_by_text("no column gives: Anaemia").wait_for()
    page.get_by_label("date", exact=True).select_option("leave out")
    page.get_by_role("button", name="Check rows").click()
    page.get_by_text("No column says when the values were measured.").wait_for()
    page.get_by_label("date", exact=True).select_option("measured at")
    judge(page, "import-columns")
    page.get_by_role("button", name="Check rows").click()
    page.get_by_text("No patient of yours has this MRN.").wait_for()
    page.get_by_text("creatinine (µmol/L): 1.5 µmol/L is impossible").wait_for()
    judge(page, "import-checked")
    page.get_by_role("checkbox", name="Record the 1 row with unusual values too").check()
    page.get_by_role("button", name="Record the checked rows").click()
    page.get_by_text("All 1 assessment answered").wait_for()
    page.get_by_text(re.compile("^Recorded · 4 rows")).wait_for()
    judge(page, "import-recorded")
    with acting_as(SYSTEM):
        assert ClinicalValue.objects.filter(source="import").count() == 6
    with page.expect_download() as download:
        page.get_by_role("link", name="Download result").click()
    assert download.value.path().read_text("utf-8-sig").count("recorded") == 2
    assert [line for line in complaints if "422" not in line] == []
