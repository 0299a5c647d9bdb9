"""`test` and `lint`: every check under its own heading, all of them run, one summary at the end."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.embedded import servers
from deploy.environment import placeholder_environment
from deploy.processes import run_foreground

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHROMIUM = Path("/usr/bin/chromium")
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True)
class Check:
    """One program that passes or fails."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """How a check ended."""

    name: str
    code: int
    seconds: float


def lint_checks() -> list[Check]:
    """Checks of the text of the code; no server is needed."""
    python = (sys.executable, "-m")
    bin_directory = Path(sys.executable).parent
    return [
        Check("ruff check", (*python, "ruff", "check", ".")),
        Check("ruff format", (*python, "ruff", "format", "--check", ".")),
        Check("import-linter", (str(bin_directory / "lint-imports"),)),
        Check("mypy", (*python, "mypy", ".")),
        Check("djlint", (*python, "djlint", "--lint", "--quiet", "templates")),
    ]


def django_checks() -> list[Check]:
    """Checks by Django against the private database."""
    manage = (sys.executable, "manage.py")
    return [
        Check("migrations", (*manage, "makemigrations", "--check", "--dry-run")),
        Check("system checks", (*manage, "check", "--fail-level", "WARNING")),
    ]


def heading(text: str) -> None:
    """A line that is easy to find in a long log."""
    print(f"\n=== {text} {'=' * max(4, 90 - len(text))}", flush=True)


def run_check(check: Check, env: Mapping[str, str]) -> Outcome:
    """Run a check under its heading."""
    heading(check.name)
    began = time.monotonic()
    code = run_foreground(check.command, env=env)
    return Outcome(check.name, code, time.monotonic() - began)


def browser_outcome(env: Mapping[str, str]) -> Outcome | None:
    """A failure when required browser tests cannot run, a loud note when they are skipped, else None."""
    if CHROMIUM.exists():
        return None
    heading("browser")
    if env.get("REQUIRE_BROWSER") == "1":
        print(
            f"{CHROMIUM} is missing and REQUIRE_BROWSER=1: install it with `apt-get install chromium`.",
            flush=True,
        )
        return Outcome("browser", 1, 0)
    print(
        f"!!! {CHROMIUM} is missing: EVERY BROWSER TEST IS SKIPPED. `apt-get install chromium` installs it.",
        flush=True,
    )
    return Outcome("browser (SKIPPED: no chromium)", 0, 0)


def summary(outcomes: Sequence[Outcome]) -> int:
    """Print each check's result; answer 0 only when all passed, else the last failure's code."""
    heading("Summary")
    for outcome in outcomes:
        print(f"{'ok    ' if outcome.code == 0 else 'FAILED'}  {outcome.seconds:6.1f} s  {outcome.name}")
    failures = [outcome for outcome in outcomes if outcome.code]
    names = ", ".join(outcome.name for outcome in failures)
    print(f"\n{f'{len(failures)} failed: {names}' if failures else 'Everything passed.'}", flush=True)
    return failures[-1].code if failures else 0


def lint() -> int:
    """Run the checks that need no server."""
    env = placeholder_environment()
    return summary([run_check(check, env) for check in lint_checks()])


def test(arguments: Sequence[str]) -> int:
    """Run every check and pytest on fresh private servers.

    Args:
        arguments: handed to pytest.
    """
    with servers(mode="test", ephemeral=True) as env:
        outcomes = [run_check(check, env) for check in lint_checks()]
        # Tests and migrations' checks read the schema as its owner would change it.
        owner = {**env, "DATABASE_ROLE": "owner"}
        outcomes += [run_check(check, owner) for check in django_checks()]
        browser = browser_outcome(os.environ)
        outcomes += [browser] if browser else []
        tests = run_check(Check("pytest", (sys.executable, "-m", "pytest", *arguments)), owner)
        if tests.code == NO_TESTS_COLLECTED:
            print("pytest found no tests, which counts as a failure.", flush=True)
        return summary([*outcomes, tests])
