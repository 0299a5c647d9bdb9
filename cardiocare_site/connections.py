"""Connection URLs as the dictionaries that Django expects."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def database_from_url(url: str) -> dict[str, Any]:
    """Read `postgresql://user:password@host:port/name?sslmode=…`; a socket directory may stand in `?host=`.

    Raises:
        ValueError: another scheme, or no database name.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(
            "DATABASE_URL must begin with postgresql://: PostgreSQL is the only database supported."
        )
    if not parts.path.strip("/"):
        raise ValueError("DATABASE_URL names no database: add /NAME at the end.")
    try:
        port = parts.port
    except ValueError:  # its text may hold a part of the password
        raise ValueError(
            "DATABASE_URL has no readable port; write @, / and : in the user name or password as %40, %2F and %3A."
        ) from None
    options = dict(parse_qsl(parts.query))
    from_options = options.pop("port", "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(port or from_options),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options | {"connect_timeout": 5},
    }


def broker_from_url(url: str) -> str:
    """The URL of the broker as Celery takes it.

    Raises:
        ValueError: another scheme.
    """
    if not url.startswith(("redis://", "rediss://", "redis+socket://")):
        raise ValueError("REDIS_URL must begin with redis://, rediss:// or redis+socket://.")
    return url


def storage_from_url(url: str) -> dict[str, Any]:
    """Read `file:///directory` or `s3://bucket?endpoint_url=…`; credentials come from the usual AWS variables.

    Raises:
        ValueError: another scheme, or no place named.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": unquote(parts.path),
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    if parts.scheme == "s3" and parts.netloc:
        options = {
            "bucket_name": parts.netloc,
            "default_acl": None,
            "querystring_auth": True,
            "file_overwrite": False,
        }
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": options | dict(parse_qsl(parts.query)),
        }
    raise ValueError("STORAGE_URL must be file:///directory or s3://bucket?endpoint_url=…")
