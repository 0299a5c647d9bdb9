"""The design system in a real browser: accessible, contained in its page, alive from the keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from tests.browser.walk import enter

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = [1280, 768, 360]


@pytest.fixture
def open_guide(live_server: Any, page: Any, doctor: User) -> Any:
    """The style guide in a tab, its console kept in `complaints`."""
    page.complaints = []
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("styleguide"), wait_until="networkidle")
    assert page.title() == "Style guide · CardioCare"
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(open_guide: Any, scheme: str, width: int) -> None:
    open_guide.set_viewport_size({"width": width, "height": 900})
    open_guide.emulate_media(color_scheme=scheme)
    found = Axe().run(open_guide).response["violations"]
    assert [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(open_guide: Any, width: int) -> None:
    open_guide.set_viewport_size({"width": width, "height": 900})
    assert open_guide.evaluate("document.documentElement.scrollWidth") == width


def test_the_content_security_policy_refuses_nothing_of_ours(open_guide: Any) -> None:
    assert open_guide.complaints == []
    assert open_guide.locator("[style]:not(canvas):not(img), style, script:not([src])").count() == 0


def test_targets_are_large_enough(open_guide: Any) -> None:
    small = open_guide.evaluate(
        """() => [...document.querySelectorAll('button, .btn, summary, nav a, select, input:not([type=checkbox], [type=radio])')]
            .map((element) => [element.outerHTML.slice(0, 60), element.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.height < 24 || box.width < 24)).map(([html]) => html)"""
    )
    assert small == []


def test_every_badge_has_an_icon_and_a_word(open_guide: Any) -> None:
    badges = open_guide.locator(".badge").all()
    assert len(badges) > 15
    assert [
        badge.inner_text()
        for badge in badges
        if badge.locator("svg").count() != 1 or not badge.inner_text().strip()
    ] == []


def test_icons_exist_in_the_sprite(open_guide: Any) -> None:
    hrefs = set(
        open_guide.evaluate("[...document.querySelectorAll('use')].map((use) => use.getAttribute('href'))")
    )
    sprite = open_guide.request.get(
        open_guide.url.split("/styleguide")[0] + next(iter(hrefs)).split("#")[0]
    ).text()
    names = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    assert {href.split("#")[1] for href in hrefs} - names == set()


def test_the_theme_is_chosen_and_kept(open_guide: Any) -> None:
    button = open_guide.get_by_role("button", name="Change theme")
    root = open_guide.locator("html")
    assert root.get_attribute("data-theme") is None
    button.click()
    assert root.get_attribute("data-theme") == "light"
    button.click()
    open_guide.reload()
    assert root.get_attribute("data-theme") == "dark"
    assert "Theme: dark" in button.inner_text()
    assert open_guide.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 20, 23)"


def test_the_heatmap_is_coloured_and_fades_from_the_keyboard(open_guide: Any) -> None:
    canvas = open_guide.locator("canvas.heatmap-overlay")
    canvas.wait_for()
    brightest = canvas.evaluate(
        """(canvas) => { const data = canvas.getContext('2d').getImageData(0, 0, 64, 64).data; let best = 0;
            for (let i = 0; i < data.length; i += 4) if (data[i + 3] > data[best + 3]) best = i;
            return [...data.slice(best, best + 3)]; }"""
    )
    assert brightest[0] > 200 > brightest[2]  # the bright end of the map is yellow
    slider = open_guide.get_by_label("Heatmap opacity")
    slider.focus()
    slider.press("Home")
    assert (
        canvas.evaluate("(c) => c.style.opacity"),
        open_guide.locator("heat-map output").inner_text(),
    ) == ("0", "0 %")
    slider.press("ArrowRight")
    assert canvas.evaluate("(c) => c.style.opacity") == "0.05"
    slider.press("End")
    assert open_guide.locator("heat-map output").inner_text() == "100 %"


def test_the_drop_zone_lists_what_was_chosen(open_guide: Any, tmp_path: Path) -> None:
    (tmp_path / "<b>one.csv").write_bytes(b"x" * 1500)
    (tmp_path / "two.dcm").write_bytes(b"y")
    zone = open_guide.locator("drop-zone").first
    zone.locator("input").set_input_files([tmp_path / "<b>one.csv", tmp_path / "two.dcm"])
    assert zone.locator(".name").all_inner_texts() == ["<b>one.csv", "two.dcm"]
    assert zone.locator("li .size").all_inner_texts() == ["1.5 kB", "1 bytes"]
    assert zone.get_by_role("status").inner_text() == "2 files chosen"


def test_files_can_be_dropped(open_guide: Any) -> None:
    zone = open_guide.locator("drop-zone").first
    zone.locator("label").evaluate(
        """(label) => { const dataTransfer = new DataTransfer(); dataTransfer.items.add(new File(['abc'], 'dropped.hea'));
            label.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true})); }"""
    )
    assert zone.locator(".name").all_inner_texts() == ["dropped.hea"]
    assert zone.locator("input").evaluate("(input) => input.files.length") == 1


def test_the_menu_of_a_phone_opens_and_escape_closes_it(open_guide: Any) -> None:
    open_guide.set_viewport_size({"width": 360, "height": 800})
    nav = open_guide.get_by_role("navigation", name="Main")
    assert not nav.is_visible()
    open_guide.get_by_role("button", name="Menu").click()
    assert nav.is_visible()
    assert open_guide.evaluate("document.documentElement.scrollWidth") == 360
    open_guide.keyboard.press("Escape")
    assert not nav.is_visible()


@pytest.mark.parametrize(
    ("status", "sentence"), [(429, "Too many requests"), (503, "Something went wrong on our side")]
)
def test_a_failed_request_is_told_and_not_swapped(open_guide: Any, status: int, sentence: str) -> None:
    open_guide.route("**/upload-here", lambda route: route.fulfill(status=status, body="<p>raw</p>"))
    form = open_guide.locator("form:has(drop-zone)").first
    form.evaluate("(form) => { form.setAttribute('hx-post', '/upload-here'); htmx.process(form, true); }")
    form.locator("input[type=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"1"}
    )
    with open_guide.expect_request("**/upload-here") as sent:
        form.get_by_role("button", name="Upload").click()
    headers = sent.value.headers
    assert (headers["hx-request"], headers["content-type"].split(";")[0]) == ("true", "multipart/form-data")
    assert len(headers["x-csrftoken"]) == 64
    open_guide.locator("#messages", has_text=sentence).wait_for()
    assert open_guide.get_by_text("raw", exact=True).count() == 0


def test_the_guide_stands_without_scripts(live_server: Any, browser: Any, doctor: User) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    tab = context.new_page()
    enter(tab, live_server, doctor)
    tab.goto(live_server.url + reverse("styleguide"))
    shown = {
        "files": tab.locator("input[type=file]").first.is_visible(),
        "navigation": tab.get_by_role("navigation", name="Main").is_visible(),
        "slider": tab.get_by_label("Heatmap opacity").is_visible(),
        "theme": tab.locator("[data-theme-toggle]").is_visible(),
    }
    context.close()
    assert shown == {"files": True, "navigation": True, "slider": False, "theme": False}


def test_paper_shows_the_report_and_not_the_frame(open_guide: Any) -> None:
    open_guide.emulate_media(media="print")
    assert open_guide.locator(".report").is_visible()
    assert [
        open_guide.locator(part).first.is_visible() for part in (".site-header", ".btn", ".heatmap-controls")
    ] == [False] * 3
