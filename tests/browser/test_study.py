"""The page of a study with the viewer on it, served for real: what the browser draws is what the server draws."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from tests import factories
from tests.browser.walk import complaints, enter, judge

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DRAWN = """(number) => { const { picture } = document.querySelector("dicom-viewer").panes[number];
    return [picture.width, picture.height, [...picture.getContext("2d").getImageData(0, 0, picture.width, picture.height).data]]; }"""


@pytest.fixture
def study(doctor):
    patient = factories.patient(team=(doctor,))
    factories.study(patient, doctor, StudyDescription="Chest before", StudyDate="20250302")
    return factories.study(patient, doctor, frames=3, FrameTime="40")


def test_the_browser_draws_a_study_as_the_server_does(page, live_server, doctor, study, complaints):
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:study", args=[study.pk]))
    page.locator(".dicom-pane[data-complete]").wait_for()
    with acting_as(SYSTEM):
        instance = study.instances.get()
    for index in range(3):
        width, height, data = page.evaluate(DRAWN, 0)
        url = live_server.url + reverse("diagnostics:frame-png", args=[instance.pk, index])
        with Image.open(io.BytesIO(page.request.get(url).body())) as expected:
            grey = np.asarray(expected).astype(int)
        assert grey.shape == (height, width)
        assert np.abs(np.array(data).reshape(height, width, 4)[..., 0] - grey).max() <= 1
        page.locator("[data-part=stage]").focus()
        page.keyboard.press("ArrowDown")
        page.wait_for_function(
            "(next) => document.querySelector('dicom-viewer').panes[0].painted?.includes(next)",
            arg=f"/{min(2, index + 1)} ",
        )
    page.locator("summary", has_text="What the object says").click()
    page.locator("[data-part=attributes]").get_by_text("Study Description").wait_for()
    page.get_by_role("button", name="Study before").click()
    page.locator(".dicom-pane[data-complete]").nth(1).wait_for()
    assert page.locator("[data-part=study]").all_inner_texts() == [
        "Chest PA, 2026-03-02",
        "Chest before, 2025-03-02",
    ]
    judge(page, "study")
    page.wait_for_load_state("networkidle")
    assert complaints == []
