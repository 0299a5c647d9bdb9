"""Fixtures shared by all tests. PostgreSQL, Redis and the storage are real (`make test` starts them)."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from django.core.signals import request_finished, request_started
from django.db import connection

from accounts.roles import Role
from deploy.processes import wait_until
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import User

# The same examples in every run, so that a change is judged by what it changed; HYPOTHESIS_PROFILE=default looks for new ones.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    print_blob=True,
    # How busy the machine is, is no failure.
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# A busy machine is no failure: a wait costs this only where it fails.
BROWSER_PATIENCE_S = 45.0
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Answering:
    """The threads of the live server that are answering a request; a test's own client asks in the main thread."""

    def __init__(self) -> None:
        self.busy: set[threading.Thread] = set()
        self.lock = threading.Lock()

    def began(self, **_: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            with self.lock:
                self.busy.add(threading.current_thread())

    def ended(self, **_: Any) -> None:
        with self.lock:
            self.busy.discard(threading.current_thread())

    def rests(self) -> bool:
        """Wait until nothing is being answered; whether that came about in time."""
        return wait_until(self._rest, timeout_s=BROWSER_PATIENCE_S)

    def _rest(self) -> bool:
        with self.lock:
            return not any(thread.is_alive() for thread in self.busy)


def stored_in(storages: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The setting STORAGES with uploads below one folder."""
    backend = "django.core.files.storage.FileSystemStorage"
    return storages | {"default": {"BACKEND": backend, "OPTIONS": {"location": str(folder)}}}


@pytest.fixture(autouse=True)
def _private_storage(settings: Any, tmp_path: Path) -> None:
    """Each test stores its files in a folder of its own."""
    settings.STORAGES = stored_in(settings.STORAGES, tmp_path / "media")


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Where the test's files are stored."""
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def _test_reads_as_system(request: pytest.FixtureRequest) -> None:
    """The test's own connection sees all rows; requests and services bind their actor themselves."""
    wanted = {"db", "transactional_db", "live_server"}.intersection(request.fixturenames)
    if wanted or request.node.get_closest_marker("django_db"):
        name = "transactional_db" if "live_server" in wanted else next(iter(wanted), "db")
        marker = request.node.get_closest_marker("django_db")
        if marker is not None and marker.kwargs.get("transaction"):
            name = "transactional_db"
        request.getfixturevalue(name)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('cardiocare.role', 'system', false)")


@pytest.fixture
def doctor(db: None) -> User:
    """A doctor."""
    return factories.user(Role.DOCTOR, "doctor", first_name="Ada", last_name="Heart")


@pytest.fixture
def other_doctor(db: None) -> User:
    """A doctor with no access to the first one's patients, but with patients of their own."""
    other = factories.user(Role.DOCTOR, "other-doctor")
    factories.completed(factories.patient(team=(other,)), other)
    return other


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; without one the test is skipped, unless REQUIRE_BROWSER=1 forbids that."""
    if not CHROMIUM.exists():
        message = "no /usr/bin/chromium here: browser tests do not run (Debian: apt-get install chromium)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * BROWSER_PATIENCE_S)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps an event loop in this thread
    with (
        sync_playwright() as playwright,
        contextlib.closing(
            playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        ) as chromium,
    ):
        yield chromium


@pytest.fixture(scope="session")
def answering() -> Iterator[Answering]:
    """What the live server is answering."""
    now = Answering()
    request_started.connect(now.began)
    request_finished.connect(now.ended)
    yield now
    request_started.disconnect(now.began)
    request_finished.disconnect(now.ended)


@pytest.fixture
def page(browser: Any, answering: Answering) -> Iterator[Any]:
    """A fresh browser page that fails the test on a script error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(1000 * BROWSER_PATIENCE_S)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    asked: set[Any] = set()

    def began(request: Any) -> None:
        asked.add(request)

    def ended(request: Any) -> None:
        asked.discard(request)

    context.on("request", began)
    context.on("requestfinished", ended)
    context.on("requestfailed", ended)
    yield tab
    for _ in range(100):
        if not asked or tab.is_closed():
            break
        tab.wait_for_timeout(50)
    context.close()
    # An answer that is still being written would be in the way of emptying the database, also one that nobody waits for any more.
    assert answering.rests()
    assert errors == []
