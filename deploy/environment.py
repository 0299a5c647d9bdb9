"""Where a run keeps its things, its generated secrets, and the environment handed to Django."""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.processes import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent


def local_directory() -> Path:
    """Where private servers keep their data: `.local/`, or what CARDIOCARE_LOCAL names."""
    return Path(os.environ.get("CARDIOCARE_LOCAL") or ROOT / ".local").resolve()


def private_directory(path: Path) -> Path:
    """Make the directory, readable by this user only, and answer it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise DeployError(
            f"{path} cannot be made private to this user ({error.strerror}). "
            "Remove it, or set CARDIOCARE_LOCAL to a directory of your own."
        ) from error
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read; a reader sees the old text or the new, never half."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


@dataclass(frozen=True)
class Secrets:
    """Generated passwords of one set of private servers, kept in a file of mode 0600."""

    secret_key: str
    superuser_password: str
    owner_password: str
    app_password: str
    redis_password: str

    @classmethod
    def random(cls) -> Secrets:
        """A fresh set."""
        return cls(
            *(secrets.token_urlsafe(48 if field.name == "secret_key" else 24) for field in fields(cls))
        )

    @classmethod
    def kept_in(cls, path: Path) -> Secrets:
        """The set in this file, made on first use.

        Raises:
            DeployError: the file cannot be read as a set of secrets.
        """
        if not path.exists():
            made = cls.random()
            write_private(path, json.dumps(asdict(made), indent=2) + "\n")
            return made
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DeployError(
                f"{path} holds the passwords of the private servers and cannot be read ({error}). "
                "Restore it, or remove its whole directory to begin again with empty databases."
            ) from error


def is_set(environment: Mapping[str, str], name: str) -> bool:
    """Whether the person running this chose the value, directly or in a file."""
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def base_environment(*, local: Path, secret_key: str, mode: str) -> dict[str, str]:
    """Our environment with the mode, the key and the store filled in where the person chose none."""
    env = dict(os.environ)
    env.setdefault("MODE", mode)
    env.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    env["PYTHONUNBUFFERED"] = "1"
    if not is_set(env, "SECRET_KEY"):
        env["SECRET_KEY"] = secret_key
    if not is_set(env, "STORAGE_URL"):
        env["STORAGE_URL"] = private_directory(local / "media").as_uri()
    if is_set(env, "DATABASE_URL") and not is_set(env, "DATABASE_OWNER_URL"):
        print(
            "DATABASE_URL is set without DATABASE_OWNER_URL: migrations and the application then use one "
            "database role, and row-level security protects less. Set both.",
            file=sys.stderr,
        )
        for suffix in ("", "_FILE"):
            if f"DATABASE_URL{suffix}" in env:
                env[f"DATABASE_OWNER_URL{suffix}"] = env[f"DATABASE_URL{suffix}"]
    return env


def placeholder_environment() -> dict[str, str]:
    """An environment in which settings load but nothing connects, for checks that need no server."""
    env = dict(os.environ)
    values = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    env.setdefault("MODE", "test")
    env.update({name: value for name, value in values.items() if not is_set(env, name)})
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    return env
