"""The page of a study with the viewer on it, served for real: what the browser draws is what the server draws."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image
from pydicom.dataset import Dataset

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from tests import dicoms, factories
from tests.browser.walk import complaints, enter, judge, until_true

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DRAWN = """(number) => { const { picture } = document.querySelector("dicom-viewer").panes[number];
    return [picture.width, picture.height, [...picture.getContext("2d").getImageData(0, 0, picture.width, picture.height).data]]; }"""


def table(values, *, first, bits):
    """A sequence with one table (PS3.3 C.11.1 and C.11.2), from an input to the entries one behind the other."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "US", [int(value) for value in values])
    item.ModalityLUTType = "US"
    return [item]


CURVE = table(np.sqrt(np.linspace(0, 1, 3000)) * 4095, first=200, bits=12)
SHOWN = {
    "sigmoid": {"VOILUTFunction": "SIGMOID", "WindowCenter": 1500, "WindowWidth": 900},
    "exact": {"VOILUTFunction": "LINEAR_EXACT", "WindowCenter": 900, "WindowWidth": 40},
    "table": {"VOILUTSequence": CURVE},
    "table in Hounsfield units, of the negative": {
        "VOILUTSequence": CURVE,
        "RescaleSlope": "1.5", "RescaleIntercept": "-300", "PhotometricInterpretation": "MONOCHROME1",
    },
    "modality table": {
        "ModalityLUTSequence": table(np.linspace(0, 1, 4096) ** 3 * 60_000, first=0, bits=16), "WindowCenter": 20_000,
        "WindowWidth": 30_000,
    },
    "modality table and table": {
        "ModalityLUTSequence": table(np.linspace(0, 1, 4096) ** 2 * 4000, first=0, bits=16), "VOILUTSequence": CURVE,
    },
}  # fmt: skip


def test_functions_and_tables_give_the_grey_of_the_server(page, live_server, doctor, complaints):
    patient = factories.patient(team=(doctor,))
    made = []
    for number, said in enumerate(SHOWN.values(), start=1):
        one = dicoms.dataset(patient, study="tables", series=number)
        dicoms.pixels(one, np.arange(64 * 64).reshape(64, 64))
        for name, value in said.items():
            setattr(one, name, value)
        made.append(one)
    study = factories.filed(patient, doctor, *made)
    with acting_as(SYSTEM):
        instances = {one.series.number: str(one.pk) for one in study.instances.select_related("series")}
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:study", args=[study.pk]))
    for number, name in enumerate(SHOWN, start=1):
        page.locator("[data-part=series] button").nth(number - 1).click()
        until_true(
            page,
            "(key) => document.querySelector('dicom-viewer').panes?.[0]?.painted?.startsWith(key)",
            instances[number],
        )
        width, height, data = page.evaluate(DRAWN, 0)
        url = live_server.url + reverse("diagnostics:frame-png", args=[instances[number], 0])
        with Image.open(io.BytesIO(page.request.get(url).body())) as expected:
            grey = np.asarray(expected).astype(int)
        found = np.array(data).reshape(height, width, 4)[..., 0]
        assert np.abs(found - grey).max() <= 1, name
        assert len(np.unique(grey)) > 30, name
    tone = page.locator("[data-part=tone]")
    assert tone.inner_text() == "Table of the object"
    page.get_by_label("Window presets").select_option("All values")
    assert tone.inner_text().startswith("Window centre")
    page.get_by_label("Window presets").select_option("Table of the object")
    assert tone.inner_text() == "Table of the object"
    page.wait_for_load_state("networkidle")
    assert complaints == []


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
        until_true(
            page,
            "(next) => document.querySelector('dicom-viewer').panes[0].painted?.includes(next)",
            f"/{min(2, index + 1)} ",
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
