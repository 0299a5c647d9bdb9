"""The cardiothoracic ratio of drawn chests, and the loader of films with their masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ml.chest.ratio import HEART, LEFT_LUNG, RIGHT_LUNG, NotMeasurable, heart_size, joined_heart
from ml.datasets.chest_xray import chest_xrays


def ellipse(shape: tuple[int, int], x: float, y: float, half_width: float, half_height: float) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return ((columns + 0.5 - x) / half_width) ** 2 + ((rows + 0.5 - y) / half_height) ** 2 <= 1.0


def chest(*, heart: float, size: int = 256) -> np.ndarray:
    """Lungs from 0.1 to 0.9 of the width, and a heart of that share of the picture's width."""
    classes = np.zeros((size, size), dtype=np.uint8)
    classes[ellipse(classes.shape, 0.25 * size, 0.5 * size, 0.15 * size, 0.4 * size)] = RIGHT_LUNG
    classes[ellipse(classes.shape, 0.75 * size, 0.5 * size, 0.15 * size, 0.4 * size)] = LEFT_LUNG
    classes[ellipse(classes.shape, 0.52 * size, 0.65 * size, heart * size / 2, 0.15 * size)] = HEART
    return classes


@given(heart=st.floats(0.2, 0.5), size=st.integers(64, 400))
def test_the_ratio_is_the_hearts_width_by_the_chests_at_any_size(heart: float, size: int) -> None:
    found = heart_size(chest(heart=heart, size=size))
    assert found.ratio == pytest.approx(heart / 0.8, abs=5.0 / size)
    assert found.chest[0] <= found.heart[0] < found.heart[1] <= found.chest[1]


def test_crumbs_of_a_segmentation_do_not_widen_the_heart() -> None:
    classes = chest(heart=0.4)
    ratio = heart_size(classes).ratio
    classes[5:8, 250:254] = HEART
    classes[5:8, 0:3] = RIGHT_LUNG
    assert heart_size(classes).ratio == ratio


def test_a_strip_beside_the_heart_belongs_to_it_and_what_lies_far_does_not() -> None:
    whole = chest(heart=0.4)
    parted = whole.copy()
    left = int(heart_size(whole).heart[0])
    parted[:, left + 5 : left + 13][whole[:, left + 5 : left + 13] == HEART] = 0
    parted[5:8, 250:254] = HEART
    assert heart_size(parted).ratio < heart_size(whole).ratio - 0.05
    joined = joined_heart(parted, 6.0)
    assert heart_size(joined).ratio == heart_size(whole).ratio
    assert not (joined[9:60, 240:] == HEART).any()


@given(heart=st.floats(0.2, 0.5), gap=st.floats(0.5, 12.0))
def test_joining_takes_nothing_from_a_heart_and_leaves_one_that_is_whole(heart: float, gap: float) -> None:
    classes = chest(heart=heart)
    joined = joined_heart(classes, gap)
    assert ((joined == HEART) | (classes != HEART)).all()
    assert heart_size(joined).heart[:2] == heart_size(classes).heart[:2]
    assert np.array_equal(joined_heart(np.zeros_like(classes), gap), np.zeros_like(classes))


@pytest.mark.parametrize(("part", "words"), [(HEART, "the heart"), (LEFT_LUNG, "the left lung")])
def test_without_heart_or_lung_there_is_no_ratio(part: int, words: str) -> None:
    classes = chest(heart=0.4)
    classes[classes == part] = 0
    with pytest.raises(NotMeasurable, match=f"{words} not found"):
        heart_size(classes)


def test_exchanged_numbers_of_heart_and_left_lung_are_mended(tmp_path: Path) -> None:
    right = chest(heart=0.4)
    wrong = right.copy()
    wrong[right == HEART], wrong[right == LEFT_LUNG] = LEFT_LUNG, HEART
    folder = tmp_path / "chest_xray_ctr"
    lines = ["name,site,ctr"]
    for name, mask in (("a", right), ("b", wrong)):
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask * 80).convert("RGB").save(folder / "images" / f"{name}.webp", lossless=True)
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
        lines.append(f"{name},drawn,0.5")
    (folder / "manifest.csv").write_text("\n".join(lines))
    first, second = chest_xrays(tmp_path)
    assert (first.mended, second.mended) == (False, True)
    assert np.array_equal(first.classes, right)
    assert np.array_equal(second.classes, right)
    assert first.grey.shape == first.classes.shape
