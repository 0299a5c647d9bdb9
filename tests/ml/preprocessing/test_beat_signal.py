import numpy as np
import pytest

from ml.datasets.simulated import simulate_recording
from ml.preprocessing.beat_signal import (
    CENTRE,
    COMPANY_FEATURES,
    FEATURES,
    LEAD_FEATURES,
    LENGTH,
    RATE_HZ,
    RHYTHM_FEATURES,
    align,
    prepare_beats,
)

LABELS = ["Normal"] * 14 + ["PVC"] + ["Normal"] * 10 + ["PAC"] + ["Normal"] * 14

COMPANY = slice(
    RHYTHM_FEATURES + LEAD_FEATURES - COMPANY_FEATURES, RHYTHM_FEATURES + LEAD_FEATURES
)  # of the first lead


@pytest.fixture(scope="module")
def recording():
    return simulate_recording(LABELS, seed=3)


@pytest.fixture(scope="module")
def beats(recording):
    return prepare_beats(recording.signal, recording.fs, recording.r_samples)


def same(a, b, tolerance):
    np.testing.assert_allclose(a.windows, b.windows, atol=tolerance)
    np.testing.assert_allclose(a.features, b.features, atol=tolerance)


def test_shapes(beats):
    assert beats.windows.shape == (len(LABELS), 2, LENGTH, 2)
    assert beats.features.shape == (len(LABELS), FEATURES)
    assert beats.windows.dtype == beats.features.dtype == np.float32
    assert np.isfinite(beats.windows).all()
    assert np.isfinite(beats.features).all()


def test_gain_does_not_matter(recording, beats):
    same(beats, prepare_beats(37.0 * recording.signal, recording.fs, recording.r_samples), 1e-4)


def test_each_lead_has_its_own_gain(recording, beats):
    signal = recording.signal * np.array([[1.0], [0.01]])
    np.testing.assert_allclose(
        prepare_beats(signal, recording.fs, recording.r_samples).windows, beats.windows, atol=0.02
    )


@pytest.mark.parametrize("off", [-8, 5, 12])
def test_positions_a_few_samples_off_give_the_same_beats(recording, beats, off):
    same(beats, prepare_beats(recording.signal, recording.fs, recording.r_samples + off), 1e-6)


@pytest.mark.parametrize("every", [2, 4])
def test_sampling_rate_hardly_matters(recording, beats, every):
    other = prepare_beats(recording.signal[:, ::every], recording.fs / every, recording.r_samples // every)
    middle = slice(CENTRE - 8, CENTRE + 8)
    pairs = zip(*(b.windows[:, 0, middle, 0] for b in (beats, other)), strict=True)
    assert np.median([np.corrcoef(one, two)[0, 1] for one, two in pairs]) > 0.95
    assert np.abs(other.features[:, :RHYTHM_FEATURES] - beats.features[:, :RHYTHM_FEATURES]).mean() < 0.05


def test_premature_beats_differ_in_rhythm_and_ectopic_ones_in_form(beats):
    early = beats.features[:, 5]  # the interval that ends in the beat, against the rhythm of the recording
    change = np.abs(beats.windows[:, 0, :, 1]).max(axis=1)
    assert set(np.argsort(early)[:2]) == {LABELS.index("PVC"), LABELS.index("PAC")}
    assert change.argmax() == LABELS.index("PVC")


def test_one_lead_is_shown_twice(recording, beats):
    one = prepare_beats(recording.signal[:1], recording.fs, recording.r_samples)
    np.testing.assert_array_equal(one.windows[:, 0], one.windows[:, 1])
    np.testing.assert_array_equal(*np.split(one.features[:, RHYTHM_FEATURES:], 2, axis=1))
    assert one.windows.shape == beats.windows.shape


def test_a_flat_lead_counts_as_missing(recording):
    flat = np.stack([np.zeros_like(recording.signal[0]), recording.signal[0]])
    one = prepare_beats(recording.signal[:1], recording.fs, recording.r_samples)
    same(one, prepare_beats(flat, recording.fs, recording.r_samples), 1e-6)


def test_a_run_at_the_end_does_not_become_the_usual_rhythm():
    recording = simulate_recording(["Normal"] * 60 + ["PAC"] * 25, seed=1)
    beats = prepare_beats(recording.signal, recording.fs, recording.r_samples)
    assert (beats.features[61:, 5] < -0.3).all()
    assert (np.abs(beats.features[5:60, 5]) < 0.1).all()


def test_beats_are_told_what_their_like_have_in_common():
    recording = simulate_recording((["Normal"] * 9 + ["PVC"]) * 8, seed=2)
    ventricular = np.array(recording.labels) == "PVC"
    beats = prepare_beats(recording.signal, recording.fs, recording.r_samples)
    company = beats.features[:, COMPANY]
    share, before, early, beside = (company[:, place] for place in (0, 1, 3, 6))
    assert share[ventricular].max() < share[~ventricular].min()
    assert before[ventricular].max() < -0.15 < before[~ventricular].min()
    assert early[ventricular].min() > 0.8
    assert early[~ventricular].max() < 0.2
    assert beside[ventricular].max() < np.median(beside[~ventricular]) - 0.4
    np.testing.assert_allclose(company[ventricular].std(axis=0), 0.0, atol=0.1)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_beats_are_no_error(recording, count):
    beats = prepare_beats(recording.signal, recording.fs, recording.r_samples[:count])
    assert beats.windows.shape == (count, 2, LENGTH, 2)
    assert np.isfinite(beats.features).all()


def test_silence_gives_zeros():
    beats = prepare_beats(np.zeros((2, 4000)), 360.0, np.array([500, 900, 1300, 1800]))
    assert not beats.windows.any()


def test_missing_samples_are_no_error(recording):
    signal = recording.signal.copy()
    signal[:, 100:200] = np.nan
    assert np.isfinite(prepare_beats(signal, recording.fs, recording.r_samples).windows).all()


@pytest.mark.parametrize(
    ("signal", "fs", "at", "said"),
    [
        (np.zeros(100), 250.0, np.array([5]), "shape"),
        (np.zeros((1, 100)), 90.0, np.array([5]), "below 100 Hz"),
        (np.zeros((1, 100)), 250.0, np.array([100]), "outside"),
        (np.zeros((1, 100)), 250.0, np.array([-1]), "outside"),
    ],
)
def test_wrong_input_is_named(signal, fs, at, said):
    with pytest.raises(ValueError, match=said):
        prepare_beats(signal, fs, at)


def test_alignment_finds_the_complex(recording):
    found = align(recording.signal, recording.fs, recording.r_samples + 15)
    normal = np.array(recording.labels) == "Normal"
    assert np.abs(found - recording.r_samples)[normal].max() <= 0.03 * recording.fs
    assert RATE_HZ == 125.0
