"""The prepared page: leads in their places whatever the layout, and nothing of header, footer and paper."""

from functools import cache

import numpy as np
import pytest

from ml.datasets.simulated import bad_input
from ml.datasets.simulated_recording import simulate_recording
from ml.pages.damage import Damage, damaged
from ml.pages.digitise import oriented_page
from ml.pages.layouts import LAYOUTS
from ml.pages.reasons import UnusablePage
from ml.pages.render import render_page
from ml.pages.style import PageStyle
from ml.preprocessing.page_image import (
    HEIGHT,
    MARGIN_MM,
    PX_PER_MM,
    ROW_MM,
    WIDTH,
    PageImage,
    page_image,
    prepare_page_image,
    relaid,
    without_letters,
)
from ml.preprocessing.page_source import page_source
from ml.recordings.leads import TWELVE

FS = 500.0


@cache
def signals() -> np.ndarray:
    recording = simulate_recording(seconds=10.1, fs=FS, leads=TWELVE, noise_mv=0.0, wander_mv=0.0, seed=3)
    return recording.signals[:, 25:5025].astype(np.float64)


@cache
def prepared(
    layout: str = "3x4+1", words: str = "ECG REPORT", paper: str = "pink", turn: float = 0.0
) -> PageImage:
    style = PageStyle(px_per_mm=5.0, layout=layout, paper=paper, words=(words, "ID 1", "25 mm/s  10 mm/mV"))
    picture = damaged(render_page(signals(), FS, style).image, Damage(rotation=turn), seed=1).image
    page, reading, _ = oriented_page(picture)
    return page_image(page, reading)


def ink(page: PageImage) -> np.ndarray:
    return page.pixels[..., 0].astype(float)


def cell(page: PageImage, row: int, column: int) -> np.ndarray:
    tall, left = round(ROW_MM * PX_PER_MM), round((MARGIN_MM + 62.5 * column) * PX_PER_MM)
    return ink(page)[row * tall : (row + 1) * tall, left + 4 : left + 121]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    columns = [np.where(part.max(axis=0) > 60, part.argmax(axis=0), np.nan) for part in (one, other)]
    both = np.isfinite(columns[0]) & np.isfinite(columns[1])
    return float(np.mean(np.abs(columns[0][both] - columns[1][both]) <= 2))


def test_has_one_size_and_ink_on_empty_paper():
    page = prepared()
    assert page.pixels.shape == (HEIGHT, WIDTH, 1)
    assert page.pixels.dtype == np.uint8
    assert 0.01 < (ink(page) > 100).mean() < 0.15
    assert np.median(ink(page)) == 0.0
    assert {piece.lead for piece in page.placed} == set(TWELVE)


@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
def test_every_layout_gives_the_leads_in_the_same_places(layout):
    usual, other = prepared(), prepared(layout)
    for row in range(3):
        for column in range(4):
            assert likeness(cell(usual, row, column), cell(other, row, column)) > 0.8


def test_a_page_without_a_strip_leaves_its_row_empty():
    assert ink(prepared("3x4"))[192:].max() == 0.0
    assert ink(prepared("12x1"))[192:, 6:500].max() == 255.0


def test_words_and_paper_do_not_reach_it():
    plain = ink(prepared())
    for other in (prepared(words="MYOCARDIAL INFARCTION"), prepared(paper="blue")):
        assert np.abs(ink(other) - plain).mean() < 3.0


def test_a_turned_page_gives_the_same():
    turned = prepared(turn=5.0)
    shares = [likeness(cell(prepared(), r, c), cell(turned, r, c)) for r in range(3) for c in range(4)]
    assert np.mean(shares) > 0.8


def test_pieces_name_where_they_come_from():
    for piece in prepared().placed:
        left, top, right, bottom = piece.source
        assert bottom - top == pytest.approx(ROW_MM)
        x0, y0, x1, y1 = piece.target
        assert (x1 - x0) / PX_PER_MM == pytest.approx(right - left, abs=1.5)
        assert y1 - y0 == ROW_MM * PX_PER_MM


def test_letters_are_taken_away_and_traces_are_kept():
    page = np.zeros((200, 400), dtype=np.uint8)
    page[100:102, 10:390] = 255
    page[50:60, 20:28] = 255  # 2.5 by 2 mm
    kept = without_letters(page)
    assert kept[45:65].max() == 0
    assert (kept[100:102, 10:390] == 255).all()


def test_other_tones():
    page, reading, _ = oriented_page(render_page(signals(), FS, PageStyle(px_per_mm=5.0)).image)
    source = page_source(page, reading)
    tones = {tone: relaid(source, tone=tone).pixels for tone in ("ink", "binary", "grey", "clahe")}
    assert np.median(tones["binary"]) == 0
    assert np.median(tones["grey"]) > 0  # paper and grid are there
    assert tones["clahe"].std() > tones["grey"].std()


def test_what_is_no_page_is_refused_with_its_reason():
    with pytest.raises(UnusablePage) as refusal:
        prepare_page_image(bad_input("photo", seed=1, edge=640))
    assert refusal.value.reason_code.startswith("page_")
    assert set(LAYOUTS) == {"3x4", "3x4+1", "6x2", "12x1", "6x2+1"}
