from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.pages.damage import Damage, damaged, phone_damage, scan_damage
from ml.pages.geometry import apply, fitted, rotation_of
from ml.pages.layouts import LAYOUTS
from ml.pages.render import render_page
from ml.pages.style import FONTS, PageStyle, font, random_style
from ml.recordings.leads import TWELVE

FS = 500.0


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_shows_the_twelve_leads_once(name):
    shown = [lead for row in LAYOUTS[name].rows for lead in row]
    assert sorted(shown) == sorted(TWELVE)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_ink_lies_where_the_truth_says(twelve, name):
    page = render_page(twelve, FS, PageStyle(layout=name, px_per_mm=4.0))
    for s in page.segments:
        assert s.right - s.left == pytest.approx(1000.0 / (1 if s.rhythm else LAYOUTS[name].columns))
        for share in (0.3, 0.55, 0.8):
            at_s = s.start_s + share * (s.end_s - s.start_s)
            value = twelve[TWELVE.index(s.lead), round(at_s * FS)]
            column = page.mask[:, int(s.left + (at_s - s.start_s) * 100.0)]
            row = s.baseline - 40.0 * value
            assert column[max(0, int(row) - 3) : int(row) + 4].max() > 60, (s.lead, at_s)


def test_missing_samples_leave_the_paper_empty(twelve):
    holed = twelve.copy()
    holed[:, 3000:3400] = np.nan
    style = PageStyle(layout="12x1", px_per_mm=4.0, separators="none")
    page = render_page(holed, FS, style)
    left = round(page.segments[0].left)
    assert page.mask[:, left + 603 : left + 677].max() == 0
    assert page.mask[:, left + 550 : left + 600].max() > 200


def test_paper_speed_and_gain_scale_the_trace(twelve):
    def reach(**changes):
        style = PageStyle(layout="12x1", pulse="none", px_per_mm=4.0, **changes)
        held = np.flatnonzero(render_page(twelve[:, :2600], FS, style).mask.any(axis=0))
        return held[-1] - held[0]

    assert reach(mm_per_s=25.0) == pytest.approx(520, abs=4)
    assert reach(mm_per_s=50.0) == pytest.approx(1000, abs=4)

    def pulse(gain):
        page = render_page(np.zeros((12, 5000)), FS, PageStyle(mm_per_mv=gain, px_per_mm=4.0))
        held = np.flatnonzero(page.mask[: int(page.segments[0].baseline) + 2].any(axis=1))
        return held[-1] - held[0]

    assert [pulse(gain) for gain in (5.0, 10.0, 20.0)] == pytest.approx([20, 40, 80], abs=3)


def test_wrong_shapes_and_narrow_paper_are_refused(twelve):
    with pytest.raises(ValueError, match="shape"):
        render_page(twelve[:8], FS, PageStyle())
    with pytest.raises(ValueError, match="mm wide"):
        render_page(twelve, FS, PageStyle(paper_mm=(210.0, 297.0)))
    with pytest.raises(ValueError, match="unknown font"):
        font("Comic", 12)


@pytest.mark.parametrize("name", FONTS)
def test_fonts_are_there(name):
    left, _, right, _ = font(name, 30).getbbox("aVR")
    assert right - left > 30


@pytest.mark.parametrize("kind", [scan_damage, phone_damage])
def test_same_seed_same_page(twelve, kind):
    def picture(seed):
        rng = np.random.default_rng(seed)
        page = render_page(twelve, FS, random_style(rng, px_per_mm=2.0))
        return damaged(page.image, kind(rng), seed=seed)

    first, again, other = picture(1), picture(1), picture(2)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.homography, again.homography)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


@settings(max_examples=25)
@given(
    angle=st.floats(-15, 15), perspective=st.floats(0, 0.06), turned=st.booleans(), seed=st.integers(0, 999)
)
def test_the_homography_says_where_every_point_went(angle, perspective, turned, seed):
    page = np.full((120, 200, 3), 255, dtype=np.uint8)
    marks = np.array([[30.0, 20.0], [170.0, 30.0], [100.0, 60.0], [40.0, 100.0], [160.0, 95.0]])
    for x, y in marks.astype(int):
        page[y - 3 : y + 3, x - 3 : x + 3] = 0
    result = damaged(
        page, Damage(rotation=angle, perspective=perspective, upside_down=turned, margin=0.02), seed=seed
    )
    for x, y in apply(result.homography, marks):
        around = 255.0 - result.image[int(y) - 7 : int(y) + 8, int(x) - 7 : int(x) + 8].min(axis=2)
        rows, columns = np.indices(around.shape)
        assert (around * (rows + int(y) - 7 + 0.5)).sum() / around.sum() == pytest.approx(y, abs=0.7)
        assert (around * (columns + int(x) - 7 + 0.5)).sum() / around.sum() == pytest.approx(x, abs=0.7)


def test_homographies_are_fitted_to_points():
    truth = np.array([[1.1, 0.2, 5.0], [-0.1, 0.9, 7.0], [1e-4, -2e-4, 1.0]])
    points = np.array([[0, 0], [300, 10], [290, 200], [5, 220], [120, 90]], dtype=np.float64)
    assert fitted(points, apply(truth, points)) == pytest.approx(truth, abs=1e-8)


def test_damage_is_seen_and_too_much_rotation_refused(twelve):
    page = render_page(twelve, FS, PageStyle(px_per_mm=2.0)).image
    plain = damaged(page, Damage(), seed=1)
    assert np.array_equal(plain.image, page)
    assert rotation_of(damaged(page, Damage(upside_down=True), seed=1).homography, np.zeros(2)) in (
        pytest.approx(180.0),
        pytest.approx(-180.0),
    )
    for what in (
        Damage(blur=1.0), Damage(noise=4.0), Damage(shadow=0.4), Damage(glare=0.3), Damage(folds=1),
        Damage(stains=1), Damage(cast=(1.0, 0.9, 0.8)), Damage(contrast=0.7), Damage(jpeg=60),
    ):  # fmt: skip
        assert np.abs(damaged(page, what, seed=1).image.astype(float) - page).max() > 8, what
    with pytest.raises(ValueError, match="15"):
        damaged(page, Damage(rotation=20.0), seed=1)
