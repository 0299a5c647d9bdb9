import numpy as np
import pytest

from ml.datasets.beats import LABELS
from ml.datasets.simulated import BAD_KINDS, bad_input, beat_png, simulate, simulate_recording


@pytest.mark.parametrize("label", LABELS)
def test_same_seed_same_picture(label):
    assert beat_png(label, seed=7) == beat_png(label, seed=7)
    assert beat_png(label, seed=7) != beat_png(label, seed=8)


@pytest.mark.parametrize("kind", BAD_KINDS)
def test_same_seed_same_bad_input(kind):
    assert bad_input(kind, seed=3) == bad_input(kind, seed=3)


@pytest.mark.parametrize("label", LABELS)
def test_signals_are_of_the_height_of_an_ecg(label):
    ecg = simulate(label, seed=1)
    assert 0.5 < np.ptp(ecg.signal) < 6.0
    assert ecg.label == label


@pytest.mark.parametrize("label", ["Normal", "PAC", "RBBB"])
def test_the_peak_is_where_it_is_said_to_be(label):
    ecg = simulate(label, seed=2)
    near = ecg.signal[ecg.r_index - 50 : ecg.r_index + 51]
    assert abs(int(near.argmax()) - 50) <= 5


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown class 'AF'"):
        simulate("AF", seed=1)
    with pytest.raises(ValueError, match="unknown kind 'film'"):
        bad_input("film", seed=1)


def test_premature_beats_come_early_and_a_pause_follows():
    labels = ["Normal"] * 5 + ["PVC"] + ["Normal"] * 5 + ["PAC"] + ["Normal"] * 5
    made = simulate_recording(labels, seed=2)
    gaps = np.diff(made.r_samples) / made.fs
    usual = np.median(gaps)
    for early in (5, 11):
        assert gaps[early - 1] < 0.75 * usual
        assert gaps[early] > 1.1 * usual
    assert made.labels == tuple(labels)
    assert made.signal.shape[0] == 2
    assert made.r_samples[-1] < made.signal.shape[1]


def test_only_single_beats_make_a_recording():
    with pytest.raises(ValueError, match="no single beat can be simulated of VF"):
        simulate_recording(["Normal", "VF"], seed=1)
