"""The private servers as one thing to use: `with servers() as env: ...`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from deploy.environment import Secrets, base_environment, is_set, local_directory, private_directory
from deploy.postgres import PostgresServer
from deploy.processes import end_stray, wait_until
from deploy.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PostgresServer", "ValkeyServer", "servers"]

Server = PostgresServer | ValkeyServer


@contextlib.contextmanager
def servers(
    *, mode: str = "demo", directory: Path | None = None, ephemeral: bool = False
) -> Iterator[dict[str, str]]:
    """Run the private servers that the environment does not replace, and give the way to reach them.

    Another command that already runs servers in the same directory shares them. Whoever started them stops
    them, after waiting for the others; Ctrl-C ends that wait. A server whose owner was killed is stopped and
    started again.

    Args:
        mode: MODE for Django unless the environment has one.
        directory: where data is kept between runs; `.local/` by default.
        ephemeral: fresh servers, empty and fast, shared with no one and removed at the end, for tests.

    Yields:
        The whole environment for child processes: DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL, STORAGE_URL,
        SECRET_KEY, MODE and ALLOWED_HOSTS beside what was there.

    Raises:
        DeployError: a server does not start.
    """
    local = private_directory(directory or local_directory())
    manager = _ephemeral(local, mode=mode) if ephemeral else _kept(local, mode=mode)
    with manager as env:
        yield env


def _wanted(local: Path, secrets: Secrets, *, durable: bool) -> list[Server]:
    """The servers that the environment does not replace."""
    logs = private_directory(local / "logs")
    wanted: list[Server] = []
    if not is_set(os.environ, "DATABASE_URL"):
        wanted.append(
            PostgresServer(local / "postgres", secrets=secrets, log=logs / "postgres.log", durable=durable)
        )
    if not is_set(os.environ, "REDIS_URL"):
        wanted.append(
            ValkeyServer(local / "valkey", secrets=secrets, log=logs / "valkey.log", durable=durable)
        )
    return wanted


def _environment(wanted: list[Server], *, local: Path, secrets: Secrets, mode: str) -> dict[str, str]:
    env = base_environment(local=local, secret_key=secrets.secret_key, mode=mode)
    for server in wanted:
        if isinstance(server, PostgresServer):
            env |= {"DATABASE_URL": server.app_url, "DATABASE_OWNER_URL": server.owner_url}
        else:
            env["REDIS_URL"] = server.url
    return env


def _start(wanted: list[Server]) -> None:
    for server in wanted:
        server.start()


def _stop(started: list[Server]) -> None:
    """Stop servers, uninterrupted: a second Ctrl-C must not leave one behind."""
    held = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for server in reversed(started):
            server.stop()
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


@contextlib.contextmanager
def _kept(local: Path, *, mode: str) -> Iterator[dict[str, str]]:
    with (local / "users.lock").open("a", encoding="utf-8") as users:
        started: list[Server] = []
        try:
            with _locked(local / "start.lock"):
                secrets = Secrets.kept_in(local / "secrets.json")
                wanted = _wanted(local, secrets, durable=True)
                alone = _try_exclusive(users)
                for server in wanted:
                    # Runs while no one uses it: its owner was killed. Started anew, it ends with us.
                    if alone or not _in_use(server):
                        started.append(server)
                        server.start()
                fcntl.flock(users, fcntl.LOCK_SH)
            yield _environment(wanted, local=local, secrets=secrets, mode=mode)
        except BaseException as error:
            _finish(local, users, started, wait=isinstance(error, KeyboardInterrupt | Exception))
            raise
        _finish(local, users, started, wait=True)


def _in_use(server: Server) -> bool:
    """Whether another command's server answers; one that is just starting or busy gets a moment."""
    return (
        server.pid() is not None
        and wait_until(lambda: server.running() or server.pid() is None, timeout_s=5)
        and server.running()
    )


def _try_exclusive(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _finish(local: Path, users: IO[str], started: list[Server], *, wait: bool) -> None:
    """Stop what we started once no other command uses it; at once when told not to wait, or on Ctrl-C."""
    if not started:
        return
    try:
        while wait:
            with _locked(local / "start.lock"):
                if _try_exclusive(users):
                    _stop(started)
                    return
            print(
                "Another command still uses the private servers; they stop with it. Ctrl-C stops them now.",
                file=sys.stderr,
            )
            fcntl.flock(users, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_UN)
    finally:
        _stop(started)


@contextlib.contextmanager
def _ephemeral(local: Path, *, mode: str) -> Iterator[dict[str, str]]:
    parent = private_directory(local / "once")
    with _locked(parent / "lock"):
        _remove_abandoned(parent)
        place = Path(tempfile.mkdtemp(dir=parent)).resolve()
        in_use = (place / "in-use").open("a", encoding="utf-8")
        fcntl.flock(in_use, fcntl.LOCK_EX)
    secrets = Secrets.random()
    started = _wanted(place, secrets, durable=False)
    try:
        _start(started)
        yield _environment(started, local=place, secrets=secrets, mode=mode)
    finally:
        _stop(started)
        shutil.rmtree(place, ignore_errors=True)
        in_use.close()


def _remove_abandoned(parent: Path) -> None:
    """Remove directories whose command was killed: nobody holds their lock."""
    for place in parent.iterdir():
        if not place.is_dir():
            continue
        with (place / "in-use").open("a", encoding="utf-8") as file:
            if not _try_exclusive(file):
                continue
            _stop_left_behind(place)
        shutil.rmtree(place, ignore_errors=True)


def _stop_left_behind(place: Path) -> None:
    """End servers that outlived their command in an abandoned directory, where the kernel did not do it."""
    nobody = Secrets.random()
    for server in (
        PostgresServer(place / "postgres", secrets=nobody),
        ValkeyServer(place / "valkey", secrets=nobody),
    ):
        pid = server.pid()
        if pid is not None:
            end_stray(pid, ask=signal.SIGTERM if isinstance(server, ValkeyServer) else signal.SIGINT)
