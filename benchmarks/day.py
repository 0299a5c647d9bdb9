"""`python -m benchmarks.day`: how long a simulated day of three leads takes from its file to its beats; writes a result file."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import wfdb

from benchmarks.__main__ import RESULTS, machine
from ml.datasets.simulated_recording import Heart, simulate_recording
from ml.serving.recordings import analyse_file

SECONDS = 86_400.0
ECTOPIC = 3_000
LEADS = ("II", "V1", "V5")


def made(folder: Path) -> Path:
    """A zipped WFDB record of a day with premature beats."""
    rng = np.random.default_rng(0)
    places = rng.choice(98_000, ECTOPIC, replace=False)
    heart = Heart(
        events={int(at): "PVC" if rng.random() < 0.6 else "PAC" for at in places},
        jitter_s=0.03,
        sways=((0.1, 0.03), (0.25, 0.03)),
    )
    day = simulate_recording(heart, seconds=SECONDS, leads=LEADS, noise_mv=0.02, seed=1)
    wfdb.wrsamp(
        "day",
        fs=day.fs,
        units=["mV"] * len(LEADS),
        sig_name=list(LEADS),
        p_signal=day.signals.T.astype(np.float64),
        fmt=["16"] * len(LEADS),
        adc_gain=[1000.0] * len(LEADS),
        baseline=[0] * len(LEADS),
        write_dir=str(folder),
    )
    path = folder / "day.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for ending in ("hea", "dat"):
            archive.write(folder / f"day.{ending}", f"day.{ending}")
    return path


def main() -> int:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = made(Path(folder))
        tiles: list[int] = []
        worked, began = time.process_time(), time.perf_counter()
        answer = analyse_file(
            path,
            fs=None,
            unit=None,
            progress=lambda part, step: print(f"{part:4.0%} {step}", end="\r", file=sys.stderr),
            store=lambda _, data: tiles.append(len(data)),
        )
        result = {
            "machine": machine(),
            "file_mb": round(path.stat().st_size / 1e6, 1),
            "seconds": round(time.perf_counter() - began, 1),
            "cpu_seconds": round(time.process_time() - worked, 1),
            "tiles": len(tiles),
            "tiles_mb": round(sum(tiles) / 1e6, 1),
            "answer": answer.results[-1].message,
        }
    text = json.dumps(result, indent=2)
    print(text)
    (RESULTS / "day.json").write_text(text + "\n", encoding="utf-8")
    return 0 if answer.findings else 1


if __name__ == "__main__":
    sys.exit(main())
