"""The opened viewer of a recording, for the tests of it, and how they get about in it."""

from __future__ import annotations

import re
from array import array

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import Recording
from tests import factories
from tests.browser.walk import enter

READY = "ecg-viewer[data-complete]"


@pytest.fixture
def diagnosis(doctor):
    return factories.recording(factories.patient(team=(doctor,)), doctor)


@pytest.fixture
def stored(diagnosis):
    with acting_as(SYSTEM):
        return Recording.objects.get(pk=diagnosis.pk)


@pytest.fixture
def pvcs(stored):
    classes = array("b", bytes(stored.beat_classes))
    found = [beat for beat, place in enumerate(classes) if place == stored.classes.index("PVC")]
    assert len(found) == len(factories.PVCS)
    return found


@pytest.fixture
def opened(page, live_server, doctor, diagnosis):
    """The result page with the recording drawn, and what looks at it."""
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[diagnosis.pk]))
    page.locator(READY).wait_for()
    return page


def part(page, name):
    return page.locator(f"ecg-viewer [data-part={name}]")


def press(page, *keys):
    part(page, "stage").focus()
    for key in keys:
        page.keyboard.press(key)


def view(page):
    """The window in seconds and the paper's speed, after the frame that draws them."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate(
        "(({view}) => [view.start, view.end, view.speed])(document.querySelector('ecg-viewer'))"
    )


def milliseconds(page):
    view(page)
    return int(re.match(r"([\d,]+) ms", part(page, "reading").inner_text())[1].replace(",", ""))
