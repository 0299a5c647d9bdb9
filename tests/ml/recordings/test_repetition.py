"""What does not repeat itself is not believed: noise that looks like beats, and fibrillation."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from ml.datasets.simulated_recording import Heart, simulate_recording
from ml.recordings.analysis import analyse_recording
from ml.recordings.qrs import find_beats
from ml.recordings.quality import assess
from ml.recordings.repetition import likeness, trusted
from tests.ml.recordings.conftest import as_recording


def wandering(count: int, fs: float, height: float) -> np.ndarray:
    """Noise of the frequencies of a QRS, as moving electrodes make it."""
    noise = np.random.default_rng(2).normal(0, 1, count)
    band = sosfiltfilt(butter(2, (2, 12), btype="bandpass", fs=fs, output="sos"), noise)
    return np.asarray(height * band / band.std())


def test_noise_in_the_band_of_the_qrs_is_named_not_counted() -> None:
    sim = simulate_recording(seconds=180, leads=("II",))
    sim.signals[0, 60 * 250 : 120 * 250] = wandering(60 * 250, 250, 0.4)
    result = analyse_recording(
        as_recording(sim), classify=lambda _s, _f, r: (np.full(len(r), "Normal"), np.ones(len(r)))
    )
    lost = sum(
        min(s.end_s, 120) - max(s.start_s, 60)
        for s in result.unanalysable
        if s.end_s > 60 and s.start_s < 120
    )
    assert lost > 45
    assert any("fibrillation" in cause for s in result.unanalysable for cause in s.causes)
    outside = (sim.r_samples < 52 * 250) | (sim.r_samples > 128 * 250)
    assert np.isin(sim.r_samples[outside], result.samples).mean() > 0.98


def test_another_lead_is_tried_where_the_first_does_not_repeat() -> None:
    sim = simulate_recording(seconds=180, leads=("II", "V5"))
    sim.signals[0, 60 * 250 : 120 * 250] = wandering(60 * 250, 250, 0.4)
    recording = as_recording(sim)
    found = find_beats(recording.signals, 250.0, assess(recording))
    assert len(found.samples) == len(sim.r_samples)
    assert not found.doubtful.any()
    assert set(found.leads.tolist()) == {1}


def test_rare_ectopic_beats_do_not_make_a_stretch_doubtful() -> None:
    sim = simulate_recording(Heart(events={20: "PVC", 50: "PVC", 51: "PVC"}), seconds=90)
    recording = as_recording(sim)
    found = find_beats(recording.signals, 250.0, assess(recording))
    assert not found.doubtful.any()
    assert len(found.samples) == len(sim.r_samples)


def test_likeness_of_few_beats_is_not_judged(minute) -> None:
    values = minute.signals[0].astype(float)
    assert likeness(values, 250.0, minute.r_samples[:3]).tolist() == [1.0, 1.0, 1.0]
    assert (likeness(values, 250.0, minute.r_samples) > 0.95).all()
    assert trusted(np.empty(0, dtype=np.int64), np.empty(0), 250, 5).tolist() == [True] * 5
