"""The walk through the platform that its users take, with a real worker: upload, result, signature, report, audit."""

from __future__ import annotations

import base64
import re

import pytest

from accounts.roles import Role
from ml.datasets.simulated import bad_input, beat_png
from tests import factories
from tests.browser.walk import anna, complaints, judge, sign_in, sign_out
from tests.workers import live_worker, services

__all__ = ["complaints", "live_worker", "services"]
pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.django_db(transaction=True)]
DROP = """(files) => {
    const dropped = new DataTransfer();
    for (const [name, data] of files) {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        dropped.items.add(new File([bytes], name, {type: "image/png"}));
    }
    return dropped;
}"""
WATCH = """(name) => {
    window.seen = [];
    const look = () => {
        const row = [...document.querySelectorAll("#diagnoses tbody tr")].find((tr) => tr.innerText.includes(name));
        const now = row?.querySelector(".badge")?.innerText.trim();
        if (now && window.seen.at(-1) !== now) window.seen.push(now);
    };
    new MutationObserver(look).observe(document.getElementById("main"), {childList: true, subtree: true});
}"""


@pytest.fixture
def people(transactional_db):
    doctor = factories.user(Role.DOCTOR, "heart", first_name="Ada", last_name="Heart")
    account = factories.user(Role.PATIENT, "anna", first_name="Anna", last_name="Schneider")
    anna(doctor, account)
    factories.completed(
        factories.patient(mrn="900", family_name="Schneidewind"), doctor
    )  # not on this care team
    return doctor, account, factories.user(Role.ADMIN, "root")


def drop(page, **files):
    encoded = [
        (name.replace("_png", ".png"), base64.b64encode(data).decode()) for name, data in files.items()
    ]
    page.dispatch_event(".dropzone", "drop", {"dataTransfer": page.evaluate_handle(DROP, encoded)})


def find_and_open(page):
    page.get_by_role("link", name="Patients").click()
    judge(page, "story-patients")
    page.get_by_label("Name, MRN or birth date").press_sequentially("schnieder")
    page.get_by_text("1 patient found").wait_for()
    page.get_by_role("link", name="Schneider, Anna").click()
    page.get_by_role("heading", name="Schneider, Anna", level=1).wait_for()


def upload_and_watch(page):
    page.evaluate(WATCH, "pvc.png")
    drop(
        page,
        pvc_png=beat_png("PVC", seed=3),
        holiday_png=bad_input("photo", seed=1),
        letter_png=bad_input("no_image", seed=1),
    )
    page.get_by_text("3 files chosen").wait_for()
    page.get_by_role("button", name="Upload and analyse").click()
    verdicts = page.locator("#verdicts li")
    verdicts.nth(2).wait_for()
    kinds = [verdict.locator(".badge").inner_text().strip() for verdict in verdicts.all()]
    assert kinds == ["Accepted", "Accepted", "Refused"]
    assert "PNG, JPEG, WebP, TIFF, PDF" in verdicts.nth(2).inner_text()
    page.locator("#diagnoses tr", has_text="pvc.png").get_by_text("Completed").wait_for()
    page.locator("#diagnoses tr", has_text="holiday.png").get_by_text("Refused").wait_for()
    seen = page.evaluate("window.seen")  # gone after a reload; a quick worker leaves states out
    assert seen == [state for state in ("Queued", "Running", "Completed") if state in seen]
    assert seen[-1] == "Completed"
    assert (
        page.locator(".file-list li:visible", has_text="pvc.png").count() == 1
    )  # the verdict; the choice is empty again


def judge_the_result(page):
    page.get_by_role("link", name="pvc.png").click()
    page.get_by_text("calibrated confidence").wait_for()
    slider = page.get_by_label("Heatmap opacity")
    page.locator("canvas.heatmap-overlay").wait_for()
    slider.focus()
    slider.press("ArrowRight")
    assert page.locator("heat-map output").inner_text() == "65 %"
    judge(page, "story-result")


def confirm(page):
    page.get_by_role("radio", name=re.compile("^Confirm")).check()
    page.get_by_role("button", name="Keep review").click()
    page.get_by_text("Your review is kept.").wait_for()
    judge(page, "story-reviewed")


def test_from_the_upload_to_the_report_and_its_audit(page, complaints, live_server, live_worker, people):
    doctor, patient, admin = people
    page.goto(f"{live_server.url}/")
    judge(page, "story-sign-in")
    sign_in(page, live_server, doctor)
    find_and_open(page)
    upload_and_watch(page)
    judge(page, "story-history")
    judge_the_result(page)
    confirm(page)
    result = page.url

    sign_out(page)
    sign_in(page, live_server, patient)
    page.get_by_role("heading", name="No reports yet").wait_for()
    judge(page, "story-no-reports")
    assert page.goto(result).status == 403

    page.goto(live_server.url)
    sign_out(page)
    sign_in(page, live_server, doctor)
    page.goto(result)
    page.get_by_role("button", name="Sign and release").click()
    page.get_by_text("Signed. The patient can read version 1").wait_for()
    judge(page, "story-signed")

    sign_out(page)
    sign_in(page, live_server, patient)
    page.get_by_role("link", name=re.compile("^Your ECG shows")).click()
    page.get_by_text("Signed by Ada Heart").wait_for()
    judge(page, "story-report")

    sign_out(page)
    sign_in(page, live_server, admin)
    page.get_by_role("heading", name="Predictions").wait_for()
    judge(page, "story-predictions")
    page.locator("tr", has_text="Predicted").first.get_by_role("link").first.click()
    page.get_by_text("Weights SHA-256").wait_for()
    judge(page, "story-prediction")
    access = page.locator("tbody tr", has_text="heart")
    assert {"Read", "Reviewed"} <= {row.locator("td").nth(2).inner_text().strip() for row in access.all()}
    assert "Schneider" not in page.content()
    assert [line for line in complaints if "403" not in line] == []
