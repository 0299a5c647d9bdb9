"""Services under one parent: named logs, a restart after a crash, and nothing left at the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self

from deploy.processes import DeployError, spawn, stop, tail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RESTARTS_AT_MOST = 4
RESTARTS_WITHIN_S = 60.0


@dataclass
class Service:
    """A program that is kept running."""

    name: str
    command: Sequence[str | Path]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    restarts: list[float] = field(default_factory=list)

    @property
    def pid(self) -> int | None:
        """Number of the live process."""
        return self.process.pid if self.process and self.process.poll() is None else None


class Supervisor:
    """Starts services, keeps their logs, restarts the ones that crash, and ends them all.

    Args:
        env: the whole environment of each service.
        logs: directory of the log files, one per service, begun anew each time.
        screen: where lines are repeated with the service's name in front while `echo` is true.
    """

    def __init__(self, *, env: Mapping[str, str], logs: Path, screen: IO[str] | None = None) -> None:
        self.env = env
        self.logs = logs
        self.screen = screen or sys.stdout
        self.echo = False
        self.services: dict[str, Service] = {}
        self._lock = threading.Lock()

    def add(self, name: str, command: Sequence[str | Path]) -> None:
        """Register a service and start it."""
        service = Service(name, command, self.logs / f"{name}.log")
        self.services[name] = service
        service.log.write_bytes(b"")
        self._start(service)

    def check(self) -> None:
        """Restart what has ended.

        Raises:
            DeployError: a service keeps ending; the message carries the end of its log.
        """
        for service in self.services.values():
            if service.process is None or service.process.poll() is None:
                continue
            code = service.process.returncode
            self._end(service)
            now = time.monotonic()
            service.restarts = [when for when in service.restarts if now - when < RESTARTS_WITHIN_S] + [now]
            if len(service.restarts) > RESTARTS_AT_MOST:
                raise DeployError(
                    f"{service.name} ended {len(service.restarts)} times in a minute, last with code {code}, "
                    f"and is not started again. The whole log is {service.log}. It ends:\n{tail(service.log)}"
                )
            self._say(service, f"ended with code {code}; starting it again")
            self._start(service)

    def watch(self) -> None:
        """Keep the services running until this process is interrupted."""
        pause = threading.Event()
        while True:
            self.check()
            pause.wait(0.25)

    def stop(self, *, grace_s: float = 20) -> None:
        """Ask every service to end, then kill what has not ended in time. No signal cuts this short."""
        held = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            deadline = time.monotonic() + grace_s
            for service in self.services.values():
                if service.process and service.process.poll() is None:
                    service.process.terminate()
            for service in self.services.values():
                self._end(service, grace_s=max(0.1, deadline - time.monotonic()))
        finally:
            for number, handler in held.items():
                signal.signal(number, handler)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, service: Service) -> None:
        service.process = spawn(service.command, env=self.env, output=subprocess.PIPE)
        service.reader = threading.Thread(target=self._read, args=(service, service.process), daemon=True)
        service.reader.start()

    def _end(self, service: Service, *, grace_s: float = 1) -> None:
        """End what is left of a service and take in its last lines."""
        if service.process is not None:
            stop(service.process, grace_s=grace_s)
        if service.reader is not None:
            service.reader.join(timeout=5)
        service.process = service.reader = None

    def _read(self, service: Service, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with service.log.open("ab", buffering=0) as log, process.stdout as lines:
            for line in lines:
                log.write(line)
                if self.echo:
                    self._say(service, line.decode("utf-8", errors="replace").rstrip())

    def _say(self, service: Service, text: str) -> None:
        width = max(len(name) for name in self.services)
        with self._lock:
            print(f"{service.name:<{width}} | {text}", file=self.screen, flush=True)
