import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.preprocessing.beat_signal import CENTRE, LENGTH, QRS, RATE_HZ
from ml.training.intermittent import BLOCKED, WAYS, conducted_with_block, intermittent
from ml.training.resequence import NORMAL, VENTRICULAR


@given(st.sampled_from(WAYS), st.integers(2, 200), st.booleans(), st.integers(0, 1000))
def test_every_beat_has_a_kind_and_an_interval(way, count, ventricular, seed):
    made = intermittent(way, count, np.random.default_rng(seed), ventricular=ventricular)
    assert made.kinds.shape == made.seconds.shape == (count,)
    assert set(made.kinds.tolist()) <= {NORMAL, BLOCKED} | ({VENTRICULAR} if ventricular else set())
    assert ((made.seconds >= 0.32) & (made.seconds < 6.0)).all()


@pytest.mark.parametrize("way", WAYS)
def test_normal_and_blocked_beats_come_and_go(way):
    made = intermittent(way, 300, np.random.default_rng(1))
    assert 0.1 < (made.kinds == BLOCKED).mean() < 0.9


@pytest.mark.parametrize(
    ("way", "least", "most"), [("runs", 0.95, 1.05), ("rate", 1.05, 1.3), ("dropped", 1.9, 2.1)]
)
def test_normal_beats_are_later_where_block_depends_on_the_rate(way, least, most):
    made = intermittent(way, 400, np.random.default_rng(2))
    blocked = made.kinds == BLOCKED
    ratio = np.median(made.seconds[~blocked]) / np.median(made.seconds[blocked])
    assert least < ratio < most


def test_ventricular_beats_come_early():
    made = intermittent("runs", 400, np.random.default_rng(3), ventricular=True)
    early = made.kinds == VENTRICULAR
    assert early.any()
    assert np.median(made.seconds[early]) < 0.85 * np.median(made.seconds[~early])


def test_the_p_wave_stays_and_the_complex_is_the_other_ones():
    rng = np.random.default_rng(4)
    own, other = rng.normal(size=(2, 3, 2, LENGTH))
    mixed = conducted_with_block(own, other)
    before = slice(0, CENTRE - round(0.13 * RATE_HZ))
    np.testing.assert_array_equal(mixed[..., before], own[..., before])
    after = mixed[..., QRS.start + 7 :] - other[..., QRS.start + 7 :]
    np.testing.assert_allclose(after, np.broadcast_to(after[..., :1], after.shape))
