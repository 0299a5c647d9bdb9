"""Which models answer to which picture: a page is never given to the models of heartbeats, nor a heartbeat to those of pages."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.contract import Outcome
from ml.datasets import simulated
from ml.serving.page_models import page_models
from ml.serving.pages import bridged
from ml.serving.pictures import analyse_picture
from tests import pages

BEATS = {"beat-cnn"}
PAGES = {"ecg-signals"}


def answered(data: bytes) -> tuple[set[str], str | None]:
    answer = analyse_picture(data)
    assert (answer.findings is not None) <= (answer.results[0].model not in BEATS)
    return {result.model for result in answer.results}, answer.results[0].reason_code


@pytest.mark.parametrize(("label", "size"), [("Normal", 400), ("PVC", 800), ("LBBB", 1200)])
def test_a_large_picture_of_a_heartbeat_stays_with_the_models_of_heartbeats(label, size):
    answer = analyse_picture(simulated.beat_png(label, seed=3, size=size))
    assert (answer.findings, [result.model for result in answer.results]) == (None, ["beat-cnn"])
    assert answer.results[0].outcome in {Outcome.PREDICTED, Outcome.ABSTAINED}


@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
def test_a_page_of_any_layout_goes_to_the_models_of_pages(layout):
    answer = analyse_picture(pages.scan(layout=layout))
    assert [result.model for result in answer.results] == [*page_models(), "ecg-signals"]
    assert answer.findings is not None
    assert answer.findings.summary["page"]["layout"] == layout
    assert answer.findings.summary["measures"]["heart_rate"]["mean_bpm"] == pytest.approx(
        pages.RATE_BPM, abs=2
    )


def test_a_jpeg_page_is_read_at_its_full_size_and_upside_down():
    whole = np.ascontiguousarray(pages.page_pixels()[::-1, ::-1])
    answer = analyse_picture(pages.file_of(whole, "JPEG"))
    assert answer.findings is not None
    page = answer.findings.summary["page"]
    assert page["upside_down"]
    assert page["px_per_mm"] == pytest.approx([5.0, 5.0], abs=0.05)


def test_what_keeps_a_page_from_being_read_is_said():
    small = Image.fromarray(pages.page_pixels()).resize((594, 420))
    assert answered(pages.file_of(np.asarray(small))) == (PAGES, "page_too_small")
    # Three strips below each other have the rows of a page, but no limb leads that fit each other.
    assert answered(simulated.bad_input("page", seed=1, edge=1000)) == (PAGES, "page_leads_doubtful")
    white = np.where(pages.page_pixels().max(axis=2, keepdims=True) < 110, np.uint8(0), np.uint8(255))
    assert answered(pages.file_of(np.repeat(white, 3, axis=2))) == (PAGES, "page_no_grid")
    blurred = Image.fromarray(pages.page_pixels()).filter(ImageFilter.GaussianBlur(14))
    assert answered(pages.file_of(np.asarray(blurred))) == (PAGES, "page_blurred")


@pytest.mark.parametrize("edge", [320, 700])
@pytest.mark.parametrize("kind", ["photo", "text", "noise", "blank", "flat", "no_image", "truncated"])
def test_what_is_no_ecg_is_answered_by_neither(kind, edge):
    answer = analyse_picture(simulated.bad_input(kind, seed=1, edge=edge))
    assert answer.findings is None
    assert all(
        result.outcome in {Outcome.NOT_ELIGIBLE, Outcome.POOR_INPUT} and result.label is None
        for result in answer.results
    )


def test_every_step_is_kept_as_a_small_picture_of_one_size():
    kept: dict[str, bytes] = {}
    answer = analyse_picture(pages.scan(), store=kept.__setitem__)
    assert answer.findings is not None
    pictures = answer.findings.summary["pictures"]
    assert [one["name"] for one in pictures] == ["cropped", "grey", "blurred", "binary", "trace"]
    for one in pictures:
        with Image.open(io.BytesIO(kept[one["file"]])) as image:
            assert (image.format, image.size) == ("WEBP", (one["width"], one["height"]))
        assert len(kept[one["file"]]) < 400_000
    with Image.open(io.BytesIO(kept["binary.webp"])) as image:
        assert set(np.unique(np.asarray(image.convert("L")))) > {0, 255}
    with (
        Image.open(io.BytesIO(kept["cropped.webp"])) as ground,
        Image.open(io.BytesIO(kept["trace.webp"])) as over,
    ):
        dark = np.asarray(ground.convert("L")) < 90
        drawn = np.asarray(over.convert("RGBA"))[..., 3] > 128
    assert drawn.any()
    # Nearly all of what was read lies on ink: names and pulses are ink that is not read.
    assert dark[drawn].mean() > 0.7


def test_a_deep_grey_tiff_is_read():
    deep = Image.fromarray(
        np.asarray(Image.fromarray(pages.page_pixels()).convert("L")).astype(np.uint16) * 200
    )
    stream = io.BytesIO()
    deep.save(stream, "TIFF")
    answer = analyse_picture(stream.getvalue())
    assert answer.findings is not None
    assert answer.findings.summary["page"]["sheet"] is None


def test_the_first_page_of_a_pdf_that_can_be_read_is_taken():
    letter = np.full_like(pages.page_pixels(), 255)
    answer = analyse_picture(pages.document(letter, pages.page_pixels()))
    assert answer.findings is not None
    assert answer.findings.summary["page"]["sheet"] == 2
    assert answer.findings.summary["measures"]["heart_rate"]["mean_bpm"] == pytest.approx(
        pages.RATE_BPM, abs=2
    )
    assert answered(pages.document(letter)) == (PAGES, "page_no_grid")


def test_a_pdf_that_cannot_be_opened_and_one_that_is_a_bomb_are_refused():
    whole = pages.document(pages.page_pixels())
    for data in (b"%PDF-1.7\n%%EOF\n", whole[: len(whole) // 2]):
        assert answered(data) == (PAGES, "page_unreadable")
    width, height = (f"{size}".encode() for size in pages.page_pixels().shape[1::-1])
    bomb = whole.replace(b"/Width " + width, b"/Width 90000", 1).replace(
        b"/Height " + height, b"/Height 90000", 1
    )
    assert bomb != whole
    answer = analyse_picture(bomb)
    assert answer.results[0].reason_code == "page_unreadable"
    assert "more than 60 million pixels" in answer.results[0].message


def test_hair_thin_gaps_are_bridged_and_others_are_not():
    fs = 500.0
    lead = np.arange(2000, dtype=np.float32)
    lead[:20] = lead[1000:1020] = lead[1500:1600] = np.nan
    made = bridged(np.tile(lead, (12, 1)), fs)
    assert made[0, 1000:1020] == pytest.approx(np.arange(1000, 1020))
    assert made[0, :20] == pytest.approx(20.0)
    assert np.isnan(made[0, 1500:1600]).all()
    assert np.isfinite(np.delete(made[0], slice(1500, 1600))).all()
    assert np.isnan(bridged(np.full((12, 50), np.nan), fs)).all()
