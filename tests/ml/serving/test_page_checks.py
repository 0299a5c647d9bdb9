"""Checks of answers about a page: changed copies, and leads that are blanked."""

from __future__ import annotations

import functools
import io
import json

import numpy as np
import pytest
from PIL import Image

from ml.pages.digitise import oriented_page
from ml.pages.picture import open_picture
from ml.pages.stability import Variant
from ml.preprocessing.page_image import relaid, seen
from ml.preprocessing.page_leads import page_leads
from ml.preprocessing.page_source import page_source
from ml.recordings.leads import TWELVE
from ml.serving.page_checks import ASKED_ONCE, CHANGES, altered, check_answers, without, without_lead
from ml.serving.page_models import answer_page, answer_prepared, in_mm
from tests.ml.golden_page_cases import page_png


@functools.cache
def read():
    page, reading, _ = oriented_page(open_picture(page_png("3x4+1", 3, "pink")))
    return page, reading


@functools.cache
def source():
    return page_source(*read())


@functools.cache
def checked():
    page, reading = read()
    height, width = page.inside.shape
    whole = in_mm((0, 0, width, height), page)
    return check_answers(answer_page(page, reading), source(), seen(source()), whole)


def test_the_answers_stay_what_they_were():
    given = answer_page(*read())
    for before, after in zip(given, checked().results, strict=True):
        assert (before.model, before.outcome, before.probabilities) == (
            after.model,
            after.outcome,
            after.probabilities,
        )
        if after.model in ASKED_ONCE:
            assert (after.explanation, after.model in checked().maps) == ({}, False)
            continue
        stability = after.explanation["stability"]
        assert stability["probability"] == pytest.approx(max(before.probabilities.values()), abs=1e-3)
        assert list(stability["answers"]) == [variant.name for variant in CHANGES]
        json.dumps(after.explanation)


@pytest.mark.parametrize("lead", ["II", "V2"])
def test_a_lead_weighs_what_the_probability_falls_by_without_it(lead):
    prepared = relaid(source())
    blanked = without(prepared, lead)
    kept = np.ones(prepared.pixels.shape[:2], dtype=bool)
    for piece in prepared.placed:
        if piece.lead == lead:
            left, top, right, bottom = piece.target
            kept[top:bottom, left:right] = False
    assert (blanked[~kept] == 0).all()
    assert np.array_equal(blanked[kept], prepared.pixels[kept])
    # Asked by the way that answers pages, with the blanked picture in the place of the page's own.
    page = type(prepared)(
        pixels=blanked, placed=prepared.placed, leads=without_lead(page_leads(source()), lead)
    )
    other = answer_prepared(page, (0.0, 0.0, 100.0, 80.0))
    for before, after in zip(checked().results, other, strict=True):
        if before.model in ASKED_ONCE:
            continue
        weights = before.explanation["leads"]
        fall = before.probabilities[weights["label"]] - after.probabilities[weights["label"]]
        assert set(weights["falls_by"]) == set(TWELVE)
        assert weights["falls_by"][lead] == pytest.approx(fall, abs=1e-3)


def test_the_heaviest_lead_is_named_and_painted_brightest():
    page, _ = read()
    for result in checked().results:
        if result.model in ASKED_ONCE:
            continue
        weights = result.explanation["leads"]
        heaviest = max(weights["falls_by"], key=weights["falls_by"].get)
        if weights["falls_by"][heaviest] <= 0.0:
            assert "No lead alone" in weights["message"]
            continue
        assert weights["message"].startswith(f"{heaviest} weighs most")
        picture = np.asarray(Image.open(io.BytesIO(checked().maps[result.model])).convert("L"))
        piece = next(one for one in relaid(source()).placed if one.lead == heaviest)
        scale = 256 / (page.inside.shape[1] / page.scale)
        left, top, right, bottom = (round(value * scale) for value in piece.source)
        assert picture[(top + bottom) // 2, (left + right) // 2] == picture.max() > 200


def test_copies_are_cut_and_turned():
    page = source()
    cut = altered(page, Variant(name="cut", crop=(0.02, 0.0, 0.0, 0.0)))
    first = min(box.left for box in page.boxes)
    assert cut.ink[:, : round((first + 4.0) * 4)].max() == 0
    middle = slice(round((first + 20.0) * 4), None)
    low, high = (round(value * 4) for value in (page.boxes[0].baseline - 10, page.boxes[0].baseline + 10))
    assert np.array_equal(cut.ink[low:high, middle.start : -200], page.ink[low:high, middle.start : -200])
    turned = altered(page, Variant(name="turned", turn=1.0))
    assert np.abs(turned.ink.astype(int) - page.ink).mean() > 1.0
    assert relaid(turned).placed == relaid(page).placed


def test_no_answers_are_not_checked():
    assert check_answers((), source(), relaid(source()), (0.0, 0.0, 10.0, 10.0)).results == ()
