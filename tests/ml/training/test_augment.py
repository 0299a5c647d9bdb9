import numpy as np

from ml.datasets.beats import CENTRE, LENGTH
from ml.training.augment import crop, vary


def windows(count=3):
    made = np.zeros((count, LENGTH), dtype=np.float32)
    made[:, CENTRE - 3 : CENTRE + 4] = 1.0
    return made


def test_crop_shows_the_asked_time():
    parts = crop(windows(), before_s=0.9, after_s=0.5, samples=351)
    assert parts.shape == (3, 351)
    np.testing.assert_array_equal(np.flatnonzero(parts[0] > 0.5), np.arange(222, 229))


def test_variants_are_small_and_seeded_and_never_flipped():
    one = vary(windows(200), np.random.default_rng(1), before_s=0.9, after_s=0.5)
    np.testing.assert_array_equal(
        one, vary(windows(200), np.random.default_rng(1), before_s=0.9, after_s=0.5)
    )
    assert not np.array_equal(one[0], one[1])
    at = one.argmax(axis=1) / 256 * 1.4 - 0.9
    assert np.abs(at).max() < 0.12
    assert (one.max(axis=1) > -one.min(axis=1)).all()
