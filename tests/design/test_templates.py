"""What holds of the templates and the vendored code as text."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", ["htmx/htmx.min.js", "plotly/plotly-basic.min.js"])
def test_vendored_code_is_what_is_listed(file: str) -> None:
    listed = re.findall(rf"`{file}`.*`([0-9a-f]{{64}})`", (ROOT / "static/vendor/README.md").read_text())
    assert listed == [hashlib.sha256((ROOT / "static/vendor" / file).read_bytes()).hexdigest()]


def test_no_template_has_inline_script_or_style() -> None:
    inline = re.compile(r"<style|\sstyle=|<script(?![^>]*\bsrc=)|\son[a-z]+=|hx-on|javascript:")
    tags = re.compile(r"{[%#].*?[%#]}")
    templates = (ROOT / "templates").rglob("*.html")
    assert [path.name for path in templates if inline.search(tags.sub("", path.read_text()))] == []


def test_comments_end_on_their_line() -> None:
    """A comment over two lines is none to Django, and would stand on the page."""
    lines = (
        (path, line)
        for path in (ROOT / "templates").rglob("*.html")
        for line in path.read_text().splitlines()
    )
    assert [path.name for path, line in lines if line.count("{#") != line.count("#}")] == []


def test_nothing_is_fetched_from_elsewhere() -> None:
    files = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "static/css").glob("*.css"),
        *(ROOT / "static/js").rglob("*.js"),
    ]
    assert [
        path.name
        for path in files
        if re.search(r"(src|href|url\(|import|fetch\()[=\"'( ]*(https?:)?//", path.read_text())
    ] == []


def test_the_style_guide_needs_no_context() -> None:
    assert "<h1>Style guide</h1>" in render_to_string("styleguide.html")


@pytest.mark.parametrize("code", ["400", "403", "404", "429", "500", "503"])
def test_an_error_page_needs_no_context(code: str) -> None:
    html = render_to_string(f"{code}.html")
    assert (html.count("<h1>"), f"Code {code}" in html) == (1, True)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("HIGH", "High risk"),
        ("moderate", "Moderate risk"),
        ("not_eligible", "Not eligible"),
        ("signed", "Signed"),
        ("new", "New"),
    ],
)
def test_a_badge_names_its_value(value: str, word: str) -> None:
    html = render_to_string("components/badge.html", {"value": value})
    assert re.sub(r"<[^>]+>", "", html).strip() == word


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_bar_is_as_wide_as_its_number_in_every_language(language: str) -> None:
    from django.utils import translation

    with translation.override(language):
        html = render_to_string(
            "components/probabilities.html", {"rows": [{"label": "AF", "percent": 91.44, "threshold": 0}]}
        )
    assert re.findall(r'class="(fill|threshold)" (?:width|x)="([^"]*)"', html) == [
        ("fill", "91.4%"),
        ("threshold", "0.0%"),
    ]


def test_what_a_person_wrote_stays_text() -> None:
    html = render_to_string("components/timeline_entry.html", {"title": "<b>x</b>", "text": "<script>"})
    assert ("<b>" in html, "<script>" in html) == (False, False)


def test_a_message_keeps_its_kind() -> None:
    message = SimpleNamespace(level_tag="warning")
    assert 'class="alert alert-warning"' in render_to_string(
        "components/messages.html", {"messages": [message]}
    )
