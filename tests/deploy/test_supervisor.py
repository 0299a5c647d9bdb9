from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from deploy import supervisor as module
from deploy.processes import DeployError, wait_until
from deploy.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.processes

# A service with a child of its own, as gunicorn and Celery have; the child ignores SIGTERM.
FAMILY = (
    "import os, signal, subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c',"
    " 'import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(0, flush=True); signal.pause()'],"
    " stdout=subprocess.PIPE);"
    "child.stdout.readline(); print('up', flush=True); signal.pause()"
)
SUPERVISE = f"""
import os, signal, sys
from pathlib import Path
from deploy.supervisor import Supervisor
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
family = {FAMILY!r}
with Supervisor(env=os.environ, logs=Path(sys.argv[1])) as supervisor:
    supervisor.echo = True
    supervisor.add("one", [sys.executable, "-c", family])
    supervisor.add("two", [sys.executable, "-c", family])
    supervisor.watch()
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(tmp_path: Path, screen: io.StringIO) -> Iterator[Supervisor]:
    with Supervisor(env=os.environ, logs=tmp_path, screen=screen) as made:
        yield made


def within(condition) -> None:
    assert wait_until(condition, timeout_s=30), "it did not happen within 30 s"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_services_and_their_children_end_with_the_supervisor(
    tmp_path: Path, script, sign: signal.Signals
) -> None:
    owner = script(SUPERVISE, tmp_path)
    assert sorted((owner.line(), owner.line())) == ["one | up", "two | up"]
    assert len(owner.family) == 4

    owner.process.send_signal(sign)

    assert owner.process.wait(timeout=30) != 0
    assert owner.survivors() == []


def test_services_end_when_the_supervisor_is_killed(tmp_path: Path, script) -> None:
    owner = script(SUPERVISE, tmp_path)
    owner.line(), owner.line()
    services = psutil.Process(owner.process.pid).children()

    owner.process.kill()

    assert psutil.wait_procs(services, timeout=30)[1] == []


def test_lines_are_kept_and_repeated_under_the_service_name(
    supervisor: Supervisor, screen: io.StringIO, tmp_path: Path
) -> None:
    supervisor.echo = True
    supervisor.add("speaker", python("import signal; print('hello', flush=True); signal.pause()"))

    within(lambda: screen.getvalue() == "speaker | hello\n")
    assert (tmp_path / "speaker.log").read_text() == "hello\n"


def test_lines_stay_off_the_screen_until_asked_for(
    supervisor: Supervisor, screen: io.StringIO, tmp_path: Path
) -> None:
    supervisor.add("speaker", python("import signal; print('hello', flush=True); signal.pause()"))

    within(lambda: (tmp_path / "speaker.log").read_text() == "hello\n")
    assert screen.getvalue() == ""


def test_a_killed_service_is_started_again(supervisor: Supervisor, screen: io.StringIO) -> None:
    supervisor.add("worker", python("import signal; signal.pause()"))
    first = supervisor.services["worker"].pid
    os.kill(first, signal.SIGKILL)
    within(lambda: supervisor.services["worker"].pid is None)

    supervisor.check()

    assert supervisor.services["worker"].pid not in {None, first}
    assert screen.getvalue() == "worker | ended with code -9; starting it again\n"


def test_a_service_that_keeps_ending_stops_everything_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.add("worker", python("raise SystemExit('no such model')"))

    def never() -> bool:
        supervisor.check()
        return False

    with pytest.raises(DeployError, match="worker ended 5 times in a minute, last with code 1") as error:
        within(never)
    assert str(error.value).endswith("  no such model")


def test_crashes_far_apart_do_not_add_up(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTARTS_WITHIN_S", 0)
    supervisor.add("worker", python(""))

    for _ in range(2 * module.RESTARTS_AT_MOST):
        within(lambda: supervisor.services["worker"].pid is None)
        supervisor.check()


def test_a_service_that_ignores_the_request_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    deaf = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(0, flush=True); signal.pause()"
    )
    supervisor.add("deaf", python(deaf))
    within(lambda: (tmp_path / "deaf.log").read_text() != "")
    process = psutil.Process(supervisor.services["deaf"].pid)

    supervisor.stop(grace_s=0.2)

    assert not process.is_running()
