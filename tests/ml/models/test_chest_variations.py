"""What is varied in films before a network learns from them: hearts of other sizes, other processing, shares of cells."""

from __future__ import annotations

import numpy as np
import pytest

from ml.chest.ratio import HEART, heart_size
from ml.datasets.simulated_chest import draw_chest
from ml.models.chest_pictures.hearts import resized_heart
from ml.models.chest_pictures.styles import restyled
from ml.preprocessing.chest_image import SIZE


@pytest.fixture(scope="module", params=[0.40, 0.50, 0.62])
def film(request):
    chest = draw_chest(seed=5, ratio=request.param, size=SIZE)
    return chest.grey[..., None], chest.classes


def test_hearts_of_every_size_come_out_and_the_chest_keeps_its_width(film):
    picture, mask = film
    before = heart_size(mask)
    found = []
    for seed in range(24):
        varied, drawn = resized_heart(picture, mask, np.random.default_rng(seed))
        size = heart_size(drawn)
        assert size.chest[:2] == pytest.approx(before.chest[:2], abs=2.0)
        assert varied.shape == picture.shape
        found.append(size.ratio)
    assert min(found) < before.ratio - 0.01
    assert max(found) > before.ratio + 0.03


def test_picture_and_mask_are_moved_alike(film):
    _, mask = film
    painted = (mask == HEART).astype(np.uint8)[..., None] * 255
    varied, drawn = resized_heart(painted, mask, np.random.default_rng(1))
    apart = (varied[..., 0] >= 128) != (drawn == HEART)
    assert not np.array_equal(drawn, mask)
    assert apart.mean() < 0.005


def test_what_cannot_be_measured_is_left_alone(film):
    picture, mask = film
    empty = np.zeros_like(mask)
    varied, drawn = resized_heart(picture, empty, np.random.default_rng(0))
    assert np.array_equal(varied, picture)
    assert np.array_equal(drawn, empty)


def test_another_processing_changes_values_and_keeps_the_film(film):
    picture, _ = film
    likeness = [
        np.corrcoef(restyled(picture, np.random.default_rng(seed)).ravel(), picture.ravel())[0, 1]
        for seed in range(12)
    ]
    assert min(likeness) > 0.5
    assert min(likeness) < 0.999
