"""The dashboards in a real browser: drawn under the strict policy, narrowed, opened, saved; on a phone, in the dark, without a script."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import PatientRisk
from diagnostics.services.patient_risk import update_patient_risk
from patients.services.clinical_values import Entry, record_values
from tests import factories
from tests.browser.walk import PHONE, complaints, enter, judge, seen_as

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def ward(transactional_db):
    """A doctor with three patients, and somebody else's."""
    doctor = factories.user(username="heart")
    for family, label, level in (
        ("Adler", "PVC", "moderate"),
        ("Berg", "VF", "high"),
        ("Clausen", "Normal", "low"),
    ):
        patient = factories.patient(team=(doctor,), family_name=family, given_name="Eva")
        factories.completed(patient, doctor, label=label, risk_level=level, finished_at=LONG_AGO)
        with acting_as(SYSTEM):
            update_patient_risk([patient.pk], cause=PatientRisk.Cause.RESULT)
    factories.completed(factories.patient(family_name="Fremd"), doctor, label="VF", finished_at=LONG_AGO)
    with acting_as(doctor):
        for day in (1, 2, 3):
            entries = [Entry("serum_sodium", str(135 + day)), Entry("weight", str(70 + day))]
            record_values(
                doctor, patient=patient, measured_at=LONG_AGO + dt.timedelta(days=day), entries=entries
            )
    return doctor, patient


def open_page(page, server, address, *, charts=1):
    page.goto(f"{server.url}{address}")
    page.locator("[data-drawn]").nth(charts - 1).wait_for()


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.path()


def test_people_are_narrowed_opened_and_saved(page, complaints, live_server, ward):
    enter(page, live_server, ward[0])
    page.goto(live_server.url)
    page.get_by_role("link", name="Dashboards").click()
    page.locator("[data-drawn]").wait_for()
    assert page.locator(".dashboard-plot .bars path").count() == 3
    assert page.get_by_text("Fremd").count() == 0
    judge(page, "dashboard-people")

    page.get_by_label("Finding").select_option("VF")
    page.get_by_role("button", name="Filter").press("Enter")
    page.get_by_text("1 person.").wait_for()
    page.locator("[data-drawn]").wait_for()
    assert page.locator(".dashboard-plot .ytick").all_text_contents() == ["Berg, E."]

    picture = Image.open(
        saved(page, page.get_by_role("button", name="Save picture of People by probability"))
    )
    assert (picture.format, len(picture.convert("RGB").getcolors(1 << 20)) > 10) == ("PNG", True)
    text = saved(page, page.get_by_role("link", name="Download CSV")).read_text("utf-8-sig")
    assert [(row["patient"], row["finding"]) for row in csv.DictReader(io.StringIO(text))] == [
        ("Berg, Eva", "VF")
    ]

    page.locator(".dashboard-plot .nsewdrag").hover()
    box = page.locator(".dashboard-plot .bars path").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/diagnoses/**")
    page.go_back()
    page.get_by_role("link", name="Berg, Eva").press("Enter")
    page.get_by_role("heading", name="Berg, Eva", level=1).wait_for()
    assert complaints == []


def test_the_cohort_and_what_is_overdue(page, complaints, live_server, ward):
    enter(page, live_server, ward[0])
    open_page(page, live_server, reverse("diagnostics:dashboard-cohort"), charts=3)
    for summary in page.locator(".dashboard-chart summary").all():
        summary.press("Enter")
    assert page.get_by_role("table", name="Patients by risk level").locator("tbody tr").all_inner_texts() == [
        "High risk\t1", "Moderate risk\t1", "Low risk\t1", "Unknown risk\t0",
    ]  # fmt: skip
    rows = (
        page.get_by_role("table", name="Results whose review is overdue")
        .locator("tbody th")
        .all_inner_texts()
    )
    assert rows == ["Berg, Eva", "Adler, Eva", "Clausen, Eva"]
    judge(page, "dashboard-cohort")
    assert complaints == []


def test_trends_of_a_patient_on_a_phone_in_the_dark_and_without_a_script(
    page, complaints, live_server, ward, browser
):
    doctor, patient = ward
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("patients:values", args=[patient.pk]))
    page.get_by_role("link", name="Trends").click()
    page.locator("[data-drawn]").wait_for()
    assert page.locator(".dashboard-plot .scatterlayer .trace").count() == 2
    page.get_by_label("Weight").check()
    page.get_by_role("button", name="Show").click()
    page.get_by_text("3 values of Weight.").wait_for()
    page.locator("[data-drawn]").wait_for()
    judge(page, "dashboard-trends")
    ground = page.locator(".dashboard-plot .main-svg").first
    expect(ground).to_have_css("background-color", "rgb(255, 255, 255)")
    with seen_as(page, PHONE, "dark"):
        expect(ground).to_have_css("background-color", "rgb(22, 30, 35)")  # --surface in the dark
        wide = ground.bounding_box()["width"]
        assert wide <= PHONE
    assert complaints == []

    plain = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    tab = plain.new_page()
    tab.goto(page.url)
    assert tab.get_by_role("table", name="Values over time").locator("tbody tr").count() == 3
    assert tab.get_by_role("button", name="Save picture").count() == 0
    plain.close()
