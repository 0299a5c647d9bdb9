"""`run` and `demo`: the whole platform on private servers."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.embedded import servers
from deploy.environment import ROOT, local_directory, private_directory
from deploy.processes import DeployError, run_foreground, tail, wait_until
from deploy.supervisor import Supervisor
from deploy.valkey import free_port, port_is_free

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANAGE = (sys.executable, str(ROOT / "manage.py"))
READY_WITHIN_S = 180.0
DEMO_PEER = "DEMO=pacs.demo"  # who may send by C-STORE in demo mode
# Without the query string, in which a search carries a name.
ACCESS_LOG = ("--access-logfile", "-", "--access-logformat", "%(h)s %(m)s %(U)s %(s)s %(L)ss")


def say(text: str) -> None:
    """Tell the person how far it is, away from standard output."""
    print(text, file=sys.stderr, flush=True)


def gpu_is_usable(env: Mapping[str, str]) -> bool:
    """Whether ONNX Runtime can compute on an NVIDIA card here."""
    if not Path("/dev/nvidiactl").exists():
        return False
    question = "import onnxruntime; print('CUDAExecutionProvider' in onnxruntime.get_available_providers())"
    answer = subprocess.run(
        [sys.executable, "-c", question], check=False, capture_output=True, text=True, env=dict(env)
    )
    return answer.stdout.strip() == "True"


def web_command(port: int) -> list[str]:
    """Gunicorn on loopback, as the embedded default serves it."""
    options = f"--bind 127.0.0.1:{port} --graceful-timeout 5"
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "cardiocare_site.wsgi",
        "--config",
        str(Path(__file__).with_name("gunicorn_config.py")),
        *options.split(),
        "--access-logfile",
        "-",
    ]


def worker_command(name: str, queues: str, *pool: str) -> list[str]:
    """A Celery worker for these queues."""
    common = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return [
        *(sys.executable, "-m", "celery", "-A", "cardiocare_site", "worker"),
        *("-n", f"{name}-{os.getpid()}@%h", "-Q", queues, *pool, *common),
    ]


def worker_commands(env: Mapping[str, str]) -> dict[str, list[str]]:
    """The workers that this machine carries: one for everything, or one more that owns the graphics card."""
    processes = env.get("WORKER_CONCURRENCY") or str(min(4, max(1, (os.cpu_count() or 2) // 2)))
    prefork = ("--pool", "prefork", "-c", processes)
    if gpu_is_usable(env):
        return {
            "worker-gpu": worker_command("gpu", "gpu", "--pool", "solo"),
            "worker": worker_command("cpu", "cpu,io", *prefork),
        }
    return {"worker": worker_command("all", "gpu,cpu,io", *prefork)}


def chosen_port(env: Mapping[str, str]) -> int:
    """PORT, or 8000.

    Raises:
        DeployError: it is no port number, or another program has it.
    """
    text = env.get("PORT") or "8000"
    if not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise DeployError(f"PORT={text} is not a port number. Use one from 1024 to 65535.")
    if not port_is_free(int(text)):
        raise DeployError(
            f"Port {text} is already used by another program, perhaps by CardioCare itself. "
            "Stop that one, or choose another port: PORT=8001 make run"
        )
    return int(text)


def dicom_port(env: Mapping[str, str]) -> int | None:
    """Where C-STORE is taken; None where DICOM_PEERS names nobody who may send, or another program has the port."""
    text = env.get("DICOM_PORT") or "11112"
    if not env.get("DICOM_PEERS"):
        return None
    if not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise DeployError(f"DICOM_PORT={text} is not a port number. Use one from 1024 to 65535.")
    if not port_is_free(int(text)):
        say(
            f"Port {text} is already used by another program: no studies are taken by C-STORE. Choose another DICOM_PORT."
        )
        return None
    return int(text)


def prepare(env: Mapping[str, str], logs: Path) -> str:
    """Migrate, collect static files and load the demo people, as the role that owns the tables.

    Returns:
        The sentence that names the demo users; empty outside demo mode.
    """
    log = logs / "prepare.log"
    with log.open("wb") as output:
        code = run_foreground([*MANAGE, "prepare"], env={**env, "DATABASE_ROLE": "owner"}, output=output)
    if code:
        raise DeployError(
            f"The database could not be prepared (`manage.py prepare` ended with code {code}), so nothing was "
            f"started. {log} holds the whole reason; it ends:\n{tail(log, 25)}"
        )
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines if line.startswith("Demo users"))


def readiness(port: int, host: str) -> int:
    """HTTP status of /health/ready, asked for under an allowed host name; 0 while nothing answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health/ready", headers={"Host": host})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def wait_for_ready(supervisor: Supervisor, port: int) -> None:
    """Return once web, database, broker and worker are ready.

    Raises:
        DeployError: they are not in time, or one of them keeps ending.
    """
    seen = 0
    host = supervisor.env.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*") or "localhost"

    def ready() -> bool:
        nonlocal seen
        supervisor.check()
        seen = readiness(port, host)
        return seen == http.client.OK

    if not wait_until(ready, timeout_s=READY_WITHIN_S, every_s=0.2):
        log = supervisor.services["web"].log
        raise DeployError(
            f"CardioCare was not ready in {READY_WITHIN_S:.0f} s (/health/ready said {seen or 'nothing'}). "
            f"The logs are in {supervisor.logs}; the web server's ends:\n{tail(log)}"
        )


@contextlib.contextmanager
def platform(env: dict[str, str], port: int, logs: Path) -> Iterator[Supervisor]:
    """Web, workers and beat, ready to answer; all ended on the way out."""
    schedule = logs.parent / f"beat-{os.getpid()}.db"
    with Supervisor(env=env, logs=logs) as supervisor:
        try:
            supervisor.add("web", web_command(port))
            for name, command in worker_commands(env).items():
                supervisor.add(name, command)
            beat = [sys.executable, "-m", "celery", "-A", "cardiocare_site", "beat", "--loglevel", "WARNING"]
            supervisor.add("beat", [*beat, "--schedule", schedule, "--pidfile", ""])
            wait_for_ready(supervisor, port)
            yield supervisor
        finally:
            supervisor.stop()
            for left in schedule.parent.glob(f"{schedule.name}*"):
                left.unlink(missing_ok=True)


def run() -> int:
    """Serve until interrupted, after analysing the demo cases."""
    port = chosen_port(os.environ)
    began = time.monotonic()
    local = private_directory(local_directory())
    logs = private_directory(local / "logs")
    say("Starting the private database and broker ...")
    with servers(mode="demo") as env:
        if env["MODE"] == "demo":
            env.setdefault("DICOM_PEERS", DEMO_PEER)
        say("Preparing the database, the static files and the demo people ...")
        logins = prepare(env, logs)
        say("Starting the web server and the workers ...")
        with platform(env, port, logs) as supervisor:
            if env["MODE"] == "demo":
                say("Analysing the demo cases ...")
                code = run_foreground([*MANAGE, "demo_cases"], env=env)
                if code:
                    log = supervisor.services["worker"].log
                    say(f"The demo cases did not all succeed (code {code}); see {log}.")
            if door := dicom_port(env):
                supervisor.add("dicom", [*MANAGE, "dicom_listener", "--port", str(door)])
                say(f"C-STORE: port {door}, for the AE titles in DICOM_PEERS ({env['DICOM_PEERS']}).")
            say(f"\nCardioCare is ready after {time.monotonic() - began:.0f} s: http://localhost:{port}/")
            say(logins)
            say(f"Logs: {supervisor.logs}. Ctrl-C stops everything; the data stays in {local}.\n")
            supervisor.echo = True
            supervisor.watch()
    return 0


def _demo_logs(parent: Path) -> Path:
    """A new directory for this demo's logs beside those of `make run`; the five latest are kept."""
    private_directory(parent)
    earlier = sorted(parent.glob("demo-*"), key=lambda path: path.stat().st_mtime)
    for path in earlier[:-4]:
        shutil.rmtree(path, ignore_errors=True)
    return private_directory(parent / f"demo-{os.getpid()}")


def demo(*, as_json: bool, data: Path | None) -> int:
    """Analyse the demo cases, or a folder of files, print the results, and end with that command's code."""
    if data is not None and not data.is_dir():
        raise DeployError(f"{data} is not a directory. DATA names a folder with the files to analyse.")
    options = ["--json"] if as_json else []
    options += ["--data", str(data.resolve())] if data else []
    logs = _demo_logs(private_directory(local_directory()) / "logs")
    say("Starting the private database and broker ...")
    with servers(mode="demo") as env:
        say("Preparing the database, the static files and the demo people ...")
        prepare(env, logs)
        say("Starting the web server and the workers ...")
        with platform(env, free_port(), logs):
            say("Analysing the demo cases ...")
            code = run_foreground([*MANAGE, "demo_cases", *options], env=env)
    if code:
        say(f"The demo ended with code {code}. The logs are in {logs}.")
    return code


def manage(arguments: list[str]) -> int:
    """Run one of Django's commands against the private servers."""
    owner = {
        "migrate",
        "prepare",
        "makemigrations",
        "dbshell",
        "flush",
        "sqlmigrate",
        "showmigrations",
        "loaddata",
    }
    with servers(mode="demo") as env:
        if arguments and arguments[0] in owner:
            env["DATABASE_ROLE"] = "owner"
        return run_foreground([*MANAGE, *arguments], env=env)


def bench(arguments: list[str]) -> int:
    """Run the benchmarks on fresh private servers."""
    with servers(mode="test", ephemeral=True) as env:
        return run_foreground([sys.executable, "-m", "benchmarks", *arguments], env=env)


def execute(arguments: list[str], *, kept: bool) -> int:
    """Run any program with the environment of the private servers: fresh ones, or the ones of `make run`."""
    if not arguments:
        raise DeployError("Name a program to run: python -m deploy exec -- pytest tests/patients")
    with servers(mode="demo" if kept else "test", ephemeral=not kept) as env:
        return run_foreground(arguments, env=env)
