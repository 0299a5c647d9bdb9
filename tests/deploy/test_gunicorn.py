"""The web server's processes warm themselves: pages and what draws the first frame of a study are loaded before anybody asks."""

from __future__ import annotations

import json
import subprocess
import sys

from cardiocare_site.config import BASE_DIR

PROGRAM = """
import json, runpy, sys
import cardiocare_site.wsgi

config = runpy.run_path("deploy/gunicorn_config.py")
config["post_worker_init"](None)
before = set(sys.modules)
from ml.dicom.display import shown
from ml.dicom.frames import decode
from ml.dicom.opening import open_dicom
from ml.dicom.png import png_of
models = {"tensorflow", "onnxruntime", "scipy"} & before
pages = {"diagnostics.api.dicomweb.wado", "diagnostics.imaging.views", "pydicom"} - before
print(json.dumps([sorted(found) for found in (set(sys.modules) - before, models, pages)]))
"""


def test_a_new_process_loads_what_draws_frames_and_nothing_of_the_models():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[], [], []], done.stderr
