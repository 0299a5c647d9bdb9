"""The condition library in a real browser: edited with a preview, its history, and the link from a result."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM, Role
from diagnostics.services.conditions import load_shipped
from ml.datasets.simulated import beat_png
from tests import factories
from tests.browser.walk import complaints, enter, judge

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_text_is_edited_and_the_result_shows_the_new_one(
    page: Any, complaints: list[str], live_server: Any
) -> None:
    with acting_as(SYSTEM):
        load_shipped()
    enter(page, live_server, factories.user(Role.ADMIN))
    page.goto(live_server.url + reverse("diagnostics:conditions"))
    judge(page, "conditions")
    page.get_by_label("Words").fill("lbbb")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Left bundle branch block").click()
    judge(page, "condition")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Causes, for clinicians").fill("Hypertension, among others.")
    page.get_by_label("Why you change it").fill("Shorter")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("region", name="What changes").get_by_text("among others.").wait_for()
    judge(page, "condition-preview")
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_text("Version 2 is in force now.").wait_for()
    page.get_by_role("link", name="History").click()
    page.get_by_role("heading", name="Version 2").wait_for()
    assert page.locator("ins").count() > 0
    judge(page, "condition-history")
    doctor = factories.user(Role.DOCTOR)
    row = factories.completed(
        factories.patient(team=(doctor,)), doctor, label="LBBB", data=beat_png("LBBB", seed=3)
    )
    page.context.clear_cookies()
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[row.pk]))
    about = page.get_by_role("region", name="Causes and usual treatment")
    about.get_by_text("Hypertension, among others.").wait_for()
    judge(page, "condition-result")
    about.get_by_role("link", name="More about Left bundle branch block").click()
    page.get_by_role("heading", name="In plain words").wait_for()
    assert complaints == []
