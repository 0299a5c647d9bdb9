from __future__ import annotations

import numpy as np
import pytest

from ml.datasets.simulated_recording import simulate_recording
from ml.recordings.leads import TWELVE

FS = 500.0


@pytest.fixture(scope="session")
def twelve() -> np.ndarray:
    """Ten seconds of twelve simulated leads, mV, 500 Hz."""
    recording = simulate_recording(seconds=10.1, fs=FS, leads=TWELVE, noise_mv=0.0, wander_mv=0.03, seed=3)
    return recording.signals[:, 25 : 25 + 5000].astype(np.float64)
