"""What the models of the comparison are given."""

import numpy as np
import pytest
import wfdb

from ml.datasets.beats import LENGTH, Beats, DataNotFoundError
from ml.models.beat_pictures.comparison.material import dealt_anew
from ml.models.beat_pictures.comparison.noise import KINDS, noise_tracks, with_noise


@pytest.fixture(scope="module")
def nstdb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nstdb")
    rng = np.random.default_rng(0)
    for kind in KINDS:
        wfdb.wrsamp(
            kind,
            fs=360,
            units=["mV", "mV"],
            sig_name=["a", "b"],
            p_signal=rng.normal(size=(7200, 2)),
            fmt=["16", "16"],
            write_dir=str(folder),
        )
    return folder


def beats(count):
    at = np.arange(LENGTH) / 250.0
    windows = np.stack([np.sin(2 * np.pi * (1 + i % 3) * at) * (1 + i % 2) for i in range(count)])
    return Beats(
        windows=windows.astype(np.float32),
        labels=np.full(count, "Normal"),
        records=np.full(count, "mitdb/100"),
        samples=np.arange(count),
    )


@pytest.mark.parametrize("snr_db", [24.0, 0.0])
def test_noise_has_the_power_that_was_asked_for(nstdb, snr_db):
    clean = beats(40)
    tracks = noise_tracks(nstdb)
    assert tracks.shape == (6, 5000)
    noisy = with_noise(clean, tracks, snr_db, np.random.default_rng(1))
    power = clean.windows.astype(float).var(axis=1) / (noisy - clean.windows).astype(float).var(axis=1)
    np.testing.assert_allclose(10 * np.log10(power), snr_db, atol=0.01)


def test_missing_noise_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="noise recording em is not in"):
        noise_tracks(tmp_path)


def test_labels_are_dealt_anew_among_records_and_keep_their_groups():
    records = np.repeat([f"mitdb/{i}" for i in range(30)], 10)
    classes = np.repeat(np.arange(30) % 6, 10)
    dealt = dealt_anew(classes, records, seed=3)
    assert all(len(np.unique(dealt[records == name])) == 1 for name in np.unique(records))
    assert np.bincount(dealt).tolist() == np.bincount(classes).tolist()
    assert (dealt != classes).mean() > 0.5
