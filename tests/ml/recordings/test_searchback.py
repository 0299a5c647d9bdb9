"""Missed beats are found again, and a heart that stands still is left alone."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.datasets.simulated_recording import Heart, simulate_recording
from ml.recordings.qrs import Beats, find_beats, searched
from ml.recordings.quality import Flaw, assess
from ml.recordings.searchback import missed_beats
from tests.ml.recordings.conftest import as_recording

MINUTE = simulate_recording(seconds=60)
RECORDING = as_recording(MINUTE)
QUALITY = assess(RECORDING)
BEATS = find_beats(RECORDING.signals, RECORDING.fs, QUALITY)


@settings(max_examples=25)
@given(st.sets(st.integers(0, len(BEATS.samples) - 1), max_size=len(BEATS.samples)))
def test_no_beat_is_ever_removed(lost: set[int]) -> None:
    kept = np.setdiff1d(np.arange(len(BEATS.samples)), sorted(lost))
    known = Beats(samples=BEATS.samples[kept], leads=BEATS.leads[kept], doubtful=BEATS.doubtful)
    found = searched(RECORDING.signals, RECORDING.fs, QUALITY, known)
    assert np.isin(known.samples, found.samples).all()
    assert len(found.samples) == len(found.leads)
    assert (np.diff(found.samples) > 0.3 * RECORDING.fs).all()


def test_missed_beats_are_found_again() -> None:
    lost = [10, 11, 12, 30]
    known = np.delete(BEATS.samples, lost)
    found, leads = missed_beats(RECORDING.signals, RECORDING.fs, QUALITY, known)
    np.testing.assert_allclose(found, BEATS.samples[lost], atol=0.05 * RECORDING.fs)
    assert set(leads.tolist()) <= {0, 1, 2}


def test_a_pause_of_the_heart_stays_one() -> None:
    sim = simulate_recording(Heart(events={20: "pause3.0"}), seconds=60)
    recording = as_recording(sim)
    found = find_beats(recording.signals, recording.fs, assess(recording))
    assert len(found.samples) == len(sim.r_samples)
    assert np.diff(found.samples).max() > 2.5 * recording.fs


def test_unreadable_leads_are_not_searched() -> None:
    known = np.delete(BEATS.samples, [10, 11, 12])
    flaws = QUALITY.flaws.copy()
    flaws[:, int(BEATS.samples[11]) // QUALITY.window] = int(Flaw.NOISE)
    bad = dataclasses.replace(QUALITY, flaws=flaws)
    assert not len(missed_beats(RECORDING.signals, RECORDING.fs, bad, known)[0])


def test_too_few_beats_are_not_compared() -> None:
    for count in range(4):
        known = BEATS.samples[:count] * 3
        assert not len(missed_beats(RECORDING.signals, RECORDING.fs, QUALITY, known)[0])
