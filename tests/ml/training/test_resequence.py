import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.datasets.simulated import simulate_recording
from ml.preprocessing.beat_signal import LENGTH, prepare_beats
from ml.training.resequence import ATRIAL, FIBRILLATION, KINDS, NORMAL, VENTRICULAR, resequenced, rhythm

LABELS = (["Normal"] * 10 + ["PAC"] + ["Normal"] * 9 + ["PVC"]) * 4
SYMBOLS = np.array([{"Normal": "N", "PAC": "A", "PVC": "V"}[label] for label in LABELS])


@pytest.fixture(scope="module")
def beats():
    made = simulate_recording(LABELS, seed=3)
    return prepare_beats(made.signal, made.fs, made.r_samples)


@given(st.sampled_from((*KINDS, FIBRILLATION)), st.integers(1, 300), st.integers(0, 1000))
def test_every_rhythm_has_an_interval_for_every_beat(kind, count, seed):
    made = rhythm(kind, count, np.random.default_rng(seed), ventricular=0.3)
    assert made.kinds.shape == made.seconds.shape == (count,)
    assert set(made.kinds.tolist()) <= {NORMAL, ATRIAL, VENTRICULAR}
    assert ((made.seconds >= 0.32) & (made.seconds < 6.0)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_premature_beats_come_early(kind):
    made = rhythm(kind, 300, np.random.default_rng(1))
    early = made.kinds == ATRIAL
    assert early.any()
    assert made.seconds[early].max() < np.median(made.seconds[~early])


def test_with_pauses_premature_beats_are_the_majority():
    shares = [
        (rhythm("pauses", 300, np.random.default_rng(seed)).kinds == ATRIAL).mean() for seed in range(10)
    ]
    assert min(shares) > 0.5


def test_fibrillation_is_irregular_and_has_no_premature_beats():
    made = rhythm(FIBRILLATION, 300, np.random.default_rng(1))
    assert set(made.kinds.tolist()) == {NORMAL}
    assert np.std(np.log(made.seconds)) > 0.08


def test_beats_keep_their_form_and_take_the_new_rhythm(beats):
    made = rhythm("single", 120, np.random.default_rng(2), ventricular=0.5)
    remade, drawn = resequenced(beats.windows[..., 0], SYMBOLS, made, np.random.default_rng(3))
    np.testing.assert_array_equal(SYMBOLS[drawn], made.kinds)
    assert remade.windows.shape == (120, 2, LENGTH, 2)
    own, other = beats.windows[drawn, 0, :, 0], remade.windows[:, 0, :, 0]
    likeness = [np.corrcoef(a, b)[0, 1] for a, b in zip(own, other, strict=True)]
    assert min(likeness) > 0.95
    np.testing.assert_allclose(np.diff(remade.r_samples) / 360.0, made.seconds[1:], atol=0.003)
    early = remade.features[:, 5]
    assert early[made.kinds != NORMAL].mean() < early[made.kinds == NORMAL].mean() - 0.2
