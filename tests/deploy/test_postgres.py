from __future__ import annotations

import os
import pwd
import re
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import errors

from deploy.environment import ROOT
from deploy.postgres import EXTENSIONS, PostgresServer
from deploy.processes import DeployError

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.environment import Secrets

pytestmark = pytest.mark.processes


def ask(url: str, statement: str, *parameters: object) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def test_the_owner_owns_and_the_application_may_only_use(postgres: PostgresServer) -> None:
    ask(postgres.owner_url, "CREATE TABLE note (id serial PRIMARY KEY, text text)")
    ask(postgres.app_url, "INSERT INTO note (text) VALUES ('kept')")

    assert ask(postgres.app_url, "SELECT id, text FROM note") == [(1, "kept")]
    with pytest.raises(errors.InsufficientPrivilege):
        ask(postgres.app_url, "DROP TABLE note")
    with pytest.raises(errors.InsufficientPrivilege):
        ask(postgres.app_url, "CREATE TABLE other (id int)")
    with pytest.raises(errors.InsufficientPrivilege):
        ask(postgres.app_url, "TRUNCATE note")


def test_row_level_security_binds_the_application_role(postgres: PostgresServer) -> None:
    ask(postgres.owner_url, "CREATE TABLE secret (text text)")
    ask(postgres.owner_url, "INSERT INTO secret VALUES ('someone else')")
    ask(postgres.owner_url, "ALTER TABLE secret ENABLE ROW LEVEL SECURITY")

    assert ask(postgres.owner_url, "SELECT text FROM secret") == [("someone else",)]
    assert ask(postgres.app_url, "SELECT text FROM secret") == []


def test_roles_have_no_more_rights_than_they_need(postgres: PostgresServer) -> None:
    rights = ask(
        postgres.owner_url,
        "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname IN ('cardiocare_app', 'cardiocare_owner') ORDER BY rolname",
    )

    assert rights == [
        ("cardiocare_app", True, False, False, False, False),
        ("cardiocare_owner", True, False, False, False, True),
    ]


def test_a_test_database_has_the_extensions_and_the_default_rights(postgres: PostgresServer) -> None:
    with closing(psycopg2.connect(postgres.owner_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("CREATE DATABASE test_cardiocare")
    owner, app = (
        url.replace("/cardiocare?", "/test_cardiocare?") for url in (postgres.owner_url, postgres.app_url)
    )
    ask(owner, "CREATE TABLE note (text text)")
    ask(app, "INSERT INTO note VALUES ('x')")

    installed = ask(owner, "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'")
    assert {name for (name,) in installed} == set(EXTENSIONS)
    assert ask(owner, "SELECT count(*) FROM note") == [(1,)]


def test_a_wrong_password_is_refused_and_nothing_listens_on_the_network(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(postgres.url("cardiocare_app", password="wrong"))
    assert ask(postgres.app_url, "SHOW listen_addresses") == [("",)]


def test_cluster_uses_checksums_utf8_and_the_builtin_locale(postgres: PostgresServer) -> None:
    assert ask(postgres.app_url, "SHOW data_checksums") == [("on",)]
    assert ask(
        postgres.app_url,
        "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale FROM pg_database WHERE datname = 'cardiocare'",
    ) == [("UTF8", "b", "C.UTF-8")]


def test_data_is_private_and_owned_by_the_user_who_ran_it(postgres: PostgresServer) -> None:
    for path in (postgres.directory, postgres.directory / "PG_VERSION"):
        assert path.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(postgres.directory.stat().st_mode) == 0o700


def test_committed_data_survives_kill_9(postgres: PostgresServer) -> None:
    ask(postgres.owner_url, "CREATE TABLE note AS SELECT 42 AS answer")

    postgres.kill()
    assert not postgres.running()
    postgres.start()

    assert ask(postgres.app_url, "SELECT answer FROM note") == [(42,)]


def test_a_stale_lock_file_that_names_another_program_is_no_obstacle(postgres: PostgresServer) -> None:
    ask(postgres.owner_url, "CREATE TABLE note AS SELECT 42 AS answer")
    lock = postgres.directory / "postmaster.pid"
    text = lock.read_text()
    postgres.kill()
    lock.write_text(re.sub(r"\A\d+", str(os.getppid()), text))

    postgres.start()

    assert ask(postgres.app_url, "SELECT answer FROM note") == [(42,)]


def test_a_server_left_by_another_run_is_replaced(postgres: PostgresServer, secrets: Secrets) -> None:
    left = postgres.pid()
    later = PostgresServer(postgres.directory, secrets=secrets)

    later.start()

    assert later.pid() not in {None, left}
    assert ask(later.app_url, "SELECT current_user") == [("cardiocare_app",)]
    later.stop()


def test_an_interrupted_preparation_is_finished_on_the_next_start(postgres: PostgresServer) -> None:
    marker = next(postgres.directory.glob("cardiocare-roles-*"))
    marker.unlink()
    postgres.stop()

    postgres.start()

    assert marker.exists()
    assert ask(postgres.app_url, "SELECT current_user") == [("cardiocare_app",)]


def test_a_long_path_gets_a_short_private_socket(tmp_path: Path, secrets: Secrets) -> None:
    server = PostgresServer(tmp_path / ("deep" * 20) / ("deeper" * 10) / "postgres", secrets=secrets)

    server.start()
    place = server.socket_directory
    answer = ask(server.app_url, "SELECT current_user")
    mode = stat.S_IMODE(place.stat().st_mode)
    server.stop()

    assert place != server.directory
    assert answer == [("cardiocare_app",)]
    assert mode == 0o700
    assert not place.exists()


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root, and users without a name, need another user's number"
)
def test_root_needs_no_particular_user(
    tmp_path: Path, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many machines have no user 1000."""
    known = [entry for entry in pwd.getpwall() if entry.pw_uid != 1000]
    monkeypatch.setattr("deploy.postgres.pwd.getpwall", lambda: known)
    server = PostgresServer(tmp_path / "postgres", secrets=secrets)

    server.start()
    answer = ask(server.app_url, "SELECT current_user")
    command = server.process.args
    server.stop()

    assert answer == [("cardiocare_app",)]
    assert "--map-user=65534" in command
    assert server.directory.stat().st_uid == 0


def test_a_path_with_spaces_and_accents_works(tmp_path: Path, secrets: Secrets) -> None:
    server = PostgresServer(tmp_path / "data of Zoë & co" / "postgres", secrets=secrets)

    server.start()
    answer = ask(server.app_url, "SELECT current_user")
    server.stop()

    assert answer == [("cardiocare_app",)]


def test_data_of_another_major_version_is_refused_in_a_sentence(tmp_path: Path, secrets: Secrets) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")

    with pytest.raises(DeployError, match=r"made by PostgreSQL 15, and this is PostgreSQL 18"):
        PostgresServer(tmp_path / "postgres", secrets=secrets).start()


def test_a_server_that_cannot_start_says_why(
    tmp_path: Path, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.postgres.START_WITHIN_S", 0)
    server = PostgresServer(tmp_path / "postgres", secrets=secrets)
    server.start()
    server.stop()
    (server.directory / "postgresql.conf").write_text("nonsense = on\n")

    with pytest.raises(DeployError, match='unrecognized configuration parameter "nonsense"'):
        server.start()


def test_compose_makes_the_same_roles_and_extensions() -> None:
    script = (ROOT / "deploy" / "postgres" / "10-roles.sh").read_text()

    assert tuple(re.findall(r"CREATE EXTENSION IF NOT EXISTS (\w+)", script)) == EXTENSIONS
    assert set(re.findall(r"CREATE ROLE (\w+) LOGIN NOSUPERUSER NOBYPASSRLS", script)) == {
        "cardiocare_owner",
        "cardiocare_app",
    }
    source = (ROOT / "deploy" / "postgres.py").read_text()
    for rights in re.findall(r"GRANT (.+) ON (?:TABLES|SEQUENCES)", script):
        assert f'"{rights}"' in source
