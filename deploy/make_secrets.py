"""Write the secrets of `docker-compose.yml` into `deploy/secrets/`, once: `python3 deploy/make_secrets.py`.

Standard library only. The directory is open to its owner alone; the files in it are readable by the containers' users.
"""

import argparse
import json
import secrets
import sys
from pathlib import Path


def contents() -> dict[str, str]:
    """Each file's name and text. Passwords are random and safe inside a URL."""
    superuser, owner, app, redis, key_id, key = (secrets.token_urlsafe(24) for _ in range(6))
    identity = {
        "name": "cardiocare",
        "credentials": [{"accessKey": key_id, "secretKey": key}],
        "actions": [
            "Admin:cardiocare",
            "Read:cardiocare",
            "Write:cardiocare",
            "List:cardiocare",
            "Tagging:cardiocare",
        ],
    }
    return {
        "secret_key": secrets.token_urlsafe(48),
        "postgres_superuser_password": superuser,
        "postgres_owner_password": owner,
        "postgres_app_password": app,
        "database_url": f"postgresql://cardiocare_app:{app}@postgres:5432/cardiocare",
        "database_owner_url": f"postgresql://cardiocare_owner:{owner}@postgres:5432/cardiocare",
        "redis_password": redis,
        "redis_url": f"redis://:{redis}@valkey:6379/0",
        "storage_url": "s3://cardiocare?endpoint_url=http://storage:8333&region_name=us-east-1",
        "storage_credentials": f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {key}\n",
        "storage_identities": json.dumps({"identities": [identity]}, indent=2) + "\n",
    }


def main() -> int:
    """Write the files; an existing one is never replaced, because servers hold data under it."""
    parser = argparse.ArgumentParser(description="Generate the secrets of docker-compose.yml.")
    parser.add_argument(
        "directory", nargs="?", type=Path, default=Path(__file__).resolve().parent / "secrets"
    )
    directory: Path = parser.parse_args().directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    files = contents()
    present = sorted(name for name in files if (directory / name).exists())
    if present:
        print(
            f"{directory} already holds {', '.join(present)}; nothing was written. "
            "Databases and uploads are locked with these: keep them, or remove both to begin again.",
            file=sys.stderr,
        )
        return 1
    for name, text in files.items():
        path = directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o444)
    print(
        f"{len(files)} secrets are in {directory}. Back them up; they are in no repository.", file=sys.stderr
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
