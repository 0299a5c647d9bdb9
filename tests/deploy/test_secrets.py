from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

from cardiocare_site.connections import database_from_url, storage_from_url
from deploy.environment import ROOT
from deploy.make_secrets import contents

if TYPE_CHECKING:
    from pathlib import Path


def make(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", ROOT / "deploy" / "make_secrets.py", directory]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_files_are_made_once_in_a_closed_directory(tmp_path: Path) -> None:
    first = make(tmp_path / "secrets")
    kept = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    second = make(tmp_path / "secrets")

    assert first.returncode == 0
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert set(kept) == set(contents())
    assert second.returncode == 1
    assert "nothing was written" in second.stderr
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == kept


def test_passwords_agree_between_the_files_of_both_sides() -> None:
    files = contents()

    for role, url in (("app", "database_url"), ("owner", "database_owner_url")):
        database = database_from_url(files[url])
        assert database["USER"] == f"cardiocare_{role}"
        assert database["PASSWORD"] == files[f"postgres_{role}_password"]
    assert files["redis_url"] == f"redis://:{files['redis_password']}@valkey:6379/0"
    for line in files["storage_credentials"].splitlines()[1:]:
        assert line.split(" = ")[1] in files["storage_identities"]
    assert storage_from_url(files["storage_url"])["OPTIONS"]["endpoint_url"] == "http://storage:8333"


def test_no_two_runs_share_a_secret() -> None:
    one, two = contents(), contents()

    assert {name for name in one if one[name] == two[name]} == {"storage_url"}
