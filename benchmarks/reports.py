"""Measures the reports' way."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import requests

from benchmarks import processes
from benchmarks.processes import Round
from deploy.processes import tail
from deploy.valkey import free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

MODEL = Path(__file__).resolve().parent.parent / "ml" / "models" / "beat_cnn" / "artefact" / "model.keras"
# Emptied for each measurement; the application's role may write it, as it may any new table of the owner.
TABLE = """DROP TABLE IF EXISTS reports_way; CREATE TABLE reports_way (
    id serial PRIMARY KEY, name text NOT NULL, label text NOT NULL, probabilities jsonb NOT NULL, heatmap bytea NOT NULL);
    GRANT SELECT, INSERT ON reports_way TO PUBLIC; GRANT USAGE ON SEQUENCE reports_way_id_seq TO PUBLIC"""


class Reports:
    """The running application of the reports, with as many clients as server processes."""

    def __init__(self, address: str, server: subprocess.Popen[bytes], *, workers: int, log: Path) -> None:
        self._address, self._server, self._workers, self._log = address, server, workers, log
        self.answers: dict[str, dict[str, Any]] = {}

    def _post(self, picture: tuple[str, bytes]) -> tuple[str, dict[str, Any]]:
        name, data = picture
        answer = requests.post(
            f"{self._address}/predict", files={"file": (name, data, "image/png")}, timeout=300
        )
        if answer.status_code != 200:
            raise RuntimeError(f"the reports' server failed:\n{tail(self._log, 30)}")
        return name, answer.json()

    def analyse(self, pictures: dict[str, bytes]) -> Round:
        """From the first request to the last stored row."""
        worked, began = processes.cpu_seconds(), time.perf_counter()
        with ThreadPoolExecutor(self._workers) as clients:
            self.answers |= dict(clients.map(self._post, pictures.items()))
        return Round(len(pictures), time.perf_counter() - began, worked, processes.cpu_seconds())

    def memory(self) -> dict[str, Any]:
        """Of the web server."""
        return {"web": processes.memory_mb(self._server)}


def prepare(env: dict[str, str]) -> None:
    """Make the table of the results."""
    with psycopg2.connect(env["DATABASE_OWNER_URL"]) as database, database.cursor() as cursor:
        cursor.execute(TABLE)


def stored(env: dict[str, str]) -> int:
    """How many results with a heatmap the table holds."""
    with psycopg2.connect(env["DATABASE_OWNER_URL"]) as database, database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reports_way WHERE length(heatmap) > 0")
        return int(cursor.fetchone()[0])


@contextlib.contextmanager
def running(env: dict[str, str], logs: Path, *, workers: int) -> Iterator[Reports]:
    """The application in so many server processes, ready."""
    port, log = free_port(), logs / f"reports-{workers}.log"
    address = f"http://127.0.0.1:{port}"
    command = processes.gunicorn("benchmarks.reports_way:create_app()", port, workers=workers)
    own = env | {"MODEL_PATH": str(MODEL), "KERAS_BACKEND": "tensorflow"}
    ready = lambda: processes.answers(f"{address}/health")  # noqa: E731  # a name for the one line
    with processes.program(command, env=own, log=log, ready=ready) as server:
        yield Reports(address, server, workers=workers, log=log)
