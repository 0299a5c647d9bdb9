"""Golden vectors of the models of signals. ``python -m tests.ml.golden_signals`` writes them anew after a retraining."""

from __future__ import annotations

import json
from pathlib import Path

from ml.datasets.simulated import SimulatedRecording, simulate, simulate_recording

BEATS = Path(__file__).with_name("golden_beats.json")
SEGMENTS = Path(__file__).with_name("golden_segments.json")
SIDE = ["Normal"] * 12
KINDS = {
    "PVC": [*SIDE, "PVC", *SIDE, "PVC", *SIDE],
    "PAC": [*SIDE, "PAC", *SIDE, "PAC", *SIDE],
    "LBBB": ["LBBB"] * 20,
}
RHYTHMS = ("Normal", "PVC", "VF")


def recording(kind: str) -> SimulatedRecording:
    """The recording of a golden vector."""
    return simulate_recording(KINDS[kind], seed=7)


def lead(rhythm: str) -> tuple:
    """Signal and rate of a golden vector of stretches."""
    ecg = simulate(rhythm, seed=5)
    return ecg.signal, ecg.fs


if __name__ == "__main__":
    from ml.serving.beats import classify_beats
    from ml.serving.rhythm import classify_segments

    rows = {}
    for kind in KINDS:
        made = recording(kind)
        shares = classify_beats(made.signal, made.fs, made.r_samples).probabilities
        rows[kind] = [[round(float(share), 6) for share in row] for row in shares]
    BEATS.write_text(json.dumps(rows) + "\n", encoding="utf-8")
    found = {name: classify_segments(*lead(name)).probabilities for name in RHYTHMS}
    SEGMENTS.write_text(
        json.dumps({name: [round(float(share), 6) for share in row] for name, row in found.items()}) + "\n",
        encoding="utf-8",
    )
