"""The viewer of a recording as a cardiologist moves in it: scale, movement, beats, episodes, print, and all of it by keys."""

from __future__ import annotations

from array import array

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests import factories
from tests.browser.viewer import READY, diagnosis, opened, part, press, pvcs, stored, view
from tests.browser.walk import complaints, enter, judge, settle_layout, until, until_true

__all__ = ["complaints", "diagnosis", "opened", "pvcs", "stored"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# where, in CSS pixels from the left of the plot, the first row of the paper has the colour of an ink
LINES = """(name) => {
    const { place, canvas, ink } = document.querySelector("ecg-viewer");
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = ink[name];
    pen.fillRect(0, 0, 1, 1);
    const wanted = pen.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext("2d").getImageData(place.left, Math.round(place.top) + 3, place.width - place.left, 1);
    const apart = (x) => [0, 1, 2].reduce((sum, i) => sum + Math.abs(data[4 * x + i] - wanted[i]), 0);
    return [...Array(data.length / 4).keys()].filter((x) => apart(x) < 6);
}"""


def test_the_paper_has_its_true_scale(opened):
    millimetre = 96 / 25.4
    start, end, speed = view(opened)
    width = opened.evaluate("(({place}) => place.width - place.left)(document.querySelector('ecg-viewer'))")
    assert (start, speed) == (0, 25)
    assert end == pytest.approx(width / (25 * millimetre))
    lines = opened.evaluate(LINES, "coarse")
    assert lines[:4] == [round(5 * millimetre * i) for i in range(4)]
    assert lines[50] == pytest.approx(250 * millimetre, abs=1)
    assert "small square 40 ms, large 200 ms" in part(opened, "scale").inner_text()
    part(opened, "gain").select_option("20")
    part(opened, "speed").select_option("50")
    start, end_at_50, _ = view(opened)
    assert end_at_50 - start == pytest.approx(end / 2)
    words = part(opened, "scale").inner_text()
    assert words == "50 mm/s, 20 mm/mV; small square 20 ms, large 100 ms; mean rate 70 bpm"


def test_it_moves_and_zooms_by_mouse(opened, stored):
    stage = part(opened, "stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    _, first_end, _ = view(opened)
    opened.mouse.move(x, y)
    opened.mouse.down()
    opened.mouse.move(x - 200, y, steps=5)
    opened.mouse.up()
    start, end, _ = view(opened)
    assert start == pytest.approx(200 / (25 * 96 / 25.4), abs=0.01)
    assert end - start == pytest.approx(first_end)

    stage.focus()
    opened.mouse.wheel(0, -200)
    until_true(opened, "document.querySelector('ecg-viewer').view.speed > 25")
    opened.get_by_role("button", name="Zoom out").click()
    assert view(opened)[2] == 25
    part(opened, "speed").select_option("All")
    assert view(opened)[:2] == [0, pytest.approx(stored.seconds)]
    strip = part(opened, "overview").bounding_box()
    part(opened, "speed").select_option("25")
    part(opened, "overview").click(position={"x": strip["width"] / 2, "y": 30})
    start, end, _ = view(opened)
    assert (start + end) / 2 == pytest.approx(stored.seconds / 2, abs=0.5)


def test_a_wheel_over_a_trace_without_focus_scrolls_the_page(opened):
    before = view(opened)
    part(opened, "stage").hover()
    opened.mouse.wheel(0, 200)
    assert view(opened) == before


def test_it_goes_from_pvc_to_pvc(opened, stored, pvcs):
    times = array("i", bytes(stored.beat_samples))
    press(opened)
    for beat in pvcs:
        opened.keyboard.press("n")
        start, end, _ = view(opened)
        assert start < times[beat] / stored.fs < end
        assert part(opened, "beat").inner_text().startswith(f"Beat {beat + 1} · V (PVC) · at 0:0")
    opened.keyboard.press("n")
    expect(part(opened, "status")).to_have_text("No PVC after this.")
    opened.get_by_role("button", name="Previous PVC").click()
    assert part(opened, "beat").inner_text().startswith(f"Beat {pvcs[-2] + 1} ·")
    opened.get_by_role("button", name="Next ectopic beat").click()
    assert part(opened, "beat").inner_text().startswith(f"Beat {pvcs[-1] + 1} ·")


def test_it_goes_to_episodes_and_times(opened, stored):
    names = opened.evaluate("document.querySelector('ecg-viewer').episodes.map(({name}) => name)")
    assert len(names) == len(stored.summary["measures"]["episodes"]) > 0
    press(opened, "e")
    assert part(opened, "status").inner_text().startswith(f"{names[0]} at 0:0")
    part(opened, "time").fill("1:00")
    part(opened, "time").press("Enter")
    start, end, _ = view(opened)
    assert (start + end) / 2 == pytest.approx(60)
    part(opened, "time").fill("3:00:00")
    part(opened, "time").press("Enter")
    assert (
        part(opened, "status").inner_text()
        == "The recording has no such time. It goes from 0:00:00 to 0:02:00."
    )


def test_everything_is_reached_by_keys(opened, pvcs):
    opened.locator("h1").first.click()
    for _ in range(60):
        opened.keyboard.press("Tab")
        if part(opened, "stage").evaluate("(stage) => stage === document.activeElement"):
            break
    assert opened.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for keys, expected in (("ArrowRight", 0.1), ("ArrowLeft", 0), ("PageDown", 0.9), ("Home", 0)):
        opened.keyboard.press(keys)
        start, end, _ = view(opened)
        assert start == pytest.approx(expected * (end - start))
    for key, speed in (("+", 50), ("-", 25), ("-", 12.5), ("0", 25)):
        opened.keyboard.press(key)
        assert view(opened)[2] == speed
    opened.keyboard.press("End")
    opened.keyboard.press("p")
    assert part(opened, "beat").inner_text().startswith(f"Beat {pvcs[-1] + 1} ·")
    opened.keyboard.press(".")
    assert part(opened, "beat").inner_text().startswith(f"Beat {pvcs[-1] + 2} ·")
    opened.keyboard.press("c")
    assert opened.get_by_role("slider", name="First caliper").evaluate(
        "(one) => one === document.activeElement"
    )
    opened.keyboard.press("g")
    assert part(opened, "time").evaluate("(field) => field === document.activeElement")
    part(opened, "overview").focus()
    opened.keyboard.press("Home")
    assert view(opened)[0] == 0
    assert part(opened, "overview").get_attribute("aria-valuetext").startswith("0:00:00")
    part(opened, "spoken").get_by_text("0:00:00.0 to").wait_for(state="attached")


def test_paper_gets_strips_to_scale_and_white(opened):
    opened.emulate_media(color_scheme="dark")
    press(opened, "n")
    _, end, _ = view(opened)
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.emulate_media(media="print", color_scheme="dark")
    strips = part(opened, "strips").locator("canvas")
    width = strips.first.bounding_box()["width"]
    plot = opened.evaluate("(({place}) => place.left)(document.querySelector('ecg-viewer'))")
    start = view(opened)[0]
    assert width == pytest.approx(160 * 96 / 25.4, abs=0.1)
    assert strips.count() == -(-(end - start) * 25 * 96 / 25.4 // (width - plot))
    assert (
        strips.first.evaluate("(one) => [...one.getContext('2d').getImageData(2, 2, 1, 1).data]")[:3]
        > [250] * 3
    )
    assert [part(opened, name).is_visible() for name in ("controls", "stage", "list")] == [False] * 3
    opened.emulate_media(media="screen")
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert (strips.count(), part(opened, "stage").is_visible()) == (0, True)


def test_what_is_there_is_not_asked_for_again(page, live_server, doctor, diagnosis):
    asked, ended = [], []

    def note(request, among):
        if "/signal/" in request.url:
            among.append(request.url)

    page.on("request", lambda request: note(request, asked))
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: note(request, ended))
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[diagnosis.pk]))
    page.locator(READY).wait_for()
    until_true(page, "(({tiles}) => !tiles.queue.length)(document.querySelector('ecg-viewer'))")
    until(page, lambda: len(ended) == len(asked), "all that was asked for comes")
    assert len(asked) == len(set(asked)) > 0
    asked.clear()
    press(page, "ArrowRight", "ArrowLeft", "+", "-")
    view(page)
    page.wait_for_timeout(300)
    assert (asked, page.locator(READY).count()) == ([], 1)


def test_leads_are_chosen_and_one_stays(opened):
    opened.locator(".ecg-leads summary").click()
    boxes = part(opened, "leads").get_by_role("checkbox")
    assert [box.input_value() for box in boxes.all()] == list(factories.LEADS)
    boxes.first.uncheck()
    opened.locator(READY).wait_for()
    assert opened.evaluate("document.querySelector('ecg-viewer').leads") == [factories.LEADS[1]]
    boxes.last.click()
    assert boxes.last.is_checked()


def test_axe_and_a_phone(opened, complaints):
    opened.get_by_text("Keys and letters").click()
    judge(opened, "viewer")
    opened.set_viewport_size({"width": 360, "height": 800})
    press(opened, "n")
    until_true(opened, "document.querySelector('ecg-viewer').place.width < 360")
    settle_layout(opened, 360)
    assert opened.evaluate("document.documentElement.scrollWidth") == 360
    assert complaints == []
