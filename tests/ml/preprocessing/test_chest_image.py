"""The one preparation of chest X-rays: free of brightness and bit depth, true to the aspect, and back to places on the film."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.datasets.simulated_chest import draw_chest
from ml.preprocessing.chest_image import SHAPE, SIZE, prepare_chest, prepare_mask

CHEST = draw_chest(seed=2, size=300)


@pytest.mark.parametrize(
    "change",
    [lambda g: g.astype(np.uint16) * 257, lambda g: g * 0.3 - 1000.0, lambda g: g.astype(np.int32) + 7],
)
def test_depth_brightness_and_contrast_do_not_matter(change):
    plain, other = prepare_chest(CHEST.grey).pixels, prepare_chest(change(CHEST.grey)).pixels
    assert np.abs(plain.astype(int) - other).max() <= 1


@given(st.integers(2, 400), st.integers(2, 400))
def test_every_size_fits_with_its_aspect_and_places_lead_back(rows, columns):
    prepared = prepare_chest(np.arange(rows * columns, dtype=np.float32).reshape(rows, columns))
    assert prepared.pixels.shape == SHAPE
    left, top, right, bottom = prepared.box()
    assert max(right - left, bottom - top) == SIZE
    assert prepared.on_film(left, top) == (0.0, 0.0)
    assert prepared.on_film(right, bottom) == (columns, rows)
    outside = prepared.pixels.copy()
    outside[top:bottom, left:right] = 0
    assert not outside.any()


def test_a_mask_lies_where_its_film_lies():
    wide = draw_chest(seed=2, size=300).classes[:200]
    prepared = prepare_chest((wide > 0).astype(np.uint8) * 200)
    assert ((prepared.pixels[..., 0] > 127) == (prepare_mask(wide) > 0)).mean() > 0.99


def test_colours_are_refused():
    with pytest.raises(ValueError, match="one channel"):
        prepare_chest(np.zeros((10, 10, 3), dtype=np.uint8))


def test_a_film_of_one_value_stays_dark():
    assert not prepare_chest(np.full((40, 30), 77, dtype=np.uint8)).pixels.any()
