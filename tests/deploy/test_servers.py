"""`servers()`: what a command gets, how commands share, and that nothing outlives its owner."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from deploy.embedded import PostgresServer, ValkeyServer, servers
from deploy.environment import ROOT, Secrets
from deploy.processes import DeployError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("no_servers_chosen")]

HOLD = """
import signal, sys
from pathlib import Path
from deploy.embedded import servers
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
with servers(directory=Path(sys.argv[1]), ephemeral=len(sys.argv) > 2) as env:
    print(env["REDIS_URL"], flush=True)
    sys.stdin.readline()
print("ended", flush=True)
"""


def live(directory: Path) -> list[int]:
    """Numbers of the servers that live in this directory."""
    nobody = Secrets.random()
    kinds = (
        PostgresServer(directory / "postgres", secrets=nobody),
        ValkeyServer(directory / "valkey", secrets=nobody),
    )
    return [pid for server in kinds if (pid := server.pid())]


def test_the_environment_is_complete_and_kept(tmp_path: Path) -> None:
    with servers(directory=tmp_path / "local") as env:
        first = {
            name: env[name] for name in ("SECRET_KEY", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
        }
        assert env["MODE"] == "demo"
        assert env["STORAGE_URL"] == (tmp_path / "local" / "media").as_uri()
        assert "localhost" in env["ALLOWED_HOSTS"].split(",")
    with servers(directory=tmp_path / "local") as env:
        assert {name: env[name] for name in first} == first
    assert len(first["SECRET_KEY"]) >= 50
    assert live(tmp_path / "local") == []


def test_secrets_are_private_and_differ_from_each_other(tmp_path: Path) -> None:
    with servers(directory=tmp_path / "local", mode="test"):
        pass

    path = tmp_path / "local" / "secrets.json"
    values = json.loads(path.read_text()).values()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(set(values)) == len(values) == 5


def test_unreadable_secrets_are_explained(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    (local / "secrets.json").write_text("{}")

    with (
        pytest.raises(DeployError, match=r"holds the passwords of the private servers and cannot be read"),
        servers(directory=local),
    ):
        pass


def test_servers_that_the_person_chose_are_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@elsewhere/theirs")
    monkeypatch.setenv("REDIS_URL_FILE", "/run/secrets/redis_url")
    monkeypatch.setenv("STORAGE_URL", "s3://bucket")
    monkeypatch.setenv("MODE", "production")

    with servers(directory=tmp_path / "local") as env:
        assert live(tmp_path / "local") == []
        assert env["DATABASE_URL"] == env["DATABASE_OWNER_URL"] == "postgresql://me@elsewhere/theirs"
        assert "REDIS_URL" not in env
        assert env["STORAGE_URL"] == "s3://bucket"
        assert env["MODE"] == "production"
    assert not (tmp_path / "local" / "postgres").exists()


def test_a_second_command_shares_the_servers_and_leaves_them(tmp_path: Path, script) -> None:
    owner = script(HOLD, tmp_path / "local")
    url = owner.line()
    before = live(tmp_path / "local")

    with servers(directory=tmp_path / "local") as env:
        assert env["REDIS_URL"] == url
        assert live(tmp_path / "local") == before
    assert live(tmp_path / "local") == before
    assert len(before) == 2

    owner.process.stdin.write("\n")
    owner.process.stdin.flush()
    assert owner.line() == "ended"
    assert live(tmp_path / "local") == []


def test_the_owner_waits_for_the_other_command(tmp_path: Path, script) -> None:
    owner = script(HOLD, tmp_path / "local")
    owner.line()
    guest = script(HOLD, tmp_path / "local")
    guest.line()
    both = live(tmp_path / "local")

    owner.process.stdin.write("\n")
    owner.process.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        owner.process.wait(timeout=1)
    assert live(tmp_path / "local") == both

    guest.process.stdin.write("\n")
    guest.process.stdin.flush()
    assert guest.line() == owner.line() == "ended"
    assert live(tmp_path / "local") == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_its_owner(tmp_path: Path, script, sign: signal.Signals) -> None:
    owner = script(HOLD, tmp_path / "local")
    owner.line()
    names = {process.name() for process in owner.family}
    assert {"postgres", "valkey-server"} <= names

    owner.process.send_signal(sign)
    owner.process.wait(timeout=30)

    assert owner.survivors() == []


def test_after_a_killed_owner_the_next_command_starts_and_stops_servers(tmp_path: Path, script) -> None:
    owner = script(HOLD, tmp_path / "local")
    url = owner.line()
    owner.process.kill()

    with servers(directory=tmp_path / "local") as env:
        assert env["REDIS_URL"] == url
        assert len(live(tmp_path / "local")) == 2
    assert live(tmp_path / "local") == []


def test_ephemeral_servers_are_separate_and_leave_nothing(tmp_path: Path) -> None:
    with (
        servers(directory=tmp_path / "local", ephemeral=True, mode="test") as one,
        servers(directory=tmp_path / "local", ephemeral=True, mode="test") as two,
    ):
        for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY"):
            assert one[name] != two[name]
        assert one["MODE"] == "test"
    assert [path.name for path in (tmp_path / "local" / "once").iterdir()] == ["lock"]
    assert not (tmp_path / "local" / "postgres").exists()


def test_what_a_killed_test_run_left_is_removed_by_the_next(tmp_path: Path, script) -> None:
    killed = script(HOLD, tmp_path / "local", "ephemeral")
    killed.line()
    killed.process.kill()
    killed.process.wait()
    left = [path for path in (tmp_path / "local" / "once").iterdir() if path.is_dir()]
    assert len(left) == 1

    with servers(directory=tmp_path / "local", ephemeral=True):
        assert not left[0].exists()


def test_exec_ends_its_program_and_its_servers_on_sigint(tmp_path: Path) -> None:
    program = "import signal, sys; print('ready', flush=True); signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-m", "deploy", "exec", "--", sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "CARDIOCARE_LOCAL": str(tmp_path / "local")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stdout.readline() == "ready\n"
        family = psutil.Process(command.pid).children(recursive=True)
        command.send_signal(signal.SIGINT)
        assert command.wait(timeout=30) == 130

    assert len(family) >= 3
    assert psutil.wait_procs(family, timeout=30)[1] == []
