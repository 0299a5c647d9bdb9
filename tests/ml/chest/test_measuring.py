"""The ratio with its error: known outlines give known ratios, and the error is one that was observed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ml.chest.measuring import (
    LABELS,
    fit_error,
    labels_between,
    probability_enlarged,
    read,
    shares_of_labels,
    variants,
)
from ml.chest.ratio import NotMeasurable
from ml.datasets.simulated_chest import draw_chest
from ml.preprocessing.chest_image import SIZE

CHEST = draw_chest(seed=4, ratio=0.52, size=SIZE)


def one_hot(classes):
    return np.eye(4, dtype=np.float32)[classes]


def test_outlines_that_agree_give_their_ratio_without_spread():
    def shares_of(pictures):
        """Finds the drawn parts wherever the variant shows them: the picture here is the drawing of the parts itself."""
        return one_hot(np.rint(pictures[..., 0] / 60.0).astype(int).clip(0, 3))

    reading = read((CHEST.classes * 60)[..., None], lambda pictures: shares_of(pictures[[0] * 5]))
    assert reading.size.ratio == pytest.approx(CHEST.ratio, abs=0.01)
    assert reading.ratios.shape == (5,)


def test_smaller_variants_are_brought_back_to_where_the_film_lies():
    pixels = (CHEST.classes * 60)[..., None]
    assert variants(pixels).shape == (5, SIZE, SIZE, 1)

    def shares_of(pictures):
        exposed = one_hot(np.stack([CHEST.classes] * 3))
        smaller = one_hot(np.rint(pictures[3:, ..., 0] / 60.0).astype(int).clip(0, 3))
        return np.concatenate([exposed, smaller])

    reading = read(pixels, shares_of)
    assert reading.size.ratio == pytest.approx(CHEST.ratio, abs=0.012)
    assert reading.spread < 0.01


def test_a_film_without_a_heart_is_not_measured():
    with pytest.raises(NotMeasurable, match="the heart"):
        read(
            np.zeros((SIZE, SIZE, 1), dtype=np.uint8),
            lambda pictures: one_hot(
                np.stack([np.minimum(CHEST.classes, 2) * (CHEST.classes < 3)] * len(pictures))
            ),
        )


def test_the_error_that_was_observed_is_found_again():
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.0, 0.03, 4000)
    true = rng.uniform(0.35, 0.7, 4000)
    measured = true + rng.normal(0.0, np.hypot(0.012, 0.8 * spread))
    errors = fit_error(measured, spread, true)
    assert errors.floor == pytest.approx(0.012, rel=0.1)
    assert errors.slope == pytest.approx(0.8, rel=0.1)
    assert errors.reach == pytest.approx(norm.ppf(0.95), rel=0.05)


@given(st.floats(0.2, 0.9), st.floats(0.004, 0.2))
def test_the_labels_share_all_probability_and_agree_with_the_limit(ratio, sigma):
    shares = shares_of_labels(ratio, sigma)
    assert tuple(shares) == LABELS
    assert sum(shares.values()) == pytest.approx(1.0)
    enlarged = float(probability_enlarged(ratio, sigma))
    assert shares["Cardiomegaly"] <= enlarged + 1e-9
    assert (enlarged > 0.5) == (ratio > 0.5) or ratio == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.40, 0.47, LABELS[:1]),
        (0.46, 0.50, LABELS[:2]),
        (0.49, 0.51, LABELS[1:2]),
        (0.47, 0.53, LABELS),
        (0.55, 0.6, LABELS[2:]),
    ],
)
def test_the_prediction_set_is_what_the_interval_touches(low, high, labels):
    assert labels_between(low, high) == labels
