"""Which pictures are read, and with which reason the others are refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from ml.datasets.simulated import bad_input
from ml.datasets.simulated_recording import simulate_recording
from ml.evaluation.digitiser import printed, snr_db
from ml.pages.damage import Damage, damaged
from ml.pages.digitise import digitise
from ml.pages.picture import open_picture
from ml.pages.reasons import SENTENCES, PageReason, UnusablePage
from ml.pages.render import render_page
from ml.pages.style import PAPERS, PageStyle
from ml.recordings.leads import TWELVE

FS = 500.0


@cache
def signals() -> np.ndarray:
    recording = simulate_recording(seconds=10.1, fs=FS, leads=TWELVE, noise_mv=0.0, wander_mv=0.0, seed=3)
    return np.pad(recording.signals[:, 150:5050].astype(np.float64), ((0, 0), (0, 100)), mode="edge")


@cache
def page(**style) -> np.ndarray:
    return render_page(signals(), FS, PageStyle(px_per_mm=4.0, **style)).image


def xray() -> np.ndarray:
    """Two dark lungs beside a bright middle, as a chest X-ray is graded."""
    image = Image.new("L", (700, 700), 70)
    pen = ImageDraw.Draw(image)
    pen.ellipse((90, 80, 610, 690), fill=130)
    pen.ellipse((140, 130, 320, 600), fill=25)
    pen.ellipse((390, 130, 570, 600), fill=25)
    for rib in range(150, 600, 55):
        pen.arc((120, rib, 590, rib + 140), 190, 350, fill=90, width=9)
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(5)), dtype=np.float64)
    noisy = blurred + np.random.default_rng(0).normal(0, 4, blurred.shape)
    return np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def chart() -> np.ndarray:
    """Bars and a curve between axes."""
    image = Image.new("RGB", (900, 700), "white")
    pen = ImageDraw.Draw(image)
    pen.line((80, 40, 80, 640, 860, 640), fill="black", width=3)
    for place, height in enumerate((300, 450, 210, 520, 380)):
        pen.rectangle((130 + 145 * place, 640 - height, 220 + 145 * place, 640), fill=(70, 110, 180))
    x = np.arange(80, 860)
    pen.line(np.c_[x, 300 + 120 * np.sin(x / 90)].ravel().tolist(), fill=(200, 60, 40), width=4)
    return np.asarray(image)


def mirrored() -> np.ndarray:
    """A lamp that hides most of the grid, not all of the page."""
    shown = page(layout="3x4").copy()
    height, width = shown.shape[:2]
    shown[round(0.12 * height) : round(0.95 * height), round(0.03 * width) : round(0.70 * width)] = 255
    return shown


def covered() -> np.ndarray:
    """Paper whose grid is too pale to be seen, with a lead that interference blackens."""
    shown = page(layout="6x2", grid="none", paper="white").copy()
    height, width = shown.shape[:2]
    np.minimum(shown[:, : round(0.6 * width)], 244, out=shown[:, : round(0.6 * width)])
    shown[round(0.55 * height) : round(0.80 * height), round(0.5 * width) : round(0.95 * width)] = 0
    return shown


def without_the_first_row() -> np.ndarray:
    shown = page(layout="3x4+1")
    return np.ascontiguousarray(shown[round(0.39 * len(shown)) :])


BAD = {
    "a chest X-ray": (xray, "page_not_ecg"),
    "a chart": (chart, "page_no_grid"),
    "a letter": (lambda: open_picture(bad_input("text", seed=2, edge=800)), "page_no_grid"),
    "white paper": (lambda: open_picture(bad_input("blank", seed=2, edge=800)), "page_no_grid"),
    "noise": (lambda: open_picture(bad_input("noise", seed=2, edge=600)), "page_no_grid"),
    "a thumbnail": (lambda: page(layout="3x4")[::4, ::4], "page_too_small"),
    "a page out of focus": (
        lambda: damaged(page(layout="3x4+1"), Damage(blur=9.0), seed=1).image,
        "page_blurred",
    ),
    "a lamp in the paper": (mirrored, "page_glare"),
    "interference over pale paper": (covered, "page_covered"),
    "empty grid paper": (
        lambda: (
            render_page(
                np.full((12, 5000), np.nan), FS, PageStyle(px_per_mm=4.0, pulse="none", words=())
            ).image
        ),
        "page_layout_unknown",
    ),
    "a page without its first row": (without_the_first_row, "page_leads_doubtful"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_is_refused_with_its_reason(what):
    picture, code = BAD[what]
    with pytest.raises(UnusablePage) as refusal:
        digitise(picture())
    assert refusal.value.reason_code == code
    assert refusal.value.message.endswith(".")
    assert "{" not in refusal.value.message


def test_every_reason_has_a_sentence():
    assert set(SENTENCES) == set(PageReason)


@pytest.mark.parametrize("paper", PAPERS)
def test_paper_of_every_colour_is_read(paper):
    found = digitise(page(layout="3x4+1", paper=paper))
    assert (found.layout, found.outside, found.assumptions) == ("3x4+1", (), ())


@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
def test_pages_with_dots_or_bold_lines_alone_are_read(layout):
    for grid in ("dots", "bold"):
        assert digitise(page(layout=layout, grid=grid, paper="grey")).layout == layout


@pytest.mark.parametrize(("quarters", "degrees"), [(1, 90), (3, 270)])
@pytest.mark.parametrize("pulse", ["left", "none"])
def test_a_page_on_its_side_is_turned(quarters, degrees, pulse):
    upright = page(layout="3x4", pulse=pulse)
    found = digitise(np.ascontiguousarray(np.rot90(upright, quarters)))
    assert found.page.turned == degrees
    assert found.as_json()["turned_degrees"] == degrees
    assert not found.upside_down
    truth = printed(signals(), PageStyle(layout="3x4"))
    assert np.mean([snr_db(t, e) for t, e in zip(truth, found.signals, strict=True)]) > 8.0


def test_paper_with_other_squares_is_read_by_its_pulse():
    found = digitise(page(layout="3x4", mm_per_mv=12.5, mm_per_s=31.25))
    assert (found.mm_per_mv, found.mm_per_s) == (12.5, 31.25)
    assert "not the 5 mm of standard paper" in found.notes[0]
    ii = found.signals[1]
    assert np.nanmax(ii) - np.nanmin(ii) == pytest.approx(np.ptp(signals()[1]), rel=0.2)
