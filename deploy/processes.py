"""Child processes that are ended with their parent, whatever ends the parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class DeployError(Exception):
    """What happened, why, and what to do next, in a sentence for the person at the terminal."""


def _end_with_parent(parent: int, death_signal: int) -> Callable[[], None] | None:
    """What a new child calls before its program starts; None where the system has no such signal."""
    libc = _libc
    if libc is None:
        return None

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # the parent ended before the request
            os._exit(1)

    return ask_kernel


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    output: int | IO[Any] | None = None,
    own_group: bool = True,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program that receives `death_signal` when this process ends, even by kill -9.

    Args:
        command: program and arguments.
        env: its whole environment; ours when None.
        output: where its standard output goes; standard error follows it. Both are ours when None.
        own_group: keep the terminal's Ctrl-C away from it; the caller then ends it with `stop`.
        death_signal: the signal the kernel sends it when this process ends (Linux).
    """
    return subprocess.Popen(
        [str(part) for part in command],
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL if own_group else None,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=own_group,
        preexec_fn=_end_with_parent(os.getpid(), death_signal),  # noqa: PLW1509 - takes no lock
    )


def stop(process: subprocess.Popen[bytes], *, ask: int = signal.SIGTERM, grace_s: float = 10) -> None:
    """End a program of its own group: ask, wait, then kill it and whatever is left of its group."""
    if process.poll() is None:
        process.send_signal(ask)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], *, timeout_s: float, every_s: float = 0.03) -> bool:
    """Whether the condition became true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def alive(pid: int) -> bool:
    """Whether a process of this number exists and is not just waiting to be collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return sys.platform != "linux"
    return state != "Z"


def works_in(pid: int, directory: Path) -> bool:
    """Whether the process lives and works here: a number in an old file may be another program's by now."""
    if not alive(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == directory.resolve()
    except OSError:
        return sys.platform != "linux"


def end_stray(pid: int, *, ask: int, grace_s: float = 15) -> None:
    """End a process that is not our child."""
    for sign, patience in ((ask, grace_s), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        if wait_until(lambda: not alive(pid), timeout_s=patience):
            return
    raise DeployError(
        f"Process {pid} is left from an earlier run and does not end. End it by hand, then try again."
    )


def _terminal_interrupts_us() -> bool:
    """Whether Ctrl-C reaches the whole foreground group, so that a child has had it already."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def run_foreground(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    output: int | IO[Any] | None = None,
    grace_s: float = 20,
) -> int:
    """Run a program on this terminal and answer its exit code; an interruption reaches it and is raised."""
    process = subprocess.Popen(
        [str(part) for part in command],
        env=dict(env),
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        preexec_fn=_end_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - takes no lock
    )
    try:
        return process.wait()
    except BaseException as error:
        if process.poll() is None:
            if not isinstance(error, KeyboardInterrupt):
                process.terminate()
            elif not _terminal_interrupts_us():
                process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                process.wait(grace_s)
            if process.poll() is None:
                process.kill()
                process.wait()
        raise


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, indented, for an error message."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (empty log)"
