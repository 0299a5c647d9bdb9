"""Seconds that can be analysed and seconds that cannot, on simulated recordings with known faults."""

from __future__ import annotations

import numpy as np
import pytest

from ml.datasets.simulated_recording import Heart, simulate_recording
from ml.recordings.quality import Flaw, assess, runs
from ml.recordings.reasons import UnusableRecording
from ml.recordings.recording import Recording, release
from tests.ml.recordings.conftest import as_recording


def faulty(fault: str) -> Recording:
    """Two minutes; lead V1 is sound, lead II has a fault from second 30 to 50."""
    sim = simulate_recording(seconds=120, leads=("II", "V1"))
    bad = slice(30 * 250, 50 * 250)
    rng = np.random.default_rng(1)
    match fault:
        case "missing":
            sim.signals[0, bad] = np.nan
        case "constant":
            sim.signals[0, bad] = 0.37
        case "saturated":
            sim.signals[0, bad] = np.where(rng.random(5000) < 0.5, 5.0, -5.0)
        case "noise":
            sim.signals[0, bad] += rng.normal(0, 0.6, 5000)
        case "clipped":
            sim.signals[0, bad] = np.clip(30 * sim.signals[0, bad], -5.0, 5.0)
        case "burst":
            sim.signals[0, bad] += 15 * np.sin(np.arange(5000) / 20)
    return as_recording(sim)


@pytest.mark.parametrize(
    ("fault", "flaw", "word"),
    [
        ("missing", Flaw.MISSING, "samples are missing"),
        ("constant", Flaw.FLAT, "flat line, electrode or cable off"),
        ("saturated", Flaw.SATURATED, "amplifier at its limit"),
        ("clipped", Flaw.SATURATED, "amplifier at its limit"),
        ("noise", Flaw.NOISE, "too noisy"),
        ("burst", Flaw.NOISE, "too noisy"),
    ],
)
def test_a_fault_is_found_where_it_is(fault: str, flaw: Flaw, word: str) -> None:
    quality = assess(faulty(fault))
    marked = quality.flaws[0] & flaw != 0
    assert marked[30:50].mean() > 0.9
    assert not quality.flaws[0, :30].any()
    assert not quality.flaws[0, 50:].any()
    assert not quality.flaws[1].any()
    assert quality.unanalysable() == []  # the other lead is sound
    (stretch,) = quality.unanalysable(lead=0) if fault != "clipped" else quality.unanalysable(lead=0)[:1]
    assert word in stretch.causes
    assert (quality.analysable_s, quality.share) == (120.0, 1.0)
    assert quality.best_lead() == 1


def test_a_sound_recording_is_analysable_whole(short) -> None:
    quality = assess(as_recording(short))
    assert not quality.flaws.any()
    assert quality.leads[quality.best_lead()] == "II"


def test_a_pause_of_the_heart_is_not_a_loose_electrode() -> None:
    sim = simulate_recording(Heart(events={20: "pause6"}), seconds=60, noise_mv=0.004)
    assert not assess(as_recording(sim)).flaws.any()


def test_stretches_in_which_all_leads_are_off_are_named_with_times() -> None:
    sim = simulate_recording(seconds=60)
    sim.signals[:, 20 * 250 : 30 * 250] = np.nan
    sim.signals[:, 50 * 250 :] = 0.0
    stretches = assess(as_recording(sim)).unanalysable()
    assert [(s.start_s, s.end_s) for s in stretches] == [(20.0, 30.0), (50.0, 60.0)]
    assert stretches[0].causes == ("samples are missing",)
    assert stretches[1].causes == ("flat line, electrode or cable off",)


def test_what_is_left_after_the_last_second_is_judged_like_it() -> None:
    sim = simulate_recording(seconds=10.5)
    quality = assess(as_recording(sim))
    assert (quality.analysable_s, quality.share, quality.unanalysable()) == (10.5, 1.0, [])
    sim.signals[:, 9 * 250 :] = np.nan
    (stretch,) = assess(as_recording(sim)).unanalysable()
    assert (stretch.start_s, stretch.end_s) == (9.0, 10.5)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("short", "recording_too_short"),
        ("flat", "recording_not_analysable"),
        ("missing", "recording_not_analysable"),
        ("noise", "recording_not_analysable"),
        ("volts", "unit_doubtful"),
        ("microvolts", "unit_doubtful"),
    ],
)
def test_what_cannot_be_analysed_is_refused_with_its_reason(kind: str, code: str) -> None:
    sim = simulate_recording(seconds=1.5 if kind == "short" else 30)
    signals = {
        "short": lambda x: x,
        "flat": np.zeros_like,
        "missing": lambda x: np.full_like(x, np.nan),
        "noise": lambda x: np.random.default_rng(0).normal(0, 0.5, x.shape).astype(np.float32),
        "volts": lambda x: x / 1000,
        "microvolts": lambda x: x * 1000,
    }[kind](sim.signals)
    with pytest.raises(UnusableRecording) as caught:
        assess(as_recording(sim, signals=signals))
    assert caught.value.reason_code == code


def test_progress_ends_at_one(minute) -> None:
    told: list[float] = []
    assess(as_recording(minute), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_runs() -> None:
    assert runs(np.array([True, False, True, True])) == [(0, 1), (2, 4)]
    assert runs(np.zeros(3, dtype=bool)) == []


def test_released_memory_keeps_its_content() -> None:
    from ml.recordings.recording import allocate

    signals = allocate(3, 4_000_000)
    assert isinstance(signals, np.memmap)
    signals[1, 5] = 7.0
    release(signals[:, 1:])
    assert signals[1, 5] == 7.0
