"""Starting the two ways as real processes, and measuring their memory."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from deploy.processes import spawn, stop, tail, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

READY_WITHIN_S = 120.0
MB = 1e6


@contextlib.contextmanager
def program(
    command: list[str], *, env: dict[str, str], log: Path, ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ready to work; ended on the way out."""
    with log.open("wb") as output:
        process = spawn(command, env=env, output=output)
    try:
        if (
            not wait_until(lambda: process.poll() is not None or ready(), timeout_s=READY_WITHIN_S)
            or not ready()
        ):
            raise RuntimeError(f"{command[:6]} did not get ready:\n{tail(log, 30)}")
        yield process
    finally:
        stop(process, grace_s=15)


def answers(url: str) -> bool:
    """Whether a GET answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status < 400)
    except OSError:
        return False


def gunicorn(application: str, port: int, *, workers: int) -> list[str]:
    """A gunicorn with processes of one thread each."""
    options = ["--bind", f"127.0.0.1:{port}", "--workers", str(workers), "--timeout", "300"]
    return [sys.executable, "-m", "gunicorn", application, *options]


def memory_mb(process: subprocess.Popen[bytes]) -> dict[str, float | int]:
    """Proportional set size of a process and its descendants together, and the largest resident set of one, megabytes."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    infos = [member.memory_full_info() for member in family]
    return {
        "processes": len(family),
        "pss_mb": round(sum(info.pss for info in infos) / MB, 1),
        "largest_rss_mb": round(max(info.rss for info in infos) / MB, 1),
    }


def cpu_seconds() -> dict[str, float]:
    """Processor time so far of all servers and programs beside this client, by program: web, worker, PostgreSQL, Redis.

    Unlike the clock it hardly changes when something else keeps the machine busy.
    """
    total: dict[str, float] = {}
    for member in psutil.Process(os.getppid()).children(recursive=True):
        if member.pid != os.getpid():
            with contextlib.suppress(psutil.NoSuchProcess):
                role = role_of(" ".join(member.cmdline()))
                total[role] = total.get(role, 0.0) + sum(member.cpu_times()[:4])
    return total


def role_of(command: str) -> str:
    """Which part of the platform a command line belongs to."""
    roles = {
        "gunicorn": "web",
        " worker ": "worker",
        " beat ": "beat",
        "postgres": "database",
        "valkey": "broker",
    }
    return next((role for mark, role in roles.items() if mark in command), "other")


@dataclasses.dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one way.

    Attributes:
        images: how many images.
        seconds: by the clock.
        worked: processor seconds by program at the begin.
        worked_since: the same at the end.
    """

    images: int
    seconds: float
    worked: dict[str, float]
    worked_since: dict[str, float]

    @property
    def per_second(self) -> float:
        """Images per second by the clock."""
        return self.images / self.seconds

    @property
    def cpu_ms(self) -> dict[str, float]:
        """Milliseconds of processor time per image, by program and in total."""
        parts = {
            role: 1000 * (seconds - self.worked.get(role, 0.0)) / self.images
            for role, seconds in self.worked_since.items()
        }
        return {"total": sum(parts.values())} | dict(sorted(parts.items()))

    def as_json(self) -> dict[str, Any]:
        """The figures, rounded."""
        cpu = {role: round(ms, 2) for role, ms in self.cpu_ms.items()}
        return {
            "seconds": round(self.seconds, 3),
            "per_second": round(self.per_second, 2),
            "cpu_ms_per_image": cpu,
        }
