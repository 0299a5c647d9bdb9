"""Make `.venv` from `uv.lock`: run by `make` with the system's Python 3.11, before anything is installed.

Only the standard library, and nothing of ours, is imported. All output goes to standard error.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

UV = "uv==0.13.8"
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".made-from"


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


def fingerprint() -> str:
    """A text that changes whenever the environment has to be made again."""
    lock = (ROOT / "uv.lock").read_bytes()
    return hashlib.sha256(b"\0".join([UV.encode(), sys.version.encode(), lock])).hexdigest()


def call(*command: str, reason: str) -> None:
    """Run a step; its failure ends us with the reason and what to do."""
    if subprocess.run(command, cwd=ROOT, env=settings(), stdout=sys.stderr, check=False).returncode:
        raise SystemExit(reason)


def settings() -> dict[str, str]:
    """Our environment, with uv aimed at `.venv` and its cache where this user may write."""
    env = dict(os.environ)
    for name in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"):
        env.pop(name, None)
    env.setdefault("UV_LINK_MODE", "hardlink" if same_disk_as_cache() else "copy")
    env["UV_PYTHON_DOWNLOADS"] = "never"
    if "UV_CACHE_DIR" not in env and not writable(Path.home()):
        env["UV_CACHE_DIR"] = str(ROOT / ".local" / "uv-cache")
    return env


def writable(directory: Path) -> bool:
    """Whether this user may put files there."""
    return directory.is_dir() and os.access(directory, os.W_OK)


def same_disk_as_cache() -> bool:
    """Whether uv can link files of its cache instead of copying them."""
    cache = Path(os.environ.get("UV_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home())
    while not cache.exists():
        cache = cache.parent
    return cache.stat().st_dev == ROOT.stat().st_dev


def works(*command: str) -> bool:
    """Whether a program runs and ends well."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def make_environment() -> None:
    """Make an empty `.venv`, unless one of Python 3.11 is there; a half-made one is made again."""
    version = "import sys; sys.exit(sys.version_info[:2] != (3, 11))"
    if PYTHON.exists() and works(str(PYTHON), "-c", version):
        return
    say("Making .venv ...")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    try:
        venv.create(ENVIRONMENT, symlinks=True)
    except OSError as error:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise SystemExit(
            f"{ENVIRONMENT} cannot be made: {error}. Make room or permit it, then try again."
        ) from error


def pip() -> list[str]:
    """The command that installs into `.venv`: its own pip, or the system's where ensurepip is left out (Debian)."""
    own = [str(PYTHON), "-m", "pip"]
    if works(*own, "--version") or works(str(PYTHON), "-m", "ensurepip", "--default-pip"):
        return own
    system = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if works(*system, "--version"):
        return system
    raise SystemExit(
        "This Python has neither venv nor pip. On Debian: apt-get install python3-venv, then try again."
    )


def synchronise() -> None:
    """Install exactly what `uv.lock` lists, when it changed since the last time."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted and PYTHON.exists():
        return
    make_environment()
    say("Installing the packages of uv.lock into .venv (some 2 GB the first time) ...")
    offline = (
        "Its message is above. The first run needs the network, about 3 GB of disk, and a package index."
    )
    call(*pip(), "install", "--quiet", UV, reason=f"pip could not install {UV}. {offline}")
    uv = str(ENVIRONMENT / "bin" / "uv")
    call(
        *(uv, "sync", "--frozen", "--compile-bytecode", "--quiet", "--python", str(PYTHON)),
        reason=f"uv could not install the packages of uv.lock. {offline}",
    )
    STAMP.write_text(wanted, encoding="utf-8")


def main() -> None:
    """Make the environment; a second command that comes meanwhile waits."""
    if sys.version_info[:2] != (3, 11):
        raise SystemExit(f"CardioCare needs Python 3.11, and this is {sys.version.split()[0]}.")
    (ROOT / ".local").mkdir(mode=0o700, exist_ok=True)
    with (ROOT / ".local" / "environment.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        synchronise()


if __name__ == "__main__":
    main()
