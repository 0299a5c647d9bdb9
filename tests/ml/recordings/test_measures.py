"""Measurements against simulated recordings whose beats and intervals are known."""

from __future__ import annotations

import numpy as np
import pytest

from ml.datasets.simulated_recording import Heart, SimulatedRecording, simulate_recording
from ml.recordings.delineation import Durations, corrected_qt, delineate, median_beat
from ml.recordings.measures import Measures, check_rate, measure
from ml.recordings.quality import assess
from ml.recordings.reasons import UnusableRecording
from ml.recordings.rhythm import intervals
from ml.recordings.variability import variability
from tests.ml.recordings.conftest import as_recording


def measured(sim: SimulatedRecording, *, labels: np.ndarray | None = None, **changes: object) -> Measures:
    recording = as_recording(sim, **changes)
    return measure(recording, assess(recording), sim.r_samples, sim.labels if labels is None else labels)


def kinds(measures: Measures) -> list[tuple[str, int]]:
    return [(episode.kind, episode.beats) for episode in measures.episodes]


TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize(
    "heart",
    [
        Heart(),
        Heart(rate_bpm=52, qt_ms=440),
        Heart(rate_bpm=100, qt_ms=330, pr_ms=120, qrs_ms=80),
        Heart(pr_ms=220, qrs_ms=140, qt_ms=450),
        Heart(rate_bpm=120, qt_ms=300, pr_ms=130),
    ],
)
def test_intervals_of_the_median_beat(fs: float, heart: Heart) -> None:
    sim = simulate_recording(heart, seconds=30, fs=fs, leads=TWELVE, noise_mv=0.02)
    found = measured(sim).durations
    assert found is not None
    assert found.pr_ms == pytest.approx(heart.pr_ms, abs=10)
    assert found.qrs_ms == pytest.approx(heart.qrs_ms, abs=10)
    assert found.qt_ms == pytest.approx(heart.qt_ms, abs=12)


def test_intervals_from_one_noisy_lead() -> None:
    sim = simulate_recording(seconds=60, leads=("II",), noise_mv=0.05)
    found = measured(sim).durations
    assert found is not None
    assert (found.pr_ms, found.qrs_ms, found.qt_ms) == (
        pytest.approx(160, abs=12),
        pytest.approx(96, abs=14),
        pytest.approx(390, abs=15),
    )


def test_without_p_waves_there_is_no_pr() -> None:
    sim = simulate_recording(seconds=30, wander_mv=0.0)
    for at in sim.r_samples:
        sim.signals[:, max(0, at - 75) : max(0, at - 12)] = np.random.default_rng(0).normal(0, 0.01, 1)
    found = measured(sim).durations
    assert found is not None
    assert found.pr_ms is None
    assert found.qrs_ms is not None


def test_corrected_qt_by_three_names() -> None:
    assert corrected_qt(400, 1.0) == {"bazett_ms": 400, "fridericia_ms": 400, "framingham_ms": 400}
    fast = corrected_qt(320, 0.64)
    assert fast["bazett_ms"] == pytest.approx(400)
    assert fast["fridericia_ms"] == pytest.approx(371.3, abs=0.1)
    assert fast["framingham_ms"] == pytest.approx(375.4, abs=0.1)


def test_a_median_needs_three_beats(minute: SimulatedRecording) -> None:
    assert median_beat(minute.signals, 250.0, minute.r_samples[:3], 0.86) is not None
    assert median_beat(minute.signals, 250.0, minute.r_samples[:2], 0.86) is None


def test_a_flat_median_has_no_intervals(minute: SimulatedRecording) -> None:
    beat = median_beat(np.zeros_like(minute.signals), 250.0, minute.r_samples, 0.86)
    assert beat is not None
    assert delineate(beat).qrs_ms is None


def test_patterns_of_ectopic_beats() -> None:
    events = (
        {10: "PVC", 20: "PVC", 21: "PVC", 30: "PVC", 31: "PVC", 32: "PVC", 40: "pause2.0", 50: "PAC", 51: "PAC", 52: "PAC"}
        | dict.fromkeys((70, 72, 74, 76), "PVC")
        | dict.fromkeys((90, 93, 96), "PVC")
    )  # fmt: skip
    measures = measured(simulate_recording(Heart(events=events), seconds=120))
    assert kinds(measures) == [
        ("ventricular_couplet", 2),
        ("ventricular_run", 3),
        ("pause", 0),
        ("atrial_run", 3),
        ("ventricular_bigeminy", 4),
        ("ventricular_trigeminy", 3),
    ]
    pause = measures.episodes[2]
    assert pause.end_s - pause.start_s == pytest.approx(2.0 + 60 / 70, abs=0.01)
    assert measures.burden["counts"]["PVC"] == 13
    assert measures.burden["ventricular_per_hour"] == pytest.approx(13 * 30)
    assert measures.burden["ventricular_percent"] == pytest.approx(100 * 13 / measures.burden["beats"])
    assert measures.burden["atrial_per_hour"] == pytest.approx(3 * 30)


def test_a_gap_in_the_signal_is_no_pause() -> None:
    sim = simulate_recording(seconds=60)
    sim.signals[:, 20 * 250 : 24 * 250] = np.nan
    outside = (sim.r_samples < 20 * 250) | (sim.r_samples >= 24 * 250)
    recording = as_recording(sim)
    measures = measure(recording, assess(recording), sim.r_samples[outside], sim.labels[outside])
    assert kinds(measures) == []
    assert measures.heart_rate["mean_bpm"] == pytest.approx(70, rel=0.01)


@pytest.mark.parametrize(("rate", "kind"), [(42, "bradycardia"), (118, "tachycardia"), (70, None)])
def test_slow_and_fast(rate: float, kind: str | None) -> None:
    sim = simulate_recording(Heart(rate_bpm=rate, qt_ms=320), seconds=60)
    measures = measured(sim)
    assert [episode.kind for episode in measures.episodes] == ([kind] if kind else [])
    assert measures.heart_rate["mean_bpm"] == pytest.approx(rate, rel=0.01)
    if kind:
        assert measures.episodes[0].rate_bpm == pytest.approx(rate, rel=0.01)


def test_spectrum_finds_known_oscillations() -> None:
    # The power of a sine of amplitude a is a squared over two: 30 ms at 0.1 Hz and 20 ms at 0.25 Hz.
    sim = simulate_recording(
        Heart(rate_bpm=65, sways=((0.1, 0.030), (0.25, 0.020))), seconds=930, leads=("II",)
    )
    found = measured(sim).variability
    assert found.segments == 3
    assert found.lf_ms2 == pytest.approx(450, rel=0.15)
    assert found.hf_ms2 == pytest.approx(200, rel=0.25)
    assert found.sdnn_ms == pytest.approx(np.sqrt(450 + 200), rel=0.1)
    assert found.note == ""


def test_variability_of_independent_intervals() -> None:
    sim = simulate_recording(Heart(jitter_s=0.04), seconds=600, leads=("II",))
    found = measured(sim).variability
    assert found.sdnn_ms == pytest.approx(40, rel=0.1)
    assert found.rmssd_ms == pytest.approx(40 * np.sqrt(2), rel=0.1)
    assert found.pnn50_percent == pytest.approx(100 * 0.377, rel=0.15)  # P(|N(0, 56.6)| > 50)


def test_ectopic_beats_do_not_enter_variability() -> None:
    calm = measured(simulate_recording(seconds=120)).variability
    rough = measured(
        simulate_recording(Heart(events=dict.fromkeys(range(5, 120, 9), "PVC")), seconds=120)
    ).variability
    assert calm.sdnn_ms is not None
    assert rough.sdnn_ms is not None
    assert rough.sdnn_ms < calm.sdnn_ms + 3
    assert "less than five minutes" in rough.note


def test_variability_needs_ten_seconds() -> None:
    found = measured(simulate_recording(seconds=9)).variability
    assert found.sdnn_ms is None
    assert "needs 10 s" in found.note


def test_shapes_tell_classes_apart() -> None:
    sim = simulate_recording(Heart(events=dict.fromkeys(range(5, 60, 9), "PVC")), seconds=60, leads=("II",))
    shapes = measured(sim).shapes
    assert shapes["Normal"]["r_mv"] == pytest.approx(1.1, abs=0.05)
    assert shapes["PVC"]["qrs_area_uvs"] > 2 * shapes["Normal"]["qrs_area_uvs"]


def test_bands_find_a_known_oscillation(minute: SimulatedRecording) -> None:
    sine = 0.5 * np.sin(2 * np.pi * 10 * np.arange(60 * 250) / 250)
    plain, with_sine = (
        measured(minute).bands,
        measured(minute, signals=minute.signals + sine.astype(np.float32)).bands,
    )
    assert plain is not None
    assert with_sine is not None
    assert with_sine["power_mv2"]["5-15"] - plain["power_mv2"]["5-15"] == pytest.approx(0.125, rel=0.1)
    assert sum(plain["share"].values()) == pytest.approx(1)


@pytest.mark.parametrize(("fs", "code"), [(1500.0, "rate_doubtful"), (50.0, "rate_doubtful")])
def test_times_no_heart_has_mean_a_wrong_sampling_rate(
    minute: SimulatedRecording, fs: float, code: str
) -> None:
    with pytest.raises(UnusableRecording) as caught:
        measured(minute, fs=fs)
    assert caught.value.reason_code == code


def test_half_the_sampling_rate_is_warned_of() -> None:
    notes = measured(simulate_recording(Heart(qrs_ms=104), seconds=60, fs=500), fs=250.0).notes
    assert "make sure that the sampling rate of 250 Hz is right" in notes[0]


def test_unclassified_beats_are_measured_with_a_note(minute: SimulatedRecording) -> None:
    measures = measured(minute, labels=np.full(len(minute.r_samples), "unclassified"))
    assert measures.median_of == "unclassified"
    assert measures.variability.nn_intervals > 60
    assert "were not classified" in measures.notes[0]


def test_paced_patients_are_noted(minute: SimulatedRecording) -> None:
    assert "pacemaker" in measured(minute, pacemaker=True).notes[0]


def test_beats_and_labels_must_agree(minute: SimulatedRecording) -> None:
    with pytest.raises(ValueError, match="labels"):
        measured(minute, labels=np.array(["Normal"]))


def test_one_beat_gives_no_figures(minute: SimulatedRecording) -> None:
    recording = as_recording(minute)
    measures = measure(recording, assess(recording), minute.r_samples[:1], minute.labels[:1])
    assert measures.durations is None
    assert measures.heart_rate == {"mean_bpm": None, "min_bpm": None, "max_bpm": None}


def test_intervals_of_no_beats(minute: SimulatedRecording) -> None:
    none = np.empty(0, dtype=np.int64)
    found = intervals(none, 250.0, np.empty(0, dtype=np.str_), assess(as_recording(minute)))
    assert variability(found).nn_intervals == 0


def test_a_strange_qrs_at_a_usual_rate_is_no_wrong_file(minute: SimulatedRecording) -> None:
    found = intervals(minute.r_samples, 250.0, minute.labels, assess(as_recording(minute)))
    (note,) = check_rate(found, Durations(pr_ms=None, qrs_ms=290, qt_ms=None, p_ms=None, beats=9), 250.0)
    assert "hardly possible" in note
