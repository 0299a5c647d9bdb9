"""The pages of the models: the list, the cards, the comparison; who sees them, and what they say without any measurement."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from diagnostics.views import compared
from diagnostics.views.cards import card_html
from ml import comparison, registry
from ml.comparison import Difference, Figure
from patients import charts
from tests import factories
from tests.compared import FAMILIES, LABELS, stored, write

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

pytestmark = pytest.mark.django_db
COMPARISON = "/models/comparison/"


@pytest.fixture
def auditor(client: Client) -> Client:
    client.force_login(factories.user(Role.AUDITOR))
    return client


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The made-up comparison in the place of the stored one."""
    path = write(tmp_path)
    monkeypatch.setattr(comparison, "FILE", path)
    return path


def text_of(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return answer.content.decode()


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_every_installed_model_is_listed_with_its_card(auditor: Client) -> None:
    html = text_of(auditor, "/models/")
    for contract in registry.contracts():
        assert f'href="/models/{contract.name}/"' in html
        assert all(
            part in plain(html) for part in (contract.version, contract.task, ", ".join(contract.labels))
        )
        card = text_of(auditor, f"/models/{contract.name}/")
        assert f"<h1>{contract.name} {contract.version}</h1>" in card
        assert card.count("<h1>") == 1
        assert all(limit in plain(card) for limit in contract.limits)


def test_a_model_that_is_not_installed_is_not_found(auditor: Client) -> None:
    assert auditor.get("/models/no-such-model/").status_code == 404


def test_no_page_of_the_models_asks_the_database_for_more_than_who_asks(
    auditor: Client, measured: Path
) -> None:
    for url in ("/models/", "/models/beat-cnn/", COMPARISON):
        with CaptureQueriesContext(connection) as captured:
            assert auditor.get(url).status_code == 200
        assert [
            one["sql"]
            for one in captured.captured_queries
            if "diagnostics_" in one["sql"] or "patients_" in one["sql"]
        ] == []


def test_without_a_measurement_the_page_says_so(
    auditor: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "FILE", tmp_path / "none.json")
    text = plain(text_of(auditor, COMPARISON))
    assert "Not measured yet" in text
    assert '<svg class="chart' not in text


def test_a_broken_file_is_said_and_nothing_of_it_shown(auditor: Client, measured: Path) -> None:
    measured.write_text(measured.read_text().replace('"CNN"', '"tree"'))
    text = plain(text_of(auditor, COMPARISON, 500))
    assert "The stored comparison cannot be read" in text
    assert "made-up-hybrid" not in text


def test_the_comparison_shows_every_model_with_every_figure_and_interval(
    auditor: Client, measured: Path
) -> None:
    context = auditor.get(COMPARISON).context
    rows = {row[0]["value"]: [cell["value"] for cell in row[1:]] for row in context["figures"]["rows"]}
    assert list(rows) == list(FAMILIES)
    assert rows["beat-cnn"] == [
        "CNN", "0.600 (0.550 to 0.650)", "0.510 (0.460 to 0.560)", "0.490 (0.440 to 0.540)", "0.500 (0.450 to 0.550)",
        "0.900 (0.850 to 0.950)", "0.060 (0.040 to 0.080)",
    ]  # fmt: skip
    assert rows["made-up-control"][5] == "not measured"
    links = {row[0]["value"]: row[0].get("url") for row in context["figures"]["rows"]}
    assert (links["beat-cnn"], links["made-up-rnn"]) == ("/models/beat-cnn/", None)


def test_differences_are_said_in_words(auditor: Client, measured: Path) -> None:
    text = plain(text_of(auditor, COMPARISON))
    assert "made-up-hybrid is better than beat-cnn by 0.031 (0.012 to 0.050) in F1." in text
    assert "made-up-spectral is better than beat-cnn by 0.020 (0.010 to 0.030) in Accuracy." in text
    assert "No difference shown between beat-cnn and made-up-rnn in F1: +0.004 (-0.010 to +0.020)." in text


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(0.0, 0.1, False), (-0.1, 0.0, False), (0.001, 0.1, True), (-0.1, -0.001, True)],
)
def test_an_interval_that_touches_zero_shows_no_difference(
    low: float,
    high: float,
    shown: bool,  # noqa: FBT001  # a parameter of the table above
) -> None:
    sentence = compared.difference_words(
        Difference(a="a", b="b", figure="f1", difference=Figure((low + high) / 2, low, high))
    )
    assert ("is better than" in sentence) == shown


def test_claims_stand_beside_ours_with_their_protocol(auditor: Client, measured: Path) -> None:
    first, second = auditor.get(COMPARISON).context["claims"]["rows"]
    assert [cell["value"] for cell in first] == [
        "beat-cnn", "An invented report", "99.9 % (Accuracy)", "random split of beats", "0.600 (0.550 to 0.650)",
        "the same people on both sides",
    ]  # fmt: skip
    assert [cell["value"] for cell in second][4:] == [compared.NOTHING] * 2


def test_each_curve_has_its_figures_in_a_table(auditor: Client, measured: Path) -> None:
    context = auditor.get(COMPARISON).context
    assert [chart["title"] for chart in context["roc"]] == [
        f"ROC of {label} against the rest" for label in LABELS
    ]
    curve = context["roc"][2]
    assert [line["name"] for line in curve["lines"]] == list(FAMILIES)[:-1]  # the control has none
    assert [cell["value"] for cell in curve["table"]["rows"][0]] == [
        "beat-cnn",
        "0.300 (0.250 to 0.350)",
        "0.000",
        "0.500",
        "0.500",
    ]
    noise = context["noise"]
    assert [text for _, text, _ in noise["x_ticks"]] == ["0", "12", "24", "none"]
    assert [cell["value"] for cell in noise["table"]["rows"][0]][:3] == [
        "beat-cnn",
        "0.500 (0.450 to 0.550)",
        "0.500 (0.450 to 0.550)",
    ]
    assert len(noise["lines"][0]["whiskers"]) == 4
    assert len(context["reliability"]["table"]["rows"]) == 2 * len(noise["lines"])
    matrix = context["matrices"][0]
    assert matrix["rows"][2] == ("PVC", [("0", 0), ("33", 1), ("300", 9)])


def test_the_page_has_no_inline_style_or_script(auditor: Client, measured: Path) -> None:
    html = text_of(auditor, COMPARISON)
    assert re.search(r"\sstyle=|<style|<script(?![^>]*\bsrc=)|\son[a-z]+=", html) is None
    assert (
        html.count('<svg role="img"') + html.count('<svg class="chart-lines" role="img"')
        == 2 + len(LABELS) + 2
    )


def test_only_what_was_measured_is_drawn(auditor: Client, measured: Path, tmp_path: Path) -> None:
    content = stored()
    for model in content["models"]:
        for field in ("roc", "reliability", "noise", "classes", "confusion"):
            model.pop(field, None)
    write(tmp_path, content | {"clahe": None, "claims": [], "differences": []})
    text = plain(text_of(auditor, COMPARISON))
    for heading in (
        "ROC curves",
        "Reliability and noise",
        "Confusion matrices",
        "What the reports claim",
        "CLAHE",
    ):
        assert heading not in text
    assert "Size and time" in text


def test_a_line_keeps_inside_its_drawing() -> None:
    axis = charts.quarters("x")
    series = [charts.Series("a", 1, [(-1.0, 2.0), (0.5, 0.5), (9.0, 0.0)])]
    chart: dict[str, Any] = charts.line_chart(key="k", title="t", x=axis, y=axis, series=series, table={})
    assert chart["lines"][0]["points"] == "40.0,10.0 194.0,116.0 348.0,222.0"


def test_html_in_a_card_stays_text() -> None:
    html = card_html(
        "# Title\n\n<script>alert(1)</script>\n\n| | <b>A</b> |\n|---|---|\n| B | [x](javascript:alert) |\n"
    )
    assert "<script" not in html
    assert "<b>" not in html
    assert 'href="javascript' not in html
    assert "Title" not in html
    assert "<td></td>" in html  # the corner of a matrix is no empty heading


def test_nobody_else_finds_the_models_in_the_menu(client: Client) -> None:
    for role, seen in (
        (Role.DOCTOR, True),
        (Role.ADMIN, True),
        (Role.PATIENT, False),
        (Role.INTEGRATION, False),
    ):
        client.force_login(factories.user(role))
        html = client.get(reverse("accounts:password")).content.decode()
        assert ('href="/models/"' in html) == seen
