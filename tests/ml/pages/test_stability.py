from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ml.pages.stability import VARIANTS, Variant, changed, check_stability

LABELS = ("normal", "MI", "other")


def crop(seed: int = 0) -> np.ndarray:
    """Paper with a dark square left of the middle."""
    rng = np.random.default_rng(seed)
    page = rng.integers(225, 245, (120, 200, 3)).astype(np.uint8)
    page[40:80, 50:90] = 20
    return page


def small(page: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(page).resize((50, 30), Image.Resampling.BOX), dtype=np.float32)


def constant(batch: np.ndarray) -> np.ndarray:
    return np.tile([0.2, 0.7, 0.1], (len(batch), 1))


def by_darkness(limit: float):
    """A model that asks only how dark the darkest pixel is: a poor one."""

    def answer(batch: np.ndarray) -> np.ndarray:
        dark = batch.min(axis=(1, 2, 3)) < limit
        return np.stack([~dark, dark, np.zeros(len(batch))], axis=1).astype(float)

    return answer


@settings(max_examples=20)
@given(
    seed=st.integers(0, 999), probabilities=st.lists(st.floats(0.01, 1), min_size=3, max_size=3, unique=True)
)
def test_a_model_that_ignores_the_picture_never_flips(seed, probabilities):
    found = check_stability(
        crop(seed),
        prepare=small,
        answer=lambda batch: np.tile(probabilities, (len(batch), 1)),
        labels=LABELS,
    )
    assert found.stable
    assert found.flipped == ()
    assert found.label == LABELS[int(np.argmax(probabilities))]
    assert found.probability == found.lowest == max(probabilities)
    assert "all 8" in found.message


@settings(max_examples=25)
@given(winners=st.lists(st.integers(0, 2), min_size=9, max_size=9))
def test_every_copy_with_another_answer_is_counted_and_named(winners):
    found = check_stability(crop(), prepare=small, answer=lambda _: np.eye(3)[winners], labels=LABELS)
    flips = [v.name for v, winner in zip(VARIANTS, winners[1:], strict=True) if LABELS[winner] != found.label]
    assert found.label == LABELS[winners[0]]
    assert list(found.flipped) == flips
    assert found.stable == (not flips)
    said = found.as_json()
    assert (said["flips"], said["of"]) == (len(flips), 8)
    assert all(name in said["message"] for name in flips)
    assert ("Do not rely on it" in said["message"]) == bool(flips)


def test_a_model_of_tone_flips_when_the_page_is_paler():
    found = check_stability(crop(), prepare=small, answer=by_darkness(40.0), labels=LABELS)
    assert found.label == "MI"
    assert "paler" in found.flipped
    assert not {"cut at the left and top", "darker"} & set(found.flipped)
    assert "in 1 of 8 it is normal instead of MI (paler)" in found.message


def test_the_model_is_asked_once():
    sizes = []

    def answer(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return constant(batch)

    check_stability(crop(), prepare=small, answer=answer, labels=LABELS)
    assert sizes == [1 + len(VARIANTS)]


@settings(max_examples=15)
@given(turn=st.floats(0.5, 3.0), seed=st.integers(0, 99))
def test_turning_there_and_back_gives_the_page_again(turn, seed):
    page = crop(seed)
    back = changed(changed(page, Variant(name="there", turn=turn)), Variant(name="back", turn=-turn))
    middle = (slice(30, 90), slice(40, 160))
    assert np.abs(back[middle].astype(float) - page[middle]).mean() < 8.0
    assert back.shape == page.shape


@settings(max_examples=15)
@given(factor=st.floats(0.5, 2.0), seed=st.integers(0, 99))
def test_contrast_leaves_the_paper_and_moves_the_ink(factor, seed):
    page = crop(seed)
    other = changed(page, Variant(name="other", contrast=factor))
    assert np.abs(np.median(other, axis=(0, 1)) - np.median(page, axis=(0, 1))).max() <= 2
    ink = float(other[60, 70].mean())
    assert (ink > 20.0) == (factor < 0.99) or ink == pytest.approx(20.0, abs=3.0)


def test_a_cut_takes_two_parts_in_a_hundred():
    assert changed(crop(), VARIANTS[0]).shape == (118, 196, 3)
    assert np.array_equal(changed(crop(), VARIANTS[0]), crop()[2:, 4:])
    assert np.array_equal(changed(crop(), VARIANTS[1]), crop()[:118, :196])


def test_answers_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="shape"):
        check_stability(crop(), prepare=small, answer=constant, labels=("normal", "MI"))
    with pytest.raises(ValueError, match="variant"):
        check_stability(crop(), prepare=small, answer=constant, labels=LABELS, variants=())
