"""Drawn films: the heart is as wide as asked for, the same seed gives the same film, and what is written is read back."""

from __future__ import annotations

import numpy as np
import pytest

from ml.chest.ratio import heart_size
from ml.datasets.simulated_chest import draw_chest, draw_lateral, draw_limb
from ml.datasets.simulated_dicom import chest_dicom
from ml.dicom.display import shown
from ml.dicom.frames import decode
from ml.dicom.image import image_of
from ml.dicom.opening import open_dicom


@pytest.mark.parametrize("ratio", [0.38, 0.45, 0.5, 0.6, 0.7])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_heart_is_as_wide_as_asked_for(ratio, seed):
    chest = draw_chest(seed=seed, ratio=ratio, size=256)
    assert chest.ratio == pytest.approx(ratio, abs=0.015)
    assert heart_size(chest.classes).ratio == chest.ratio


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: draw_chest(seed=seed, size=96).grey,
        lambda s: draw_lateral(seed=s, size=96),
        lambda s: draw_limb(seed=s, size=96),
    ],
)
def test_a_seed_gives_one_film_and_another_seed_another(draw):
    assert np.array_equal(draw(5), draw(5))
    assert not np.array_equal(draw(5), draw(6))


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_written_film_is_shown_as_it_was_drawn(tmp_path, inverted, bits):
    grey = draw_chest(seed=3, size=96).grey
    path = tmp_path / "film.dcm"
    path.write_bytes(
        chest_dicom(grey, inverted=inverted, bits=bits, WindowCenter=2.0 ** (bits - 1), WindowWidth=2.0**bits)
    )
    dataset = open_dicom(path)
    image = image_of(dataset)
    assert np.abs(shown(decode(path, dataset, image), dataset, image).astype(int) - grey).max() <= 2
    assert path.read_bytes() == chest_dicom(
        grey, inverted=inverted, bits=bits, WindowCenter=2.0 ** (bits - 1), WindowWidth=2.0**bits
    )
