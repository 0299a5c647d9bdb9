"""Measures the reports' way."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import requests

from benchmarks import processes
from deploy.processes import tail
from deploy.valkey import free_port

WARM_UP = 4
MODEL = Path(__file__).resolve().parent.parent / "ml" / "models" / "beat_cnn" / "artefact" / "model.keras"
# Emptied for each measurement; the application's role may write it, as it may any new table of the owner.
TABLE = """DROP TABLE IF EXISTS reports_way; CREATE TABLE reports_way (
    id serial PRIMARY KEY, name text NOT NULL, label text NOT NULL, probabilities jsonb NOT NULL, heatmap bytea NOT NULL);
    GRANT SELECT, INSERT ON reports_way TO PUBLIC; GRANT USAGE ON SEQUENCE reports_way_id_seq TO PUBLIC"""


def measure(env: dict[str, str], pictures: dict[str, bytes], *, logs: Path, workers: int) -> dict[str, Any]:
    """Images per second from the first request to the last stored row, with as many clients as server processes.

    Returns:
        `seconds`, `per_second`, `cpu_ms_per_image`, `memory`, and `answers`: label and probabilities by the picture's name.
    """
    with psycopg2.connect(env["DATABASE_OWNER_URL"]) as database, database.cursor() as cursor:
        cursor.execute(TABLE)
    port, log = free_port(), logs / f"reports-{workers}.log"
    address = f"http://127.0.0.1:{port}"
    command = processes.gunicorn("benchmarks.reports_way:create_app()", port, workers=workers)
    own = env | {"MODEL_PATH": str(MODEL), "KERAS_BACKEND": "tensorflow"}
    ready = lambda: processes.answers(f"{address}/health")  # noqa: E731  # a name for the one line
    with processes.program(command, env=own, log=log, ready=ready) as server:

        def post(name: str) -> tuple[str, dict[str, Any]]:
            answer = requests.post(
                f"{address}/predict", files={"file": (name, pictures[name], "image/png")}, timeout=300
            )
            if answer.status_code != 200:
                raise RuntimeError(f"the reports' server failed:\n{tail(log, 30)}")
            return name, answer.json()

        with ThreadPoolExecutor(workers) as clients:
            names = list(pictures)
            list(clients.map(post, names[: WARM_UP * workers]))
            worked, began = processes.cpu_seconds(), time.perf_counter()
            answers = dict(clients.map(post, names))
            seconds = time.perf_counter() - began
            worked_since = processes.cpu_seconds()
        memory = processes.memory_mb(server)
    with psycopg2.connect(env["DATABASE_OWNER_URL"]) as database, database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reports_way WHERE length(heatmap) > 0")
        stored = cursor.fetchone()[0]
    assert stored == len(pictures) + len(names[: WARM_UP * workers]), stored
    return {
        "seconds": seconds,
        "per_second": len(pictures) / seconds,
        "cpu_ms_per_image": processes.cpu_per_image(worked, worked_since, len(pictures)),
        "memory": {"web": memory},
        "answers": answers,
    }
