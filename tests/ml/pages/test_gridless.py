"""Pages printed on plain paper: their scale comes from the calibration pulses, or is said to be assumed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ml.datasets.simulated_recording import simulate_recording
from ml.evaluation.digitiser import printed, snr_db
from ml.pages.damage import Damage, damaged
from ml.pages.digitise import DigitisedPage, digitise, oriented_page
from ml.pages.grid import find_grid, flattened
from ml.pages.gridless import gridless_page, tilt
from ml.pages.measures import measure_digitised
from ml.pages.render import render_page
from ml.pages.style import PageStyle, random_style
from ml.preprocessing.page_image import page_image
from ml.recordings.leads import TWELVE

FS = 500.0


@cache
def signals() -> np.ndarray:
    recording = simulate_recording(seconds=10.1, fs=FS, leads=TWELVE, noise_mv=0.0, wander_mv=0.0, seed=3)
    return np.pad(recording.signals[:, 150:5050].astype(np.float64), ((0, 0), (0, 100)), mode="edge")


def plain(**changes) -> PageStyle:
    fields = {"layout": "6x2+1", "px_per_mm": 4.0, "grid": "none", "paper": "white", "separators": "lines"}
    return PageStyle(**(fields | changes))


def drawn(style: PageStyle) -> np.ndarray:
    return render_page(signals(), FS, style).image


def likeness(found: DigitisedPage, style: PageStyle) -> float:
    """Mean SNR of the leads, dB."""
    pairs = zip(printed(signals(), style), found.signals, strict=True)
    return float(np.mean([snr_db(truth, read) for truth, read in pairs]))


@pytest.mark.parametrize(
    ("style", "scale"),
    [
        (plain(pulse_s=0.08), (25.0, 10.0)),
        (plain(layout="3x4+1", mm_per_mv=5.0, px_per_mm=5.0), (25.0, 5.0)),
        (plain(layout="3x4", mm_per_s=50.0, pulse="right"), (50.0, 10.0)),
    ],
)
def test_speed_and_gain_come_from_the_pulses(style, scale):
    found = digitise(drawn(style))
    assert (found.layout, found.mm_per_s, found.mm_per_mv) == (style.layout, *scale)
    assert found.page.grid.px_per_mm == pytest.approx((style.px_per_mm,) * 2, rel=0.01)
    assert found.page.scale_from == found.as_json()["scale_from"] == "pulse"
    assert "The paper has no grid" in found.notes[0]
    assert likeness(found, style) > 12.0


def test_a_plain_page_that_lies_askew_and_upside_down_is_turned():
    picture = damaged(
        drawn(plain()), Damage(upside_down=True, rotation=4.0, noise=2.0, background=(254, 254, 254)), seed=1
    )
    found = digitise(picture.image)
    assert found.upside_down
    assert likeness(found, plain()) > 12.0


def test_without_pulses_the_scale_is_assumed_and_nothing_measured():
    style = plain(pulse="none")
    found = digitise(drawn(style))
    assert found.page.scale_from == "rows"
    assert "assumed" in found.notes[0]
    assert likeness(found, style) > 12.0
    measures = measure_digitised(found)
    assert (measures.heart_rate, measures.durations, measures.axis_deg) == (None, None, None)


def test_words_beside_the_rows_never_reach_a_model():
    style = plain(words=("", "", "AWAWA WMWMW WVWVW WAWAV"))
    with_words, without = (page_of(words) for words in (style.words, ()))
    assert np.abs(with_words - without).max() < 30


def page_of(words: tuple[str, ...]) -> np.ndarray:
    page, reading, _ = oriented_page(drawn(plain(words=words)))
    return page_image(page, reading).pixels.astype(int)


def test_the_six_rows_and_a_strip_are_read_on_a_grid_too():
    found = digitise(drawn(plain(grid="lines")))
    assert (found.layout, found.page.scale_from, found.assumptions) == ("6x2+1", "grid", ())


def test_a_plain_page_on_a_dark_table_has_no_grid():
    table = Damage(rotation=2.0, margin=0.04, noise=2.0, background=(70, 60, 50))
    picture = damaged(drawn(plain(px_per_mm=5.0)), table, seed=1).image
    assert find_grid(flattened(picture)) is None


def test_the_pulses_are_asked_where_the_grid_leads_astray():
    empty = render_page(
        np.full((12, 5000), np.nan), FS, plain(grid="lines", paper="pink", pulse="none", words=())
    ).image
    askew = Image.fromarray(empty).rotate(3.0, Image.Resampling.BILINEAR, fillcolor=(255, 255, 255))
    found = digitise(np.minimum(drawn(plain(layout="3x4+1")), np.asarray(askew)))
    assert (found.layout, found.page.scale_from) == ("3x4+1", "pulse")
    assert likeness(found, plain(layout="3x4+1")) > 6.0


def test_equal_frames_under_each_other_are_no_ecg():
    image = Image.new("RGB", (1000, 700), "white")
    pen = ImageDraw.Draw(image)
    for row in range(6):
        foot = 120 + 90 * row
        pen.line((60, foot, 60, foot - 40, 75, foot - 40, 75, foot), fill="black", width=2)
        pen.line((100, foot, 950, foot), fill="black", width=2)
    assert gridless_page(np.asarray(image)) is None


def test_the_tilt_of_rows_is_told():
    page = damaged(drawn(plain()), Damage(rotation=-7.3, background=(254, 254, 254)), seed=1).image
    assert tilt(page.mean(axis=2) < 128) == pytest.approx(-7.3, abs=0.1)


def test_random_styles_are_plain_only_when_asked():
    usual = [random_style(np.random.default_rng(seed)) for seed in range(40)]
    assert "none" not in {style.grid for style in usual}
    assert "6x2+1" not in {style.layout for style in usual}
    asked = [random_style(np.random.default_rng(seed), gridless=1.0) for seed in range(40)]
    assert {style.grid for style in asked} == {"none"}
    assert 10 < sum(style.layout == "6x2+1" for style in asked) < 30
    assert [style.words for style in asked] == [style.words for style in usual]
