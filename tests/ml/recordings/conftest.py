"""Recordings that many tests look at; simulated once."""

from __future__ import annotations

import pytest

from ml.datasets.simulated_recording import SimulatedRecording, simulate_recording
from ml.recordings.recording import Recording


def as_recording(sim: SimulatedRecording, **changes: object) -> Recording:
    values = {
        "leads": sim.leads,
        "signals": sim.signals,
        "fs": sim.fs,
        "started_at": None,
        "source_format": "csv",
        "units": ("mV",) * len(sim.leads),
    }
    return Recording(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def short() -> SimulatedRecording:
    """Ten seconds of eight leads at 500 Hz, as carts store them."""
    return simulate_recording(seconds=10, fs=500, leads=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"))


@pytest.fixture(scope="session")
def minute() -> SimulatedRecording:
    """A minute of three leads at 250 Hz."""
    return simulate_recording(seconds=60)
