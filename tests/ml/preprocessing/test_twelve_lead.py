"""Twelve leads as the network reads them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.datasets.simulated_recording import simulate_recording
from ml.preprocessing.twelve_lead import prepare_leads, without_baseline
from ml.recordings.leads import TWELVE


def made(seconds=10.0, fs=250.0, **more):
    return simulate_recording(seconds=seconds, fs=fs, leads=TWELVE, seed=2, **more).signals


def page(signals, fs):
    """Each lead only while its column of a page of 3 rows and 4 columns is written."""
    at = np.arange(signals.shape[1]) / fs
    column = np.arange(12) // 3
    written = (at >= 2.5 * column[:, None]) & (at < 2.5 * (column[:, None] + 1))
    return np.where(written, signals, np.nan)


@given(
    fs=st.sampled_from([100.0, 128.0, 250.0, 500.0, 1000.0]),
    seconds=st.floats(2.5, 14.0),
    offset=st.floats(-3.0, 3.0),
)
@settings(max_examples=25)
def test_shape_range_and_no_baseline(fs, seconds, offset):
    found = prepare_leads(made(seconds, fs) + np.float32(offset), fs)
    assert found.window.shape == (found.window.shape[0], 12)
    assert min(round(seconds * 100) - 2, 998) <= len(found.window) <= 1000
    assert len(found.window) >= 250
    assert np.abs(np.median(found.window, axis=0)).max() < 0.25
    assert found.at_once
    assert not found.starts_s.any()


def test_the_rate_of_the_recorder_does_not_matter():
    slow, fast = (prepare_leads(made(fs=fs, noise_mv=0.0), fs).window for fs in (100.0, 500.0))
    middle = slice(50, 950)
    for one, other in zip(slow[middle].T, fast[middle].T, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.95


@given(factor=st.floats(0.2, 3.0))
@settings(max_examples=10)
def test_the_preparation_is_linear(factor):
    signals = made(5.0)
    np.testing.assert_allclose(
        without_baseline(signals * np.float32(factor), 250.0),
        without_baseline(signals, 250.0) * factor,
        atol=1e-4,
    )


def test_slow_drift_goes_and_the_st_segment_stays():
    fs, at = 250.0, np.arange(2500) / 250.0
    drift = 1.0 * np.sin(2 * np.pi * 0.1 * at)
    step = 0.3 * ((at % 1.0) < 0.12)  # an elevation of 120 ms in every beat
    left = without_baseline((drift + step)[None], fs)[0]
    quiet = without_baseline(step[None], fs)[0]
    inner = slice(150, 850)
    assert np.abs(left - quiet)[inner].max() < 0.1
    assert np.ptp(quiet[inner]) == pytest.approx(0.3, rel=0.35)


def test_a_page_is_laid_side_by_side():
    fs = 250.0
    signals = made(fs=fs)
    found = prepare_leads(page(signals, fs), fs)
    assert found.window.shape == (250, 12)
    assert not found.at_once
    assert found.starts_s.tolist() == [0.0] * 3 + [2.5] * 3 + [5.0] * 3 + [7.5] * 3
    alone = without_baseline(signals[6, 1250:1875], fs)
    np.testing.assert_allclose(found.window[:, 6], alone, atol=1e-5)


def test_a_gap_is_left_out_and_the_longest_stretch_of_all_leads_is_read():
    signals = made()
    signals[4, 700:710] = np.nan
    found = prepare_leads(signals, 250.0)
    assert found.at_once
    assert found.starts_s.tolist() == [2.84] * 12
    assert found.seconds == pytest.approx(7.16, abs=0.02)


@pytest.mark.parametrize(
    ("signals", "fs", "said"),
    [
        (np.zeros((11, 1000)), 100.0, "shape"),
        (np.zeros(1000), 100.0, "shape"),
        (np.zeros((12, 1000)), 50.0, "below 100 Hz"),
        (np.zeros((12, 200)), 100.0, "without a gap"),
        (np.full((12, 1000), np.nan), 100.0, "without a gap"),
    ],
)
def test_what_does_not_fit_is_refused(signals, fs, said):
    with pytest.raises(ValueError, match=said):
        prepare_leads(signals, fs)


def test_one_lead_that_is_missing_is_enough_to_refuse():
    signals = made()
    signals[11] = np.nan
    with pytest.raises(ValueError, match="without a gap"):
        prepare_leads(signals, 250.0)
