"""From a recording to its result, and the levels that a viewer draws."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml.datasets.simulated_recording import Heart, SimulatedRecording, simulate_recording
from ml.recordings.analysis import Classify, analyse_recording
from ml.recordings.pyramid import GAP, Pyramid, pyramid
from ml.recordings.qrs import detect, find_beats
from ml.recordings.quality import assess
from ml.recordings.reasons import UnusableRecording
from tests.ml.recordings.conftest import as_recording


def truth(sim: SimulatedRecording) -> Classify:
    """A classifier that knows."""

    def classify(signals: np.ndarray, fs: float, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nearest = np.abs(sim.r_samples[None] - samples[:, None]).argmin(axis=1)
        return sim.labels[nearest], np.tile([0.9, 0.1], (len(samples), 1))

    return classify


def test_every_beat_is_found_where_it_is() -> None:
    sim = simulate_recording(
        Heart(events={9: "PVC", 30: "PAC", 60: "pause"}, jitter_s=0.03), seconds=90, noise_mv=0.03
    )
    result = analyse_recording(as_recording(sim), classify=truth(sim))
    assert len(result.samples) == len(sim.r_samples)
    normal = sim.labels != "PVC"
    assert np.abs(result.samples - sim.r_samples)[normal].max() <= 2
    assert result.labels.tolist() == sim.labels.tolist()


@pytest.mark.parametrize("fs", [128.0, 200.0, 360.0, 1000.0])
def test_beats_are_found_at_every_sampling_rate(fs: float) -> None:
    sim = simulate_recording(seconds=40, fs=fs, leads=("II",))
    found = detect(sim.signals[0], fs)
    assert len(found) == len(sim.r_samples)
    assert np.abs(found - sim.r_samples).max() <= 0.012 * fs


def test_no_beat_is_lost_or_doubled_where_chunks_meet() -> None:
    sim = simulate_recording(seconds=1300, leads=("II",))
    recording = as_recording(sim)
    told: list[float] = []
    found = find_beats(recording.signals, 250.0, assess(recording), progress=told.append)
    assert len(found.samples) == len(sim.r_samples)
    assert len(told) > 1
    assert told[-1] == 1.0


def test_another_lead_steps_in_where_the_best_one_is_off() -> None:
    sim = simulate_recording(seconds=1300, leads=("II", "V5"))
    sim.signals[0, 600 * 250 : 1200 * 250] = 0.0
    recording = as_recording(sim)
    found = find_beats(recording.signals, 250.0, assess(recording))
    assert len(found.samples) == len(sim.r_samples)
    middle = (found.samples > 610 * 250) & (found.samples < 1190 * 250)
    assert set(found.leads[middle].tolist()) == {1}
    assert 0 in found.leads


def test_nothing_is_found_where_nothing_can_be_seen() -> None:
    sim = simulate_recording(seconds=60)
    sim.signals[:, 20 * 250 : 40 * 250] = np.nan
    result = analyse_recording(as_recording(sim), classify=truth(sim))
    assert not ((result.samples > 20 * 250) & (result.samples < 40 * 250)).any()
    assert result.analysable_s == 40.0
    assert [(s.start_s, s.end_s) for s in result.unanalysable] == [(20.0, 40.0)]
    assert result.measures.episodes == ()


def test_result_as_json(minute: SimulatedRecording) -> None:
    steps: list[tuple[float, str]] = []
    result = analyse_recording(
        as_recording(minute, warnings=("A note.",)),
        classify=truth(minute),
        progress=lambda share, step: steps.append((share, step)),
    )
    plain = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert plain["beats"]["samples"] == result.samples.tolist()
    assert set(plain["beats"]["probabilities"]) == {0.9}
    assert plain["measures"]["burden"]["counts"] == {"Normal": len(minute.r_samples)}
    assert plain["measures"]["durations"]["qrs_ms"] == pytest.approx(96, abs=10)
    assert plain["warnings"] == ["A note."]
    assert plain["lead_shares"] == {"II": 1.0, "V1": 1.0, "V5": 1.0}
    assert "beats" not in result.as_json(beats=False)
    assert [share for share, _ in steps] == sorted(share for share, _ in steps)
    assert steps[-1] == (1.0, "Done")


def test_a_classifier_must_answer_for_every_beat(minute: SimulatedRecording) -> None:
    with pytest.raises(ValueError, match="the classifier answered 1 labels"):
        analyse_recording(as_recording(minute), classify=lambda *_: (np.array(["Normal"]), np.array([1.0])))


def test_a_signal_without_beats_is_refused() -> None:
    sim = simulate_recording(seconds=30)
    slow = 0.5 * np.sin(np.arange(sim.signals.shape[1]) / 250).astype(np.float32)
    with pytest.raises(UnusableRecording) as caught:
        analyse_recording(as_recording(sim, signals=np.tile(slow, (3, 1))), classify=truth(sim))
    assert caught.value.reason_code == "no_beats_found"


def test_levels_hold_every_peak() -> None:
    sim = simulate_recording(seconds=120, leads=("II", "V1"))
    sim.signals[0, 1000:1100] = np.nan
    built = pyramid(sim.signals, 250.0)
    assert built.levels[-1].shape[1] <= 2048
    microvolt = np.rint(sim.signals * 1000)
    for k, level in enumerate(built.levels):
        size = 16 * 4**k
        stretches = -(-sim.signals.shape[1] // size)
        assert level.shape == (2, stretches, 2)
        padded = np.full((2, stretches * size), np.nan, dtype=np.float32)
        padded[:, : microvolt.shape[1]] = microvolt
        shaped = padded.reshape(2, stretches, size)
        empty = np.isnan(shaped).all(axis=2)
        least = np.where(np.isnan(shaped), np.inf, shaped).min(axis=2)
        most = np.where(np.isnan(shaped), -np.inf, shaped).max(axis=2)
        assert (level[..., 0][~empty] == least[~empty]).all()
        assert (level[..., 1][~empty] == most[~empty]).all()
        assert (level[empty] == GAP).all()


def test_levels_survive_storage(minute: SimulatedRecording) -> None:
    built = pyramid(minute.signals[0], 250.0)
    again = Pyramid.from_bytes(built.as_bytes())
    assert (again.fs, again.samples) == (250.0, 15000)
    assert all((a == b).all() for a, b in zip(again.levels, built.levels, strict=True))
    for junk in (b"", b"junk", b"PK\x03\x04"):
        with pytest.raises(ValueError, match="no pyramid"):
            Pyramid.from_bytes(junk)


def test_the_level_fits_the_screen() -> None:
    built = pyramid(np.zeros((1, 24 * 3600 * 50), dtype=np.float32), 50.0)
    assert built.level_for(1, 1000) is None
    assert built.level_for(320, 1000) == 0
    assert built.level_for(24 * 3600, 1000) == 4  # 4320 samples a column; 16 x 4^4 = 4096
    assert built.level_for(1e9, 1) == len(built.levels) - 1
