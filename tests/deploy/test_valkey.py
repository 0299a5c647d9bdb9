from __future__ import annotations

import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import redis
from celery import Celery

from deploy.valkey import ValkeyServer, port_is_free

if TYPE_CHECKING:
    from deploy.environment import Secrets

pytestmark = pytest.mark.processes


def client(url: str) -> closing[redis.Redis]:
    return closing(redis.Redis.from_url(url, decode_responses=True))


def test_data_survives_kill_9_on_the_same_port(valkey: ValkeyServer) -> None:
    port = valkey.port
    with client(valkey.url) as connection:
        connection.rpush("queue", "one", "two")

    valkey.kill()
    assert not valkey.running()
    valkey.start()

    assert valkey.port == port
    with client(valkey.url) as connection:
        assert connection.lrange("queue", 0, -1) == ["one", "two"]


def test_data_survives_a_stop(valkey: ValkeyServer) -> None:
    with client(valkey.url) as connection:
        connection.set("key", "value")

    valkey.stop()
    valkey.start()

    with client(valkey.url) as connection:
        assert connection.get("key") == "value"


def test_no_password_no_answer(valkey: ValkeyServer) -> None:
    with client(f"redis://127.0.0.1:{valkey.port}/0") as connection, pytest.raises(redis.AuthenticationError):
        connection.ping()


def test_the_password_is_in_private_files_only(valkey: ValkeyServer) -> None:
    configuration = valkey.directory / "valkey.conf"

    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    assert stat.S_IMODE(valkey.directory.stat().st_mode) == 0o700
    assert valkey.secrets.redis_password not in " ".join(map(str, valkey.process.args))


def test_another_program_on_its_port_makes_it_choose_a_new_one(valkey: ValkeyServer) -> None:
    valkey.stop()
    other = ValkeyServer(valkey.directory.with_name("other"), secrets=valkey.secrets)
    other.directory.mkdir()
    (other.directory / "port").write_text(str(valkey.port))
    other.start()
    assert other.port == valkey.port

    valkey.start()

    assert valkey.port != other.port
    assert valkey.running()
    other.stop()


def test_a_server_left_by_another_run_is_replaced(valkey: ValkeyServer, secrets: Secrets) -> None:
    left = valkey.pid()
    later = ValkeyServer(valkey.directory, secrets=secrets)

    later.start()

    assert later.pid() not in {None, left}
    assert later.running()
    later.stop()


def test_celery_publishes_through_its_url(valkey: ValkeyServer) -> None:
    app = Celery("proof", broker=valkey.url, set_as_current=False)

    app.send_task("a.task", queue="cpu")

    app.close()
    with client(valkey.url) as connection:
        assert connection.llen("cpu") == 1


def test_a_used_port_is_not_called_free(valkey: ValkeyServer) -> None:
    assert not port_is_free(valkey.port)
