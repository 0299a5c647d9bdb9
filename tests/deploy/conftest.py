from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from deploy.environment import ROOT, Secrets
from deploy.postgres import PostgresServer
from deploy.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLES = ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY")


@pytest.fixture
def secrets() -> Secrets:
    return Secrets.random()


@pytest.fixture
def postgres(tmp_path: Path, secrets: Secrets) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "postgres", secrets=secrets)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def valkey(tmp_path: Path, secrets: Secrets) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "valkey", secrets=secrets)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def no_servers_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a person who has set nothing; `make test` itself sets all of these."""
    for name in (*VARIABLES, "DATABASE_OWNER_URL", "MODE", "ALLOWED_HOSTS", "CARDIOCARE_LOCAL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


class Script:
    """Another Python process of ours, spoken to by lines."""

    def __init__(self, code: str, *arguments: object) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.family: list[psutil.Process] = []

    def line(self) -> str:
        """The next line that it prints; remembers every process under it at that moment."""
        text = self.process.stdout.readline().strip()
        self.family = psutil.Process(self.process.pid).children(recursive=True) if text else self.family
        return text

    def survivors(self, timeout_s: float = 30) -> list[psutil.Process]:
        """Processes of the family that are still there when the time is up."""
        return psutil.wait_procs(self.family, timeout=timeout_s)[1]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        for process in self.survivors(timeout_s=0):
            with contextlib.suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
                process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def script() -> Iterator[type[Script]]:
    made: list[Script] = []

    def make(code: str, *arguments: object) -> Script:
        made.append(Script(code, *arguments))
        return made[-1]

    yield make
    for one in made:
        one.close()
