"""Golden vectors of the models of signals. ``python -m tests.ml.golden_signals`` writes them anew after a retraining."""

from __future__ import annotations

import json
from pathlib import Path

from ml.datasets import simulated_recording
from ml.datasets.simulated import SimulatedRecording, simulate, simulate_recording
from ml.recordings.leads import TWELVE

BEATS = Path(__file__).with_name("golden_beats.json")
SEGMENTS = Path(__file__).with_name("golden_segments.json")
LEADS = Path(__file__).with_name("golden_leads.json")
SIDE = ["Normal"] * 12
KINDS = {
    "PVC": [*SIDE, "PVC", *SIDE, "PVC", *SIDE],
    "PAC": [*SIDE, "PAC", *SIDE, "PAC", *SIDE],
    "LBBB": ["LBBB"] * 20,
}
RHYTHMS = ("Normal", "PVC", "VF")
# Names of golden vectors of twelve leads: seconds, sampling rate in Hz, heart.
STRETCHES = {
    "ten seconds": (10.0, 500.0, simulated_recording.Heart()),
    "wide": (10.0, 250.0, simulated_recording.Heart(qrs_ms=160.0, qt_ms=460.0)),
    "short": (2.5, 1000.0, simulated_recording.Heart(rate_bpm=90.0)),
}


def recording(kind: str) -> SimulatedRecording:
    """The recording of a golden vector."""
    return simulate_recording(KINDS[kind], seed=7)


def lead(rhythm: str) -> tuple:
    """Signal and rate of a golden vector of stretches."""
    ecg = simulate(rhythm, seed=5)
    return ecg.signal, ecg.fs


def twelve_leads(name: str) -> simulated_recording.SimulatedRecording:
    """The recording of a golden vector of twelve leads."""
    seconds, fs, heart = STRETCHES[name]
    return simulated_recording.simulate_recording(heart, seconds=seconds, fs=fs, leads=TWELVE, seed=11)


if __name__ == "__main__":
    from ml.serving.beats import classify_beats
    from ml.serving.rhythm import classify_segments
    from ml.serving.twelve_lead import classify_leads

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
    told = {name: twelve_leads(name) for name in STRETCHES}
    leads = {name: classify_leads(one.signals, one.fs).probabilities for name, one in told.items()}
    LEADS.write_text(
        json.dumps({name: [round(float(share), 6) for share in row] for name, row in leads.items()}) + "\n",
        encoding="utf-8",
    )
