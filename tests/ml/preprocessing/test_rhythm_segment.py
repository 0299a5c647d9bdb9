import numpy as np
import pytest

from ml.datasets.simulated import simulate
from ml.preprocessing.rhythm_segment import (
    FEATURES,
    LENGTH,
    PACE,
    STEADY,
    SWINGS,
    figures_of,
    held,
    prepare_segments,
)

FORM = slice(40, 52)


def long(rhythm, seed=1):
    ecg = simulate(rhythm, seed=seed)
    return np.tile(ecg.signal[: round(4 * ecg.fs)], 3), ecg.fs


def test_shapes():
    made = prepare_segments(*long("Normal"))
    assert made.windows.shape == (3, LENGTH, 1)
    assert made.features.shape == (3, FEATURES)
    assert made.starts_s.tolist() == [0.0, 4.0, 8.0]
    np.testing.assert_allclose(made.windows.std(axis=1), 1.0, atol=0.02)


def test_what_is_left_over_gets_no_answer():
    signal, fs = long("Normal")
    assert len(prepare_segments(signal[: round(7.9 * fs)], fs).windows) == 1
    assert len(prepare_segments(signal[: round(3.9 * fs)], fs).windows) == 0
    assert len(prepare_segments(np.zeros(0), fs).windows) == 0


def test_gain_does_not_matter_until_the_signal_is_tiny():
    signal, fs = long("VF")
    one, ten = prepare_segments(signal, fs), prepare_segments(10 * signal, fs)
    np.testing.assert_allclose(one.features, ten.features, atol=1e-4)
    np.testing.assert_allclose(10 * one.reach_mv, ten.reach_mv, rtol=1e-4)
    assert prepare_segments(1e-3 * signal, fs).windows.std() < 0.1


def test_sampling_rate_hardly_matters():
    signal, fs = long("VF")
    one, half = prepare_segments(signal, fs), prepare_segments(signal[::2], fs / 2)
    np.testing.assert_allclose(one.features[1], half.features[1], atol=0.15)


def test_figures_tell_fibrillation_from_beats():
    beats, wild = (
        prepare_segments(*long(rhythm)).features[:, FORM].mean(axis=0) for rhythm in ("Normal", "VF")
    )
    leak, near_zero, peaked = 3, 7, 9
    assert wild[leak] < beats[leak]
    assert wild[near_zero] < beats[near_zero]
    assert wild[peaked] < beats[peaked]


@pytest.mark.parametrize("signal", [np.zeros(2000), np.full(2000, np.nan), np.full(2000, 3.0)])
def test_silence_is_no_error(signal):
    made = prepare_segments(signal, 250.0)
    assert np.isfinite(made.features).all()
    assert not made.windows.any()


@pytest.mark.parametrize(
    ("signal", "fs", "said"),
    [(np.zeros((1, 2000)), 250.0, "shape"), (np.zeros(2000), 90.0, "below 100 Hz")],
)
def test_wrong_input_is_named(signal, fs, said):
    with pytest.raises(ValueError, match=said):
        prepare_segments(signal, fs)


@pytest.mark.parametrize("rate", [60, 90, 105, 140, 180, 240])
def test_pace_is_the_rate_of_a_regular_rhythm(rate):
    seconds = np.arange(LENGTH) / 125.0
    beats = np.cos(2 * np.pi * rate / 60 * seconds) + 0.4 * np.cos(4 * np.pi * rate / 60 * seconds + 1.0)
    beats = (beats - beats.mean()) / beats.std()
    found = figures_of(np.stack([beats, -beats]))
    assert 100 * found[:, PACE] == pytest.approx(rate, rel=0.06)
    assert 100 * found[:, SWINGS] == pytest.approx(rate, abs=16)
    assert (found[:, STEADY] > 0.9).all()


def test_a_small_signal_is_never_called():
    answers = np.array([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1]], dtype=np.float32)
    found = held(answers, np.array([0.19, 0.21, 0.1]))
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.1, 0.9], [0.9, 0.1]])
    assert found.dtype == np.float32
