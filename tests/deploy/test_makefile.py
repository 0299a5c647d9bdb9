"""`make`: what it would run, and what it says on a machine without Python 3.11."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import __main__ as command_line
from deploy import bootstrap, checks
from deploy.environment import ROOT

MAKE = shutil.which("make") or "make"
SHELL_ONLY = ("sh", "sed", "test", "echo")


def make(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment}
    return subprocess.run([MAKE, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("run",), "run"),
        (("demo", "ARGS=--json"), "demo --json"),
        (("demo", "ARGS=--json", "DATA=my data"), 'demo --json --data "my data"'),
        (("test", "ARGS=-k name"), "test -k name"),
        (("bench",), "bench"),
        (("lint",), "lint"),
        (("manage", "ARGS=create_api_key --user ada"), "manage create_api_key --user ada"),
    ],
)
def test_each_target_sets_up_and_then_runs_one_command(arguments: tuple[str, ...], command: str) -> None:
    done = make("--dry-run", *arguments)

    assert done.returncode == 0
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert any(line.endswith(" deploy/bootstrap.py") for line in lines)
    assert lines[-1] == f"exec .venv/bin/python -m deploy {command}"


def test_without_python_3_11_it_says_so(tmp_path: Path) -> None:
    for name in SHELL_ONLY:
        program = shutil.which(name)
        if program:
            (tmp_path / name).symlink_to(program)
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)

    done = make("run", PATH=str(tmp_path))

    assert done.returncode != 0
    assert done.stdout == ""
    assert "CardioCare needs Python 3.11, and neither python3.11 nor python3 is that." in done.stderr


@pytest.mark.processes
def test_set_up_speaks_on_standard_error_and_only_what_failed(tmp_path: Path) -> None:
    """`make demo ARGS=--json` in another directory, with an index that has nothing."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "deploy" / "bootstrap.py", tmp_path / "deploy")
    shutil.copy(ROOT / "uv.lock", tmp_path)
    python = tmp_path / "bin" / "python3.11"
    python.parent.mkdir()
    python.symlink_to(Path(sys.executable).resolve())
    nothing = tmp_path / "nothing"
    nothing.mkdir()

    done = make(
        *("demo", "ARGS=--json"),
        cwd=tmp_path,
        PATH=f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(nothing),
        PIP_CONFIG_FILE=os.devnull,
    )

    assert done.returncode != 0
    assert done.stdout == ""
    assert f"pip could not install {bootstrap.UV}. Its message is above." in done.stderr
    assert not (tmp_path / ".venv" / bootstrap.STAMP.name).exists()


def test_set_up_does_nothing_when_the_lock_is_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stamp = tmp_path / "stamp"
    monkeypatch.setattr(bootstrap, "STAMP", stamp)
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(bootstrap, "call", lambda *_, **__: pytest.fail("a step ran"))
    stamp.write_text(bootstrap.fingerprint())

    bootstrap.synchronise()

    assert capsys.readouterr() == ("", "")


def test_set_up_runs_again_when_the_lock_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[str, ...]] = []
    stamp = tmp_path / "stamp"
    stamp.write_text("of an earlier lock")
    monkeypatch.setattr(bootstrap, "STAMP", stamp)
    monkeypatch.setattr(bootstrap, "make_environment", lambda: None)
    monkeypatch.setattr(bootstrap, "pip", lambda: ["python", "-m", "pip"])
    monkeypatch.setattr(bootstrap, "call", lambda *command, **_: steps.append(command))

    bootstrap.synchronise()

    assert [step[1:3] for step in steps] == [("-m", "pip"), ("sync", "--frozen")]
    assert "--compile-bytecode" in steps[1]
    assert stamp.read_text() == bootstrap.fingerprint()


def test_arguments_after_test_go_to_pytest_untouched() -> None:
    options, rest = command_line.parse(["test", "-k", "name", "--json", "--help"])

    assert options.command == "test"
    assert rest == ["-k", "name", "--json", "--help"]


def test_exec_takes_the_program_after_the_dashes() -> None:
    options, rest = command_line.parse(["exec", "--kept", "--", "pytest", "-x", "--", "tests"])

    assert options.kept is True
    assert rest == ["pytest", "-x", "--", "tests"]


def test_the_summary_fails_when_any_check_failed(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [checks.Outcome("mypy", 1, 2.0), checks.Outcome("pytest", 0, 3.0)]

    assert checks.summary(outcomes) == 1
    assert "1 failed: mypy" in capsys.readouterr().out
    assert checks.summary([*outcomes, checks.Outcome("pytest", 5, 0.1)]) == 5
    assert checks.summary(outcomes[1:]) == 0


@pytest.mark.parametrize(("required", "code"), [("1", 1), ("", 0)])
def test_a_missing_browser_fails_only_where_it_is_required(
    required: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(checks, "CHROMIUM", tmp_path / "chromium")

    outcome = checks.browser_outcome({"REQUIRE_BROWSER": required})

    assert outcome.code == code
    assert "apt-get install chromium" in capsys.readouterr().out
