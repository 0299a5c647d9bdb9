"""The story of the clinical records in a real browser with a real worker: a record is entered and assessed, a table is uploaded, the
ward is narrowed to those at high risk, one of them is opened and understood, and the patient reads what was signed.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM, Role
from diagnostics.services.conditions import load_shipped
from ml.datasets.simulated import beat_png
from tests import factories
from tests.browser.walk import complaints, enter, judge, sign_in, sign_out
from tests.workers import services

if TYPE_CHECKING:
    from accounts.models import User
    from tests.workers import Services

__all__ = ["complaints", "services"]
pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.django_db(transaction=True)]
NUMBERS = {
    "Creatinine phosphokinase (CPK)": "582", "Ejection fraction": "30", "Platelets": "265",
    "Serum sodium": "130", "Systolic blood pressure": "104", "Weight": "81", "Height": "176",
}  # fmt: skip
WORDS = {
    "Diabetes": "no", "High blood pressure": "yes", "Smoking": "never", "Heart failure": "yes", "NYHA class": "III", "COPD": "no",
    "Heart failure for over 18 months": "yes", "Takes a beta blocker": "yes", "Takes an ACE inhibitor or ARB": "yes",
    "Atrial fibrillation or flutter": "no",
}  # fmt: skip
# Kowal comes again, sicker; Adler is said to have no heart failure; of Berg nobody said it; of Clausen the ejection fraction is a slip.
TABLE = """mrn,measured_at,pump function,serum_creatinine (mg/dL),serum_sodium,heart_failure,known_cvd,diabetes,smoking,systolic_pressure,\
total_cholesterol (mmol/L),hdl_cholesterol (mmol/L)
100482,2026-03-09,17,2.9,128,yes,,,,,,
200001,2026-03-09,62,0.9,140,no,no,no,smokes,165,7.1,0.9
200002,2026-03-09,60,1.0,139,,,no,never,,,
200003,2026-03-09,600,1.0,139,yes,,no,,,,
999999,2026-03-09,60,1.0,139,yes,,no,,,,
"""


@pytest.fixture
def ward(transactional_db: None) -> tuple[User, User]:
    """A doctor with four patients, of whom one has an account; the condition library is there."""
    doctor = factories.user(Role.DOCTOR, "heart", first_name="Ada", last_name="Heart")
    account = factories.user(Role.PATIENT, "jan", first_name="Jan", last_name="Kowal")
    for mrn, family, born, user in (
        ("100482", "Kowal", 1944, account),
        ("200001", "Adler", 1962, None),
        ("200002", "Berg", 1966, None),
        ("200003", "Clausen", 1950, None),
    ):
        born_on = dt.date(born, 1, 25)
        factories.patient(
            team=(doctor,), mrn=mrn, family_name=family, given_name="Jan", birth_date=born_on, sex="male", user=user
        )  # fmt: skip
    with acting_as(SYSTEM):
        load_shipped()
    return doctor, account


def glance(page: Any, name: str) -> None:
    """Judge a page that another test judges in the dark as well."""
    judge(page, name, schemes=("light",))


def card(page: Any, name: str) -> Any:
    return page.get_by_role("region", name=name)


def enter_a_record(page: Any) -> None:
    """The form: a unit that was mixed up is noticed while it is typed."""
    page.get_by_role("link", name="Patients").click()
    page.get_by_role("link", name="Kowal, Jan").click()
    page.get_by_role("link", name="Enter values").click()
    page.get_by_label("Measured at").fill("2026-03-02T09:30")
    for label, text in NUMBERS.items():
        page.get_by_label(label, exact=True).fill(text)
    for label, word in WORDS.items():
        page.get_by_label(label, exact=True).select_option(word)
    page.get_by_label("Serum creatinine", exact=True).fill("168")
    page.get_by_label("Serum creatinine", exact=True).press("Tab")
    said = page.locator("#serum_creatinine-said")
    said.get_by_text("In µmol/L it would be usual.").wait_for()
    glance(page, "clinical-enter")
    page.get_by_label("Unit of Serum creatinine").select_option("µmol/L")
    said.get_by_text("This is 1.90 mg/dL.").wait_for()
    page.get_by_role("button", name="Record values").click()
    page.get_by_text("18 values recorded.").wait_for()
    glance(page, "clinical-values")


def read_the_first_result(page: Any) -> None:
    """Level, observed rate, contributions, what was imputed, scores, and how network and forest compare."""
    page.get_by_role("button", name="Assess the clinical record").click()
    page.get_by_role("heading", name=re.compile("risk$")).first.wait_for()
    page.get_by_text(re.compile(r"died during follow-up \(95 % interval")).first.wait_for()
    drawing = page.get_by_role("img", name=re.compile("What leads from a typical patient's risk of"))
    assert drawing.locator("rect.bar-raises").count() > 1
    page.get_by_text("The figures as a table").click()
    assert "creatinine 1.9 mg/dL" in card(page, "Contribution of each value").inner_text()
    # Anaemia was not entered: a typical value stands in, and the page says so.
    page.get_by_text("anaemia: no (typical, not measured)").wait_for()
    assert page.get_by_text("Heart failure is only assumed").count() == 0
    said = scores(page)
    assert re.search(r"\d+ points; \d+\.\d % death within 1 year", said["MAGGIC"])
    assert "Not eligible. CHA2DS2-VASc is for people with atrial fibrillation" in said["CHA2DS2-VASc"]
    assert "Not eligible. SCORE2 is for people without cardiovascular disease" in said["SCORE2"]
    page.get_by_text(re.compile("no network beat the forest")).wait_for()
    judge(page, "clinical-result")
    # The same values are not assessed twice.
    page.get_by_role("link", name="Kowal, Jan").click()
    page.get_by_role("button", name="Assess the clinical record").click()
    page.get_by_text("Nothing has changed since these values were assessed").wait_for()


def scores(page: Any) -> dict[str, str]:
    """The rows of the scores by name."""
    rows = page.get_by_role("region", name="Established scores").inner_text().splitlines()
    return {row.split("\t")[0]: row for row in rows if "\t" in row}


def upload_a_table(page: Any) -> None:
    """Mapping a column, the dry run with its verdicts, and recording."""
    page.get_by_role("link", name="Patients").click()
    page.get_by_role("link", name="Import values").click()
    glance(page, "clinical-imports")
    page.get_by_label("Table as CSV or Excel workbook (.xlsx)").set_input_files(
        {"name": "ward.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    page.get_by_role("button", name="Upload table").click()
    page.get_by_text(re.compile("no column gives:.*Ejection fraction")).wait_for()
    page.get_by_label("pump function").select_option("Ejection fraction, %")
    glance(page, "clinical-columns")
    page.get_by_role("button", name="Check rows").click()
    page.get_by_text("No patient of yours has this MRN.").wait_for()
    page.get_by_text(re.compile("pump function: 600 % is impossible")).wait_for()
    glance(page, "clinical-verdicts")
    page.get_by_role("button", name="Record the checked rows").click()
    page.get_by_text("All 3 assessments answered: 2 high, 0 moderate, 1 low risk.").wait_for()
    page.get_by_text(re.compile("^Recorded · 5 rows")).wait_for()
    glance(page, "clinical-recorded")


def narrow_the_ward(page: Any) -> None:
    """The dashboard by tier and by finding."""
    page.get_by_role("link", name="dashboards", exact=True).click()
    page.locator("[data-drawn]").wait_for()
    people = page.get_by_role("table", name="People by probability").locator("tbody th")
    assert sorted(people.all_inner_texts()) == ["Adler, Jan", "Berg, Jan", "Kowal, Jan"]
    page.get_by_label("Risk level").select_option("High")
    page.get_by_label("Finding").select_option("High risk")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("2 people.").wait_for()
    page.locator("[data-drawn]").wait_for()
    assert people.all_inner_texts() == ["Kowal, Jan", "Adler, Jan"]
    glance(page, "clinical-people")
    page.get_by_role("link", name="Kowal, Jan").click()


def understand_the_patient(page: Any) -> None:
    """Reasons, what is missing, what changed; then a red flag from a picture goes to the top of the worklist."""
    level = card(page, "Risk level of the patient")
    level.get_by_text("The estimated probability of death during follow-up").first.wait_for()
    level.get_by_text(
        re.compile(r"Creatinine 2\.9 mg/dL raises the risk by \d+ percentage points\.")
    ).first.wait_for()
    for missing in ("No recording and no twelve-lead page", "No chest X-ray"):
        level.get_by_text(missing).wait_for()
    level.get_by_text("What changed").click()
    level.get_by_text(
        re.compile(r"Probability of death during follow-up: \d+ % before, \d+ % now\.")
    ).wait_for()
    judge(page, "clinical-patient")
    picture = {"name": "monitor.png", "mimeType": "image/png", "buffer": beat_png("VF", seed=3)}
    page.locator("input[type=file]").set_input_files(picture)
    page.get_by_role("button", name="Upload and analyse").click()
    level.get_by_text("Red flag: ventricular fibrillation or tachycardia", exact=True).wait_for()
    page.get_by_role("link", name="Worklist").click()
    first = page.locator("tbody tr").first
    assert "Kowal, Jan" in first.inner_text()
    first.get_by_text("Red flag", exact=True).wait_for()
    glance(page, "clinical-worklist")


def read_the_others(page: Any) -> None:
    """Where heart failure was denied the scores decide; where nobody said, the page warns."""
    page.locator("tr", has_text="Adler").get_by_role("link", name="Clinical record").click()
    page.get_by_role("heading", name="No answer of the model").wait_for()
    page.get_by_text("The level rests on the scores that apply").wait_for()
    assert re.search(
        r"\d+\.\d % cardiovascular event within 10 years; Very high risk by ESC 2021", scores(page)["SCORE2"]
    )
    card(page, "Risk level").get_by_text("High risk", exact=True).wait_for()
    glance(page, "clinical-not-eligible")
    page.get_by_role("link", name="Worklist").click()
    page.locator("tr", has_text="Berg").get_by_role("link", name="Clinical record").click()
    page.get_by_text("Heart failure is only assumed").wait_for()
    card(page, "Risk level").get_by_text("Heart failure is not recorded").wait_for()
    glance(page, "clinical-assumed")


def read_suggestions_and_sign(page: Any) -> None:
    """Causes and usual treatment with their sources, then the signature."""
    page.get_by_role("link", name="Worklist").click()
    page.locator("tr", has_text="Kowal").get_by_role("link", name="Clinical record").first.click()
    about = card(page, "Causes and usual treatment")
    about.get_by_role("link", name=re.compile("^More about")).first.click()
    page.get_by_text(
        "2021 ESC Guidelines for the diagnosis and treatment of acute and chronic heart failure"
    ).first.wait_for()
    glance(page, "clinical-condition")
    page.go_back()
    chosen = page.get_by_label("The patient's risk").locator("option").all_inner_texts()[1:]
    assert chosen == ["Low risk", "Moderate risk", "High risk"]
    page.get_by_role("radio", name=re.compile("^Confirm (Moderate|High) risk")).check()
    page.get_by_role("button", name="Keep review").click()
    page.get_by_role("button", name="Sign and release").click()
    page.get_by_text("The patient can read version 1 of the report now.").wait_for()


def read_as_the_patient(page: Any, server: Any, account: User) -> None:
    """The signed report and the own values."""
    sign_out(page)
    sign_in(page, server, account)
    page.get_by_role("link", name=re.compile("^Your heart check shows a")).wait_for()
    page.get_by_role("link", name="My values").click()
    page.get_by_text("2.90 mg/dL on 9 Mar 2026, higher than 1.90 mg/dL on 2 Mar 2026.").wait_for()
    page.get_by_role("img", name="Serum creatinine: 2 values from 1.90 mg/dL").wait_for()
    judge(page, "clinical-own-values")


def test_the_story_of_the_clinical_records(
    page: Any, complaints: list[str], live_server: Any, services: Services, ward: tuple[User, User]
) -> None:
    doctor, account = ward
    services.worker(SCORE2_REGION="high")
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:worklist"))
    enter_a_record(page)
    read_the_first_result(page)
    upload_a_table(page)
    narrow_the_ward(page)
    understand_the_patient(page)
    read_the_others(page)
    read_suggestions_and_sign(page)
    read_as_the_patient(page, live_server, account)
    assert complaints == []
