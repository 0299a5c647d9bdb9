"""The models' pages in a real browser, with and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from accounts.roles import Role
from ml import comparison, registry
from tests import factories
from tests.browser.walk import complaints, enter, judge
from tests.compared import write

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "FILE", write(tmp_path))


def test_from_the_list_to_the_comparison_and_a_card(
    page: Any, complaints: list[str], live_server: Any, measured: None
) -> None:
    enter(page, live_server, factories.user(Role.DOCTOR))
    page.goto(live_server.url)
    page.get_by_role("link", name="Models").click()
    judge(page, "models")
    page.get_by_role("link", name="Compare the models").click()
    page.get_by_role("heading", name="Comparison of the models", level=1).wait_for()
    judge(page, "comparison")
    folded = page.locator("details:not(.user-menu) > summary")
    for place in range(folded.count()):
        folded.nth(place).focus()
        page.keyboard.press("Enter")
    assert page.get_by_role("table", name="Points on the ROC curves of PVC").is_visible()
    judge(page, "comparison-tables")
    page.get_by_role("link", name="beat-cnn").first.click()
    page.get_by_role("heading", name="beat-cnn", level=1).wait_for()
    judge(page, "model-card")
    assert complaints == []


def test_every_card_is_accessible(page: Any, complaints: list[str], live_server: Any) -> None:
    enter(page, live_server, factories.user(Role.ADMIN))
    for contract in registry.contracts():
        page.goto(f"{live_server.url}/models/{contract.name}/")
        judge(page, schemes=("light",))  # the colours of a card are judged on one of them
    assert complaints == []


def test_without_a_measurement_the_page_is_whole(
    page: Any, complaints: list[str], live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "FILE", tmp_path / "none.json")
    enter(page, live_server, factories.user(Role.AUDITOR))
    page.goto(f"{live_server.url}/models/comparison/")
    page.get_by_role("heading", name="Not measured yet").wait_for()
    judge(page, "comparison-empty")
    assert complaints == []


def test_the_charts_need_no_script(browser: Any, live_server: Any, measured: None) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    tab = context.new_page()
    enter(tab, live_server, factories.user(Role.AUDITOR))
    tab.goto(f"{live_server.url}/models/comparison/")
    assert tab.get_by_role("img", name="ROC of PVC against the rest").is_visible()
    context.close()
