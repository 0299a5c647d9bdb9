"""A clinical record from the first value to the signed report, in a real browser with a real worker."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.urls import reverse

from accounts.roles import Role
from tests import factories
from tests.browser.walk import complaints, enter, judge
from tests.workers import live_worker, services

__all__ = ["complaints", "live_worker", "services"]
pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.django_db(transaction=True)]
NUMBERS = {
    "Creatinine phosphokinase (CPK)": "582", "Ejection fraction": "20", "Platelets": "265", "Serum creatinine": "2.7",
    "Serum sodium": "130", "Systolic blood pressure": "104", "Weight": "81", "Height": "176",
}  # fmt: skip
WORDS = {
    "Diabetes": "no", "High blood pressure": "yes", "Smoking": "never", "Heart failure": "yes", "NYHA class": "III", "COPD": "no",
    "Heart failure for over 18 months": "yes", "Takes a beta blocker": "yes", "Takes an ACE inhibitor or ARB": "yes",
    "Atrial fibrillation or flutter": "no",
}  # fmt: skip


def fill_in(page):
    for label, text in NUMBERS.items():
        page.get_by_label(label, exact=True).fill(text)
    for label, word in WORDS.items():
        page.get_by_label(label, exact=True).select_option(word)


def test_values_are_entered_assessed_and_explained(
    page, complaints, live_server, live_worker, transactional_db
):
    doctor = factories.user(Role.DOCTOR, "heart", first_name="Ada", last_name="Heart")
    born, sex = dt.date(1944, 1, 25), "male"
    patient = factories.patient(
        team=(doctor,), mrn="100482", given_name="Jan", family_name="Kowal", birth_date=born, sex=sex
    )
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("patients:enter-values", args=[patient.pk]))
    fill_in(page)
    page.get_by_role("button", name="Record values").click()
    page.get_by_text("18 values recorded.").wait_for()
    page.get_by_role("button", name="Assess the clinical record").click()

    page.get_by_role("heading", name="High risk").wait_for()
    page.get_by_text(re.compile(r"died during follow-up \(95 % interval")).first.wait_for()
    drawing = page.get_by_role("img", name=re.compile("What leads from a typical patient's risk of"))
    assert drawing.locator("rect.bar-raises").count() > 1
    page.get_by_text("The figures as a table").click()
    table = page.get_by_role("region", name="Contribution of each value")
    assert "creatinine 2.7 mg/dL" in table.inner_text()
    # Anaemia was not entered: a typical value stands in, and the page says so.
    page.get_by_text("anaemia: no (typical, not measured)").wait_for()

    scores = page.get_by_role("region", name="Established scores")
    said = {row.split("\t")[0]: row for row in scores.inner_text().splitlines() if "\t" in row}
    assert re.search(r"\d+ points; \d+\.\d % death within 1 year", said["MAGGIC"])
    assert "Not eligible. CHA2DS2-VASc is for people with atrial fibrillation" in said["CHA2DS2-VASc"]
    assert "Not eligible. SCORE2 is for people without cardiovascular disease" in said["SCORE2"]
    page.get_by_text(re.compile("no network beat the forest")).wait_for()
    judge(page, "clinical-result")

    # The same values are not assessed twice.
    page.get_by_role("link", name="Kowal, Jan").click()
    row = page.locator("#diagnoses tbody tr")
    assert re.search(r"High risk, \d\d%", row.inner_text())
    page.get_by_role("button", name="Assess the clinical record").click()
    page.get_by_text("Nothing has changed since these values were assessed").wait_for()

    assert page.get_by_label("The patient's risk").locator("option").all_inner_texts()[1:] == [
        "Low risk",
        "Moderate risk",
        "High risk",
    ]
    page.get_by_role("radio", name="Confirm High risk").check()
    page.get_by_role("button", name="Keep review").click()
    page.get_by_role("button", name="Sign and release").click()
    page.get_by_text("The patient can read version 1 of the report now.").wait_for()
    assert complaints == []
