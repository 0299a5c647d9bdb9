"""How the browser tests get about: signing in, judging a page, made-up people."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

from accounts.actor import acting_as
from patients.models import Allergy, Condition, Medication, Note
from patients.services.history import add_entry
from tests import factories
from tests.conftest import BROWSER_PATIENCE_S
from tests.workers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from accounts.models import User
    from patients.models import Patient

WIDE, PHONE = 1280, 390


def anna(doctor: User, account: User) -> Patient:
    """A patient with an account and a history."""
    row = factories.patient(
        team=(doctor,),
        mrn="100482",
        given_name="Anna",
        family_name="Schneider",
        birth_date=dt.date(1954, 5, 3),
        user=account,
    )
    with acting_as(doctor):
        add_entry(
            doctor,
            model=Condition,
            patient=row,
            name="Essential hypertension",
            code="I10",
            since=dt.date(2019, 1, 1),
        )
        add_entry(
            doctor, model=Medication, patient=row, name="Bisoprolol", code="C07AB07", dose="5 mg once a day"
        )
        add_entry(doctor, model=Allergy, patient=row, substance="Penicillin", reaction="rash")
        add_entry(
            doctor,
            model=Note,
            patient=row,
            text="Palpitations since May, mostly in the evening.\nNo syncope.",
        )
    return row


def enter(page: Any, server: Any, user: User) -> None:
    """Give the browser a session of this user, without the form."""
    client = Client()
    client.force_login(user, backend="accounts.backends.CardioCareBackend")
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}]
    )


def sign_in(page: Any, server: Any, user: User) -> None:
    """Sign in by the form, as people do."""
    page.goto(f"{server.url}/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Any) -> None:
    """Sign out by the menu."""
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def upload_and_wait(page: Any, name: str, kind: str, data: bytes, *, every_model: bool = False) -> None:
    """Upload a file on the patient's page and wait until a worker has answered."""
    file = {"name": name, "mimeType": kind, "buffer": data}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_label("Ask every model").set_checked(every_model)
    page.get_by_role("button", name="Upload and analyse").click()
    row = page.locator("#diagnoses tr", has_text=name)
    row.get_by_text("Completed").wait_for(timeout=1000 * PATIENCE_S)


@contextlib.contextmanager
def seen_as(page: Any, width: int, scheme: str) -> Iterator[None]:
    """Look at the page on another screen for a while."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    yield
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.emulate_media(color_scheme="light")


def settle_layout(page: Any, width: int) -> None:
    """Let what follows the window's size in a later frame do so; whether it has is for the caller to say."""
    for _ in range(100):
        if page.evaluate("document.documentElement.scrollWidth") == width:
            return
        page.wait_for_timeout(50)


def until(page: Any, condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so on this side of the browser, such as what it has asked for."""
    for _ in range(int(20 * BROWSER_PATIENCE_S)):
        if condition():
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{what}: not within {BROWSER_PATIENCE_S:.0f} s")


def until_true(page: Any, expression: str, arg: Any = None) -> None:
    """Wait until an expression or function of JavaScript is true in the page.

    Playwright's `wait_for_function` reads its text anew in every frame, which the site's content security policy forbids at times.
    """
    until(page, lambda: bool(page.evaluate(expression, arg)), expression)


def judge(page: Any, name: str = "", *, schemes: tuple[str, ...] = ("light", "dark")) -> None:
    """axe finds nothing, wide and on a phone, in each colour scheme, and the page never scrolls sideways.

    With SCREENSHOTS=folder in the environment, pictures are kept there.
    """
    for width in (WIDE, PHONE):
        for scheme in schemes:
            with seen_as(page, width, scheme):
                if name and (folder := os.environ.get("SCREENSHOTS")):
                    page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
                settle_layout(page, width)
                found = Axe().run(page).response["violations"]
                where = f"{page.url} at {width} px, {scheme}"
                broken = [
                    (rule["id"], node["html"], node["failureSummary"])
                    for rule in found
                    for node in rule["nodes"]
                ]
                assert broken == [], (where, broken)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide == width, (where, wide)


@pytest.fixture
def complaints(page: Any) -> list[str]:
    """What the browser's console complains about, such as the content security policy."""
    lines: list[str] = []
    page.on("console", lambda line: lines.append(line.text) if line.type == "error" else None)
    return lines
