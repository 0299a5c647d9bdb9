"""What a cardiologist reads off the viewer of a recording and says about it: calipers, voltage, gaps, the list of beats, overrides."""

from __future__ import annotations

import json
import re
from array import array

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import BeatOverride
from tests.browser.viewer import (
    READY,
    diagnosis,
    milliseconds,
    opened,
    part,
    press,
    pvcs,
    stored,
    view,
)
from tests.browser.walk import enter, judge

__all__ = ["diagnosis", "opened", "pvcs", "stored"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# how many pixels of the trace's colour there are between two times
INK_BETWEEN = """([from, to]) => {
    const { view, place, canvas, ink } = document.querySelector("ecg-viewer");
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = ink.trace;
    pen.fillRect(0, 0, 1, 1);
    const wanted = pen.getImageData(0, 0, 1, 1).data;
    const x = place.left + view.x(from);
    const { data } = canvas.getContext("2d").getImageData(x, place.top, view.x(to) - view.x(from), place.bottom - place.top);
    const apart = (at) => [0, 1, 2].reduce((sum, i) => sum + Math.abs(data[4 * at + i] - wanted[i]), 0);
    return [...Array(data.length / 4).keys()].filter((at) => apart(at) < 30).length;
}"""


def test_calipers_measure(opened, stored):
    press(opened, "0", "c")
    first, second = (
        opened.get_by_role("slider", name="First caliper"),
        opened.get_by_role("slider", name="Second caliper"),
    )
    before = milliseconds(opened)
    second.focus()
    opened.keyboard.press("Shift+ArrowRight")
    step = max(1 / stored.fs, 1 / (25 * 96 / 25.4))
    assert milliseconds(opened) == pytest.approx(before + 10_000 * step, abs=1)
    box = second.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    here = milliseconds(opened)
    opened.mouse.move(x, y)
    opened.mouse.down()
    opened.mouse.move(x + 100, y, steps=4)
    opened.mouse.up()
    there = milliseconds(opened)
    assert there == pytest.approx(here + 100_000 / (25 * 96 / 25.4), abs=2)
    reading = part(opened, "reading")
    reading.get_by_text("mV in").wait_for()
    assert re.fullmatch(
        rf"{there:,} ms · {round(60000 / there)} bpm · [+\u2212]\d+\.\d\d mV in (MLII|V1)",
        reading.inner_text(),
    )
    assert first.get_attribute("aria-valuetext").endswith(reading.inner_text())
    press(opened, "m")
    judge(opened, "viewer-calipers")
    press(opened, "c")
    view(opened)
    assert (reading.is_visible(), first.is_visible()) == (False, False)


def test_the_voltage_is_that_of_the_signal(opened, stored, pvcs):
    """Between a point before a PVC and its peak, as the stored signal has it."""
    from diagnostics.signals import window

    peak = array("i", bytes(stored.beat_samples))[pvcs[0]]
    samples = window(stored, from_s=(peak - 100) / stored.fs, seconds=1.0, columns=1000)["leads"]["MLII"]
    press(opened, "n", "c")
    opened.evaluate(
        """(times) => { const viewer = document.querySelector("ecg-viewer"); viewer.calipers.times = times; viewer.changed(); }""",
        [(peak - 100) / stored.fs, peak / stored.fs],
    )
    rise = (samples[100] - samples[0]) / 1000
    expect(part(opened, "reading")).to_contain_text(f"{abs(rise):.2f} mV in MLII")


def test_missing_samples_are_a_gap_and_never_zero(page, live_server, doctor, diagnosis):
    def without(route):
        answer = route.fetch()
        body = answer.json()
        assert body["kind"] == "samples"
        for lead, values in body["leads"].items():
            times = (body["from_s"] + i * body["step_s"] for i in range(len(values)))
            body["leads"][lead] = [
                None if 3 <= time <= 5 else value for time, value in zip(times, values, strict=True)
            ]
        route.fulfill(response=answer, body=json.dumps(body))

    page.route("**/recording/signal/**", without)
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[diagnosis.pk]))
    page.locator(READY).wait_for()
    view(page)
    assert page.evaluate(INK_BETWEEN, [3.1, 4.9]) == 0
    assert page.evaluate(INK_BETWEEN, [5.1, 6.9]) > 100


def test_the_list_filters_pages_and_goes_there(opened, stored, pvcs):
    opened.get_by_text("List of beats").click()
    rows = opened.locator(".ecg-list tbody tr")
    beats = len(stored.beat_classes)
    rows.first.wait_for()
    assert (rows.count(), part(opened, "count").inner_text()) == (100, f"1 to 100 of {beats}")
    part(opened, "forth").click()
    assert rows.count() == beats - 100
    part(opened, "filter").select_option("PVC")
    assert rows.count() == len(pvcs)
    rows.nth(2).get_by_role("button").click()
    assert rows.nth(2).get_attribute("aria-current") == "true"
    assert part(opened, "beat").inner_text().startswith(f"Beat {pvcs[2] + 1} · V (PVC)")
    judge(opened, "viewer-list")


def test_a_doctor_overrides_a_beat(opened, doctor, stored, pvcs):
    opened.get_by_text("List of beats").click()
    press(opened, "n", "o")
    assert part(opened, "label").evaluate("(select) => select === document.activeElement")
    part(opened, "label").select_option("Normal")
    opened.get_by_role("button", name="Override").click()
    part(opened, "status").get_by_text(f"Beat {pvcs[0] + 1} is Normal now").wait_for()
    assert f"Beat {pvcs[0] + 1} · N (Normal)" in part(opened, "beat").inner_text()
    assert "the model said PVC" in part(opened, "beat").inner_text()
    row = opened.locator(f'.ecg-list tr[data-beat="{pvcs[0]}"]')
    assert row.locator("td").last.inner_text().split() == ["N", "Normal", "overridden"]
    with acting_as(SYSTEM):
        assert list(BeatOverride.objects.values_list("beat", "label", "by")) == [
            (pvcs[0], "Normal", doctor.pk)
        ]
    opened.reload()
    opened.locator(READY).wait_for()
    press(opened, "n")
    assert part(opened, "beat").inner_text().startswith(f"Beat {pvcs[1] + 1} · V")


def test_a_refused_override_is_a_sentence(opened, pvcs):
    sentence = "This recording has no such beat."
    opened.route(
        "**/recording/override/",
        lambda route: route.fulfill(
            status=422, content_type="application/json", body=json.dumps({"message": sentence})
        ),
    )
    press(opened, "n")
    opened.get_by_role("button", name="Override").click()
    part(opened, "error").get_by_text(sentence).wait_for()
    assert part(opened, "beat").inner_text().startswith(f"Beat {pvcs[0] + 1} · V (PVC)")


def test_a_signal_that_does_not_come_is_told(page, live_server, doctor, diagnosis):
    page.route("**/recording/signal/**", lambda route: route.abort())
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[diagnosis.pk]))
    part(page, "error").get_by_text("The signal could not be loaded. The server did not answer.").wait_for()


def test_a_recording_that_does_not_come_is_told_without_empty_frames(page, live_server, doctor, diagnosis):
    page.route("**/recording/beats/", lambda route: route.fulfill(status=503))
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[diagnosis.pk]))
    part(page, "error").get_by_text("Something went wrong on our side. Try again in a moment.").wait_for()
    assert [part(page, name).is_visible() for name in ("loading", "stage", "overview", "list")] == [False] * 4
