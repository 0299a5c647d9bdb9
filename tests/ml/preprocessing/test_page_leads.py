"""The leads that `page-signals` reads: followed on the ink of a drawn page, beside the recording that was drawn."""

import dataclasses

import numpy as np
import pytest

from ml.datasets.simulated_recording import simulate_recording
from ml.pages.digitise import oriented_page
from ml.pages.render import render_page
from ml.pages.style import PageStyle
from ml.preprocessing.page_image import page_image, relaid
from ml.preprocessing.page_leads import SHAPE, page_leads
from ml.preprocessing.page_source import page_source
from ml.preprocessing.twelve_lead import without_baseline
from ml.recordings.leads import TWELVE


@pytest.fixture(scope="module")
def drawn():
    recording = simulate_recording(seconds=10.1, fs=500.0, leads=TWELVE, noise_mv=0.0, wander_mv=0.0, seed=6)
    signals = recording.signals[:, 25:5025].astype(np.float64)
    picture = render_page(signals, 500.0, PageStyle(px_per_mm=6.0, layout="3x4+1", paper="pink")).image
    page, reading, _ = oriented_page(picture)
    return signals, page, reading, page_source(page, reading)


def test_leads_are_those_that_were_drawn(drawn):
    signals, page, reading, source = drawn
    found = page_leads(source)
    assert found.shape == SHAPE
    for index in range(len(TWELVE)):
        start = 1250 * (index // 3)
        truth = without_baseline(signals[index, start : start + 1250], 500.0)
        assert np.corrcoef(truth[8:-8], found[8:-8, index])[0, 1] > 0.9
        assert np.ptp(found[:, index]) == pytest.approx(np.ptp(truth), rel=0.25, abs=0.1)
    assert np.array_equal(page_image(page, reading).leads, found)


def test_a_lead_that_is_not_printed_is_zero_and_a_page_without_leads_is_no_error(drawn):
    source = drawn[3]
    fewer = dataclasses.replace(source, boxes=tuple(box for box in source.boxes if box.lead != "V3"))
    found = page_leads(fewer)
    assert not found[:, TWELVE.index("V3")].any()
    assert found[:, TWELVE.index("V2")].any()
    assert not page_leads(dataclasses.replace(source, boxes=())).any()
    assert relaid(source).leads is None
