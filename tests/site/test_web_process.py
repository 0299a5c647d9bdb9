"""The web process stays small: a real one answers a request without the libraries of the suite."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cardiocare_site.config import BASE_DIR

PROGRAM = """
import json, sys
from cardiocare_site.wsgi import application
import psutil

answers = []
for path in ("/health/live", "/accounts/login/", "/api/v1/diagnoses/", "/api/v1/schema/"):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SCRIPT_NAME": "",
               "wsgi.input": sys.stdin.buffer, "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1"}
    statuses = []
    b"".join(application(environ, lambda status, headers: statuses.append(status)))
    answers.append(statuses[0][:3])
heavy = {"tensorflow", "keras", "onnxruntime", "onnx", "tf2onnx", "sklearn", "scipy", "numpy", "jax", "torch", "wfdb", "pydicom"}
suite = {"ml.serving", "ml.models", "ml.training", "ml.preprocessing", "ml.explain", "ml.datasets", "ml.evaluation"}
print(json.dumps({
    "answers": answers,
    "heavy": sorted(heavy.intersection(sys.modules)),
    "suite": sorted(suite.intersection(sys.modules)),
    "megabytes": psutil.Process().memory_info().rss / 1e6,
}))
"""


@pytest.mark.django_db(transaction=True)  # the process commits what it writes
def test_a_web_process_answers_without_the_suites_libraries_and_below_150_megabytes():
    from django.db import connection

    from tests.workers import with_database

    name = connection.settings_dict["NAME"]
    env = os.environ | {
        "DATABASE_URL": with_database(os.environ["DATABASE_URL"], name),
        "DATABASE_ROLE": "app",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=env,
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["answers"] == ["200", "200", "401", "200"], done.stderr
    assert (seen["heavy"], seen["suite"]) == ([], [])
    assert seen["megabytes"] < 150
