"""Real Celery workers, beat and web servers on the test's own database, storage and broker.

`live_worker` is one prefork worker that is ready; with a test's own client or `live_server`, what is uploaded gets analysed.
`services` starts what a test asks for. Everything ends with the test; the logs are shown when it fails.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
import redis
from django.db import connection

from deploy.commands import web_command
from deploy.processes import spawn, stop, tail, wait_until
from deploy.valkey import free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 150.0  # a busy machine is no failure; a wait costs this only where it fails
CELERY = (sys.executable, "-m", "celery", "-A", "cardiocare_site")
SMALL = {"SWEEP_INTERVAL_S": "0.5", "LOG_LEVEL": "INFO", "OMP_NUM_THREADS": "1", "MODE": "test"}


def with_database(url: str, name: str) -> str:
    """The same server, user and options with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def environment(media: Path, **changes: str) -> dict[str, str]:
    """What processes need to work on the database and the files of this test, as the application's role."""
    name = connection.settings_dict["NAME"]
    env = os.environ | SMALL | {"STORAGE_URL": media.as_uri(), "DATABASE_ROLE": "app"}
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        env[variable] = with_database(env[variable], name)
    return env | changes


@dataclasses.dataclass
class Service:
    """A running program of the platform."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, condition: Callable[[], Any], what: str, *, timeout_s: float = PATIENCE_S) -> None:
        """Poll until `condition`; fail with the log when the service ends first or time runs out."""
        met = wait_until(lambda: bool(condition()) or not self.alive(), timeout_s=timeout_s, every_s=0.05)
        if not met or not condition():
            pytest.fail(
                f"{what}: not within {timeout_s:.0f} s. {self.name}'s log ends:\n{tail(self.log, 40)}"
            )

    def alive(self) -> bool:
        return self.process.poll() is None

    def children(self) -> list[psutil.Process]:
        """Its child processes, the eldest first."""
        return sorted(psutil.Process(self.process.pid).children(), key=lambda child: child.pid)

    def kill(self) -> None:
        """End the main process as a crash would (kill -9)."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """End it and whatever is left of its group, without ceremony."""
        stop(self.process, ask=signal.SIGKILL)


class Services:
    """Starts programs for one test and ends them."""

    def __init__(self, env: dict[str, str], logs: Path) -> None:
        self.env, self.logs, self.started = env, logs, list[Service]()
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: list[str], **env: str) -> Service:
        """Start a program; returns at once."""
        log = self.logs / f"{name}-{len(self.started)}.log"
        with log.open("wb") as output:
            process = spawn(command, env=self.env | env, output=output)
        service = Service(name, process, log)
        self.started.append(service)
        return service

    def worker(  # the options of `celery worker`
        self,
        name: str = "test",
        *,
        queues: str = "gpu,cpu,io",
        pool: str = "prefork",
        processes: int = 1,
        **env: str,
    ) -> Service:
        """A Celery worker that is ready to take work."""
        command = [
            *CELERY,
            "worker",
            "-n",
            f"{name}@test",
            "-Q",
            queues,
            "--pool",
            pool,
            "-c",
            str(processes),
        ]
        service = self.start(
            name, [*command, "--without-gossip", "--without-mingle", "--loglevel", "INFO"], **env
        )
        service.wait(lambda: f"{name}@test ready." in service.text(), "the worker's start")
        return service

    def beat(self, **env: str) -> Service:
        """Celery beat, which makes the sweeper run every half second."""
        schedule = self.logs / f"beat-{len(self.started)}"
        command = [*CELERY, "beat", "--schedule", str(schedule), "--pidfile", "", "--loglevel", "INFO"]
        return self.start("beat", command, **env)

    def web(self, **env: str) -> str:
        """Gunicorn as `make run` starts it, answering; returns its address."""
        port = free_port()
        service = self.start("web", web_command(port), **env)
        import requests

        def live() -> bool:
            try:
                return bool(requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5).ok)
            except (requests.ConnectionError, requests.Timeout):
                return False

        service.wait(live, "the web server's start")
        return f"http://127.0.0.1:{port}"

    def end(self) -> None:
        """End everything; the logs go to the captured output, which pytest shows when the test failed."""
        for service in reversed(self.started):
            service.end()
        for service in self.started:
            print(f"--- {service.log.name}\n{tail(service.log, 60)}")


@pytest.fixture
def services(transactional_db: None, media: Path, tmp_path: Path) -> Iterator[Services]:
    """Starts workers, beat and web on this test's database, storage and (emptied) broker."""
    media.mkdir(exist_ok=True)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
        broker.flushdb()  # what earlier tests published
    started = Services(environment(media), tmp_path / "logs")
    yield started
    started.end()


@pytest.fixture
def live_worker(services: Services) -> Service:
    """One prefork worker with one child that is ready."""
    return services.worker()
