"""`python -m benchmarks.beats`: heartbeats per second, with their features, against `model.predict` for each beat; prints JSON.

Both in one process on the same simulated half hour: signal and R peaks to calibrated probabilities. The whole way, which finds
the peaks and measures the recording as well, is given beside it.
"""

from __future__ import annotations

import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from ml.datasets.simulated_recording import Heart, simulate_recording
from ml.preprocessing.beat_signal import prepare_beats
from ml.recordings.analysis import analyse_recording
from ml.recordings.recording import Recording
from ml.serving.beats import MODEL, classify_beats
from ml.serving.signals import signal_member

SECONDS = 1800.0
EACH = 40
REPEATED = 3


def main() -> None:
    """Measure and print the medians."""
    heart = Heart(events=dict.fromkeys(range(10, 2000, 17), "PVC"), jitter_s=0.02)
    made = simulate_recording(heart, seconds=SECONDS, leads=("II", "V1"), seed=1)
    opened = signal_member(MODEL)
    model = keras.models.load_model(opened.contract.folder / "model.keras", compile=False)
    classify_beats(made.signals, made.fs, made.r_samples[:100])

    def classified() -> float:
        began = time.perf_counter()
        classify_beats(made.signals, made.fs, made.r_samples)
        return time.perf_counter() - began

    def whole() -> float:
        recording = Recording(
            leads=made.leads,
            signals=made.signals,
            fs=made.fs,
            started_at=None,
            source_format="wfdb",
            units=("mV", "mV"),
        )
        began = time.perf_counter()
        analyse_recording(
            recording,
            classify=lambda signals, fs, at: (
                np.full(len(at), "Normal"),
                classify_beats(signals, fs, at).probabilities,
            ),
        )
        return time.perf_counter() - began

    def one_by_one() -> float:
        beats = prepare_beats(made.signals, made.fs, made.r_samples)
        names = [tensor.name for tensor in model.inputs]
        given = {"window": beats.windows, "features": beats.features}
        began = time.perf_counter()
        for at in range(EACH):
            model.predict([given[name][at : at + 1] for name in names], verbose=0)
        return (time.perf_counter() - began) / EACH

    count = len(made.r_samples)
    rounds = [(classified(), whole(), one_by_one()) for _ in range(REPEATED)]
    ours, all_of_it, theirs = (float(np.median(column)) for column in zip(*rounds, strict=True))
    figures = {
        "beats": count,
        "per_second": count / ours,
        "per_second_with_detection_and_measurements": count / all_of_it,
        "predict_each_per_second": 1.0 / theirs,
        "ratio": count / ours * theirs,
    }
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
