"""The viewer of DICOM images as a radiologist moves in it, over a made-up study with known values and known geometry."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from ml.dicom.display import _windowed
from tests.browser.studies import COLUMNS, DAMAGED, HOST, RAMP, ROWS, STUDY, opened, server
from tests.browser.walk import PHONE, judge, until, until_true

__all__ = ["opened", "server"]
pytestmark = pytest.mark.browser
PAINTED = """(number) => { const pane = document.querySelector("dicom-viewer").panes[number];
    return pane.frame && pane.tone && pane.painted?.startsWith(`${pane.viewer.frames.key(pane.place)} `); }"""
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def part(page, name, pane=0):
    return page.locator("dicom-viewer .dicom-pane").nth(pane).locator(f"[data-part={name}]")


def press(page, *keys):
    part(page, "stage").focus()
    for key in keys:
        page.keyboard.press(key)
    page.evaluate(SETTLED)


def state(page, field, pane=0):
    page.evaluate(SETTLED)
    return page.evaluate(f"(pane) => document.querySelector('dicom-viewer').panes[pane].{field}", pane)


def drawn(page, *, pane=0):
    """Grey or colour of the pixels of the image itself, before it is put on the stage: shape (rows, columns, 4)."""
    until_true(page, PAINTED, pane)
    page.evaluate(SETTLED)
    data = page.evaluate(
        """(number) => { const { picture } = document.querySelector("dicom-viewer").panes[number];
            return [...picture.getContext("2d").getImageData(0, 0, picture.width, picture.height).data]; }""",
        pane,
    )
    return np.array(data, dtype=np.uint8).reshape(ROWS, COLUMNS, 4)


def on_screen(page, point, *, pane=0):
    """Where a point of the image is in the window of the browser."""
    stage = part(page, "stage", pane)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = page.evaluate(
        "([number, point]) => document.querySelector('dicom-viewer').panes[number].view.toScreen(point)",
        [pane, point],
    )
    return box["x"] + x, box["y"] + y


def drag(page, start, end):
    page.mouse.move(*on_screen(page, start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, end), steps=4)
    page.mouse.up()


def colour_at(page, point):
    """What the stage shows at a point of the image."""
    page.evaluate(SETTLED)
    return page.evaluate(
        """(point) => { const [pane] = document.querySelector("dicom-viewer").panes;
            const [x, y] = pane.view.toScreen(point).map((one) => Math.round(one * devicePixelRatio));
            return [...pane.canvas.getContext("2d").getImageData(x, y, 1, 1).data]; }""",
        point,
    )


def test_values_become_grey_as_the_server_draws_them(opened):
    found = drawn(opened)
    expected = 255 * (
        1 - _windowed(RAMP.astype(np.float32), (1500.5, 1001.0), "LINEAR")
    )  # MONOCHROME1: low values are white
    assert np.abs(found[..., 0] - np.round(expected)).max() <= 1
    assert (found[..., 3] == 255).all()
    opened.get_by_label("Window presets").select_option("All values")
    expect(part(opened, "tone")).to_have_text("Window centre 1495, width 2990")
    press(opened, "i")
    assert part(opened, "tone").inner_text().endswith("inverted")
    grey = drawn(opened)[0, :, 0]
    assert (grey[0], grey[-1]) == (0, 255)


def test_a_drag_and_keys_change_the_window_and_reset_brings_it_back(opened):
    before = state(opened, "tone")
    drag(opened, [100, 100], [150, 120])
    after = state(opened, "tone")
    assert after["width"] > before["width"]
    assert after["centre"] > before["centre"]
    press(opened, "r")
    assert state(opened, "tone") == before
    press(opened, "c", "W")
    after = state(opened, "tone")
    assert (after["centre"], after["width"]) == pytest.approx((1500.5 + 0.05 * 1001, 1.1 * 1001))


def test_known_geometry_is_measured_in_millimetres(opened):
    opened.get_by_role("button", name="Length").click()
    drag(opened, [40, 50], [160, 50])  # 120 columns of 0.25 mm
    words = part(opened, "measures").locator("li span")
    assert re.fullmatch(r"Length 1: (29\.9|30\.0|30\.1) mm at the detector", words.inner_text())
    exact = opened.evaluate(
        """() => [window.dicomViewer.length([0, 0], [30, 40], [1, 1]), window.dicomViewer.length([10, 20], [40, 60], [2, 1]),
            window.dicomViewer.length([0, 0], [3, 4], null), window.dicomViewer.angle([10, 0], [0, 0], [0, 10], null),
            window.dicomViewer.angle([10, 0], [0, 0], [10, 10], [1, 1]), window.dicomViewer.angle([10, 0], [0, 0], [10, 10], [0.5, 1]),
            window.dicomViewer.angle([10, 0], [0, 0], [-10, 0], null), window.dicomViewer.angle([0, 0], [0, 0], [1, 1], null)]"""
    )
    assert exact == pytest.approx([50, np.hypot(30, 80), 5, 90, 45, np.degrees(np.arctan(0.5)), 180, None])
    opened.get_by_role("button", name="Remove Length 1").click()
    assert part(opened, "measures").locator("li").count() == 0


def test_measurements_are_made_and_moved_by_keys(opened):
    press(opened, "l")
    handle = opened.get_by_role("slider", name="Length 1, first end")
    assert handle.evaluate("(one) => one === document.activeElement")
    before = float(handle.get_attribute("aria-valuenow"))
    opened.keyboard.press("Shift+ArrowLeft")
    opened.evaluate(SETTLED)
    assert float(handle.get_attribute("aria-valuenow")) - before == pytest.approx(2.5, abs=0.11)
    assert handle.get_attribute("aria-valuetext").endswith("mm at the detector")
    opened.keyboard.press("Delete")
    assert handle.count() == 0
    press(opened, "a")
    assert part(opened, "measures").inner_text().startswith("Angle 1: 90.0°")
    opened.get_by_role("button", name="CT · Series 3 · 3 images").click()
    assert part(opened, "measures").locator("li").count() == 0  # they belong to their frame


def test_frames_scroll_by_keys_wheel_and_slider(opened):
    opened.get_by_role("button", name="CT · Series 3 · 3 images").click()
    part(opened, "tone").get_by_text("Window centre").wait_for()
    press(opened, "ArrowDown")
    assert part(opened, "where").inner_text() == "Frame 2 of 3"
    assert drawn(opened)[39:41, 60, 0].tolist() == [0, 255]  # the square of the second slice begins at row 40
    press(opened, "End", "ArrowDown")
    assert part(opened, "where").inner_text() == "Frame 3 of 3"
    part(opened, "stage").hover()
    opened.mouse.wheel(0, -120)
    expect(part(opened, "where")).to_have_text("Frame 1 of 3")
    part(opened, "frame").fill("2")
    expect(part(opened, "where")).to_have_text("Frame 2 of 3")
    part(opened, "spoken").get_by_text("Frame 2 of 3. Window centre").wait_for(state="attached")
    opened.mouse.move(*on_screen(opened, [60.5, 100.5]))
    expect(part(opened, "value")).to_have_text("Column 60, row 100: 40")  # Hounsfield units


def test_a_wheel_over_a_stage_without_focus_scrolls_the_page(opened):
    opened.get_by_role("button", name="CT · Series 3 · 3 images").click()
    part(opened, "stage").hover()
    opened.mouse.wheel(0, 200)
    assert state(opened, "index") == 0


def test_cine_runs_in_the_time_of_the_object_and_stops(opened):
    opened.get_by_role("button", name="US · Four chambers · 6 images").click()
    part(opened, "tone").get_by_text("Window centre").wait_for()
    assert drawn(opened)[0, 0].tolist() == [0, 10, 200, 255]
    assert state(opened, "frameTime") == 40
    cine = opened.get_by_role("button", name="Cine")
    cine.click()
    until_true(opened, "document.querySelector('dicom-viewer').panes[0].index === 4")
    until_true(opened, "document.querySelector('dicom-viewer').panes[0].index === 1")  # round again
    press(opened, " ")
    stopped = state(opened, "index")
    assert cine.get_attribute("aria-pressed") == "false"
    assert drawn(opened)[0, 0, 0] == 40 * stopped


def test_zoom_and_move_keep_what_is_under_the_pointer(opened):
    fitted = state(opened, "view.scale")
    part(opened, "stage").focus()
    opened.mouse.move(*on_screen(opened, [75, 50]))
    opened.keyboard.down("Control")
    opened.mouse.wheel(0, -200)
    opened.keyboard.up("Control")
    until_true(
        opened, "(scale) => document.querySelector('dicom-viewer').panes[0].view.scale !== scale", fitted
    )
    assert state(opened, "view.scale") == pytest.approx(fitted * np.e, rel=0.01)
    box = part(opened, "stage").bounding_box()
    under = opened.evaluate(
        "([x, y]) => document.querySelector('dicom-viewer').panes[0].view.toImage(x, y)",
        np.subtract(on_screen(opened, [75, 50]), (box["x"], box["y"])).tolist(),
    )
    assert under == pytest.approx([75, 50])
    opened.get_by_role("button", name="Move").click()
    left = state(opened, "view.left")
    drag(opened, [75, 50], [80, 50])
    assert state(opened, "view.left") > left
    press(opened, "0")
    assert state(opened, "view.scale") == fitted


def test_pixels_that_are_higher_than_wide_are_drawn_so(opened):
    (left, top), (right, bottom) = (on_screen(opened, point) for point in ([0, 0], [100, 100]))
    assert (bottom - top) / (right - left) == pytest.approx(2)  # 0.5 by 0.25 mm


def test_overlays_are_laid_on_and_fade(opened):
    plain = colour_at(opened, [150, 20])
    opened.get_by_label("Overlay laid on").select_option("heat")
    until_true(opened, "document.querySelector('dicom-viewer').panes[0].overlays.picture()")
    opened.get_by_label("Opacity").fill("100")
    hot = colour_at(opened, [100, 20])
    assert hot[0] > 240
    assert hot[2] < 200  # the bright end of the scale is yellow
    opened.get_by_label("Overlay laid on").select_option("outlines")
    until_true(opened, "document.querySelector('dicom-viewer').panes[0].overlays.picture()")
    assert colour_at(opened, [100, 20])[:3] == [239, 83, 80]  # the heart
    assert colour_at(opened, [225, 20])[:3] == [66, 165, 245]  # a lung
    opened.get_by_label("Overlay laid on").select_option("mask")
    until_true(opened, "document.querySelector('dicom-viewer').panes[0].overlays.picture()")
    assert colour_at(opened, [225, 20])[:3] == [0, 255, 0]  # a mask keeps its colours
    press(opened, "o")
    assert colour_at(opened, [150, 20]) == plain


def test_the_study_before_stands_beside_it_with_one_window(opened):
    opened.get_by_role("button", name="Study before").click()
    opened.locator(".dicom-pane[data-complete]").nth(1).wait_for()
    assert part(opened, "study", 1).inner_text() == "Chest, 2025-01-02"
    assert state(opened, "tone", 1) == {"centre": 1000, "width": 500}
    part(opened, "stage").click()
    opened.get_by_label("Window presets").select_option("All values")
    assert state(opened, "tone", 1) == state(opened, "tone", 0) == {"centre": 1495, "width": 2990}
    opened.get_by_label("One window for both").uncheck()
    press(opened, "w")
    assert state(opened, "tone", 1) == {"centre": 1495, "width": 2990}
    opened.get_by_text("Keys and pointers").click()
    opened.locator("summary", has_text="What the object says").first.click()
    judge(opened, "dicom-viewer")
    opened.get_by_role("button", name="Study before").click()
    assert opened.locator(".dicom-pane").count() == 1


def test_what_objects_say_is_text_and_nothing_executes(opened):
    opened.locator("summary", has_text="What the object says").click()
    assert part(opened, "study").inner_text() == "Chest <b>PA</b>, 2026-02-03"
    table = part(opened, "metadata")
    assert "PA <img src=x onerror=alert(1)>" in table.inner_text()
    assert table.locator("img").count() == 0
    assert "0.5 x 0.25 mm, at the detector" in table.inner_text()
    listed = part(opened, "attributes").locator("tr")
    listed.first.wait_for()
    assert listed.locator("th, td").all_inner_texts() == [
        "> Patient's Name",
        "0010,0010",
        "PN",
        "<img src=x onerror=alert(1)>",
    ]
    assert listed.locator("img").count() == 0


def test_the_servers_picture_is_there_before_the_values(page, server):
    server.refused.add("/dicom/instances/xray/frames/0.raw")
    page.goto(HOST + "/")
    page.locator(".dicom-pane[data-drawn]").wait_for()
    assert page.locator(".dicom-pane[data-complete]").count() == 0
    assert colour_at(page, [150, 100])[:3] == [77, 77, 77]
    expect(part(page, "sentence")).to_have_text(DAMAGED)


def test_a_study_that_does_not_come_says_why(page, server):
    server.refused.add(STUDY)
    page.goto(HOST + "/")
    page.get_by_role("alert").get_by_text(DAMAGED).wait_for()


def test_a_study_without_images_says_so(page, server):
    server.study = {"study": {"pk": "s1", "description": "", "date": None}, "series": [], "prior": None}
    page.goto(HOST + "/")
    page.get_by_text("The study has no image that can be shown.").wait_for()
    assert not page.get_by_role("button", name="Study before").is_visible()


def test_two_fingers_zoom_and_one_windows_on_a_phone(opened):
    opened.set_viewport_size({"width": PHONE, "height": 800})
    before, tone = state(opened, "view.scale"), state(opened, "tone")
    x, y = on_screen(opened, [150, 100])
    touch = opened.context.new_cdp_session(opened)

    def fingers(kind, *points):
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]},
        )

    fingers("touchStart", (x - 30, y))
    fingers("touchStart", (x - 30, y), (x + 30, y))
    for apart in (45, 60):
        fingers("touchMove", (x - apart, y), (x + apart, y))
    fingers("touchEnd")
    assert state(opened, "view.scale") == pytest.approx(2 * before, rel=0.05)
    assert state(opened, "tone") == tone
    fingers("touchStart", (x, y))
    fingers("touchMove", (x + 40, y))
    fingers("touchEnd")
    assert state(opened, "tone")["width"] > tone["width"]


def test_no_frame_is_asked_for_twice(opened, server):
    opened.get_by_role("button", name="US · Four chambers · 6 images").click()
    press(opened, "End", "Home", "End")

    def raws():
        return [path for path in server.asked if path.endswith(".raw")]

    until(opened, lambda: len(set(raws())) == 7, "every frame is asked for")
    opened.wait_for_timeout(200)
    assert len(raws()) == 7
