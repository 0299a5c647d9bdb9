"""A photographed 12-lead page in a real browser: upload, progress, the trace over the page, the viewer, by keyboard and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from accounts.roles import Role
from tests import factories, pages
from tests.browser.viewer import READY, press, view
from tests.browser.walk import complaints, enter, judge, until_true, upload_and_wait
from tests.workers import live_worker, services

if TYPE_CHECKING:
    from tests.workers import Service

__all__ = ["complaints", "live_worker", "services"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOADED = "() => [...document.querySelectorAll('page-overlay img')].every((img) => img.complete && img.naturalWidth > 0)"


def style(page: Any, part: str, name: str) -> str:
    image = page.locator(f"page-overlay [data-part={part}]")
    return str(image.evaluate(f"(image) => getComputedStyle(image).{name}"))


def test_the_trace_lies_over_the_page_and_both_are_switched_by_keyboard(
    page: Any, complaints: list[str], live_server: Any, doctor: Any
) -> None:
    row = factories.page(factories.patient(team=(doctor,)), doctor)
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[row.pk]))
    page.locator(READY).wait_for()
    until_true(page, LOADED)
    boxes = [page.locator(f"page-overlay [data-part={part}]").bounding_box() for part in ("ground", "trace")]
    assert boxes[0] == boxes[1]
    for label, part in (("Page", "ground"), ("Digitised trace", "trace")):
        page.get_by_label(label, exact=True).focus()
        page.keyboard.press("Space")
        assert style(page, part, "visibility") == "hidden"
        page.keyboard.press("Space")
        assert style(page, part, "visibility") == "visible"
    slider = page.get_by_label("Strength of the trace")
    slider.focus()
    page.keyboard.press("Home")
    assert (float(style(page, "trace", "opacity")), slider.get_attribute("aria-valuetext")) == (
        0.1,
        "10 percent",
    )
    page.keyboard.press("End")
    start = view(page)[0]
    press(page, "ArrowRight")
    assert view(page)[0] >= start
    judge(page, "paper")
    folded = page.locator("details.more > summary")
    for place in range(folded.count()):
        folded.nth(place).focus()
        page.keyboard.press("Enter")
    assert page.locator(".page-step img").count() == 4
    page.get_by_role("cell", name="nothing").first.wait_for()
    judge(page, "paper-all")
    assert complaints == []


@pytest.mark.processes
def test_a_photographed_page_is_uploaded_and_read(
    page: Any, complaints: list[str], live_server: Any, live_worker: Service
) -> None:
    doctor = factories.user(Role.DOCTOR)
    patient = factories.patient(team=(doctor,))
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:history", args=[patient.pk]))
    upload_and_wait(page, "page.jpg", "image/jpeg", pages.photo())
    page.get_by_role("link", name="page.jpg").click()
    page.get_by_role("heading", name="12-lead page").wait_for()
    page.get_by_text("25 mm/s, 10 mm/mV, read from the calibration pulse").wait_for()
    page.locator(READY).wait_for()
    until_true(page, LOADED)
    maps = page.locator("heat-map").first
    maps.locator("canvas[data-shows=leads]").wait_for(state="attached")
    maps.get_by_label("Weight of each lead").check()
    shown = (
        "(map) => [...map.querySelectorAll('.heatmap-overlay')].map((one) => [one.dataset.shows, one.hidden])"
    )
    assert dict(maps.evaluate(shown)) == {"activation": True, "leads": False}
    assert page.get_by_role("heading", name="Weight of each lead").count() >= 1
    judge(page, "paper-uploaded")
    assert complaints == []
