"""How alike two sites draw: the same manner is told from another."""

from __future__ import annotations

import numpy as np
import pytest

from ml.chest.ratio import HEART
from ml.datasets.chest_xray import SITES
from ml.datasets.simulated_chest import draw_chest
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.manners import manners
from ml.preprocessing.chest_image import SIZE


@pytest.fixture(scope="module")
def films():
    """Drawn chests of one size of heart at two sites; the readers of the second cut the upper third of every heart away."""
    chests = [draw_chest(seed=seed, ratio=0.5, size=SIZE) for seed in range(8)]
    masks = np.stack([one.classes for one in chests])
    for mask in masks[4:]:
        rows = np.flatnonzero((mask == HEART).any(axis=1))
        upper = mask[: rows[0] + len(rows) // 3]
        upper[upper == HEART] = 0
    return Films(
        names=np.arange(8).astype(str),
        sites=np.repeat(SITES, 4),
        pictures=np.stack([one.grey[..., None] for one in chests]),
        masks=masks,
        ratios=np.full(8, 0.5),
        mended=0,
    )


def test_hearts_overlap_more_within_a_site_than_on_the_other(films):
    overlap = manners(films)["overlap"]
    assert overlap["jsrt on wingspan"] < min(overlap["within jsrt"], overlap["within wingspan"]) - 0.02


def test_the_manner_is_told_by_the_upper_end(films):
    shape = manners(films)["shape"]
    assert shape["wingspan"]["upper_breadth"] > shape["jsrt"]["upper_breadth"] + 0.1
