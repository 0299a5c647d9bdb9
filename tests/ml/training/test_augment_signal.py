import numpy as np
import pytest
import wfdb

from ml.datasets.beats import DataNotFoundError
from ml.datasets.simulated import simulate_recording
from ml.preprocessing.beat_signal import CENTRE, RHYTHM_FEATURES, prepare_beats
from ml.training.augment_signal import noise_bank, vary_beats

QUIET = np.zeros((2, 1000), dtype=np.float32)


@pytest.fixture(scope="module")
def beats():
    made = simulate_recording(["Normal"] * 30 + ["PVC"] + ["Normal"] * 30, seed=2)
    return prepare_beats(made.signal, made.fs, made.r_samples)


def varied(beats, bank=QUIET, seed=0):
    return vary_beats(beats.windows, beats.features, bank, np.random.default_rng(seed))


def test_shapes_and_types_stay(beats):
    windows, features = varied(beats)
    assert (windows.shape, features.shape) == (beats.windows.shape, beats.features.shape)
    assert windows.dtype == np.float32


def test_the_input_is_not_changed(beats):
    before = beats.features.copy(), beats.windows.copy()
    varied(beats)
    np.testing.assert_array_equal(beats.features, before[0])
    np.testing.assert_array_equal(beats.windows, before[1])


def test_beats_are_never_turned_over_and_hardly_moved(beats):
    windows, _ = varied(beats)
    middle = slice(20, 108)
    for one, other in zip(beats.windows, windows, strict=True):
        likeness = [
            np.corrcoef(np.roll(one[lead, :, 0], by)[middle], other[0, middle, 0])[0, 1]
            for lead in (0, 1)
            for by in range(-3, 4)
        ]
        assert max(likeness) > 0.99
    height = np.ptp(windows[:, :, CENTRE - 12 : CENTRE + 17, 0], axis=2)
    assert ((height > 0.6) & (height < 3.2)).all()


def test_rhythm_is_left_alone(beats):
    np.testing.assert_array_equal(varied(beats)[1][:, :RHYTHM_FEATURES], beats.features[:, :RHYTHM_FEATURES])


def test_some_beats_lose_a_lead(beats):
    windows, features = varied(beats)
    alone = (windows[:, 0] == windows[:, 1]).all(axis=(1, 2))
    assert 0.15 < alone.mean() < 0.7
    forms = features[:, RHYTHM_FEATURES:].reshape(len(features), 2, -1)
    np.testing.assert_array_equal((forms[:, 0] == forms[:, 1]).all(axis=1), alone)


def test_noise_is_added_to_some(beats):
    bank = np.random.default_rng(1).normal(size=(2, 1000)).astype(np.float32)
    louder, quiet = varied(beats, bank)[0], varied(beats)[0]
    assert 0.2 < (np.abs(louder - quiet).max(axis=(1, 2, 3)) > 0).mean() < 0.8


def test_noise_bank_reads_the_stress_database(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("bw", "em", "ma"):
        wfdb.wrsamp(
            kind,
            fs=360,
            units=["mV", "mV"],
            sig_name=["noise1", "noise2"],
            p_signal=rng.normal(size=(3600, 2)),
            fmt=["16", "16"],
            write_dir=str(tmp_path),
        )
    bank = noise_bank(tmp_path)
    assert bank.shape == (6, 1250)
    np.testing.assert_allclose(bank.std(axis=1), 1.0, atol=1e-3)


def test_missing_noise_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="noise recording bw"):
        noise_bank(tmp_path)
