"""How ``cxr-heart`` is taught: each picture is normalised by itself, and outlines that overlap cost nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ml.datasets.simulated_chest import draw_chest
from ml.preprocessing.chest_image import SIZE

NARROW = (4, 4, 8)


@pytest.fixture(scope="module")
def chests():
    return [draw_chest(seed=seed, ratio=0.5, size=SIZE) for seed in range(2)]


def test_what_else_is_in_a_batch_does_not_change_an_answer(keras, chests):
    from ml.models.cxr_heart import network

    model = network.build(widths=NARROW, dropout=0.0)
    pictures = np.stack([one.grey[..., None] for one in chests]).astype(np.float32)
    alone = model(pictures[:1], training=True).numpy()
    darker = np.stack([pictures[0], pictures[1] * 0.2])
    beside = model(darker, training=True).numpy()[:1]
    assert np.allclose(alone, beside, atol=1e-3)


def test_the_loss_is_nothing_for_the_drawn_outlines_and_more_with_overlap_where_the_heart_is_missed(
    keras, chests
):
    from ml.models.cxr_heart.fitting import loss_with

    classes = np.stack([one.classes for one in chests])
    perfect = 20.0 * np.eye(4, dtype=np.float32)[classes]
    missed = 20.0 * np.eye(4, dtype=np.float32)[np.where(classes == 3, 0, classes)]
    by_pixel, both = loss_with(0.0), loss_with(0.5)
    assert float(both(classes, perfect)) == pytest.approx(0.0, abs=1e-3)
    assert float(both(classes, missed)) == pytest.approx(float(by_pixel(classes, missed)) + 0.5 / 3, abs=0.01)
