from __future__ import annotations

import dataclasses
import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ml.__main__ import main
from ml.datasets.simulated import bad_input
from ml.datasets.simulated_recording import simulate_recording
from ml.evaluation.digitiser import printed, snr_db
from ml.pages.damage import Damage, damaged
from ml.pages.digitise import DigitisedPage, digitise
from ml.pages.geometry import apply, rotation_of
from ml.pages.grid import find_grid, flattened
from ml.pages.layouts import LAYOUTS
from ml.pages.measures import measure_page
from ml.pages.picture import open_picture
from ml.pages.preparation import clahe, edges, otsu, prepare_page
from ml.pages.reading import limb_residual
from ml.pages.reasons import UnusablePage, named
from ml.pages.render import render_page
from ml.pages.rows import find_rows
from ml.pages.style import PageStyle
from ml.recordings.leads import TWELVE

FS = 500.0


@cache
def leads() -> np.ndarray:
    recording = simulate_recording(seconds=10.1, fs=FS, leads=TWELVE, noise_mv=0.0, wander_mv=0.0, seed=3)
    return recording.signals[:, 150 : 5150 - 100].astype(np.float64)


def signals() -> np.ndarray:
    return np.pad(leads(), ((0, 0), (0, 5000 - leads().shape[1])), mode="edge")


@cache
def drawn(**style) -> np.ndarray:
    return render_page(signals(), FS, PageStyle(px_per_mm=5.0, **style)).image


@cache
def plain() -> DigitisedPage:
    return digitise(drawn(layout="3x4+1"))


@settings(max_examples=6)
@given(angle=st.floats(-14, 14), perspective=st.floats(0, 0.04), seed=st.integers(0, 99))
def test_rotation_and_perspective_are_recovered(angle, perspective, seed):
    page = render_page(signals(), FS, PageStyle(layout="3x4", px_per_mm=3.5))
    what = Damage(rotation=angle, perspective=perspective, margin=0.02, noise=2.0, background=(70, 60, 50))
    picture = damaged(page.image, what, seed=seed)
    grid = find_grid(flattened(picture.image))
    assert grid is not None
    middle = np.array([page.image.shape[1] / 2, page.image.shape[0] / 2])
    assert rotation_of(grid.to_mm @ picture.homography, middle) == pytest.approx(0.0, abs=0.3)
    corners = np.array([[100.0, 180.0], [900.0, 180.0], [900.0, 650.0], [100.0, 650.0]])
    mm = apply(grid.to_mm @ picture.homography, corners)
    assert np.diff(mm, axis=0)[:, 0] == pytest.approx([800 / 3.5, 0, -800 / 3.5], abs=0.8)
    assert np.diff(mm, axis=0)[:, 1] == pytest.approx([0, 470 / 3.5, 0], abs=0.8)


@pytest.mark.parametrize("layout", ["3x4", "3x4+1", "6x2", "12x1"])
def test_what_is_drawn_is_read_back(layout):
    style = PageStyle(layout=layout, px_per_mm=5.0)
    found = plain() if layout == "3x4+1" else digitise(drawn(layout=layout))
    assert found.layout == layout
    assert (found.mm_per_s, found.mm_per_mv) == (25.0, 10.0)
    assert not found.assumptions
    truth = printed(signals(), style)
    scores = [snr_db(t, e) for t, e in zip(truth, found.signals, strict=True)]
    assert np.mean(scores) > 10.0, np.round(scores, 1)
    assert found.limb_residual < 0.3


def test_leads_are_missing_where_they_are_not_printed():
    found = plain()
    v1 = found.signals[TWELVE.index("V1")]
    assert np.isnan(v1[:2400]).all()
    assert np.isnan(v1[3850:]).all()
    assert np.isfinite(v1[2600:3650]).mean() > 0.97
    assert np.isfinite(found.signals[1]).mean() > 0.97


def test_a_rhythm_strip_is_told_by_what_it_shows(monkeypatch):
    other = dataclasses.replace(LAYOUTS["3x4+1"], rhythm=("V1",))
    monkeypatch.setitem(LAYOUTS, "3x4+1", other)
    found = digitise(render_page(signals(), FS, PageStyle(layout="3x4+1", px_per_mm=5.0)).image)
    assert np.isfinite(found.signals[TWELVE.index("V1")]).mean() > 0.97
    assert np.isfinite(found.signals[TWELVE.index("II")]).mean() < 0.27


def test_a_gap_in_the_ink_is_never_zero_millivolt():
    holed = signals().copy()
    holed[:, 2000:2300] = np.nan
    found = digitise(render_page(holed, FS, PageStyle(layout="12x1", px_per_mm=5.0)).image)
    assert np.isnan(found.signals[:, 2050:2250]).mean() > 0.95
    assert all(judged.score < 1.0 for judged in found.quality.values())


@pytest.mark.parametrize(("gain", "speed"), [(5.0, 25.0), (20.0, 25.0), (10.0, 50.0)])
def test_gain_and_speed_are_read_from_the_pulse(gain, speed):
    found = digitise(drawn(layout="3x4", mm_per_mv=gain, mm_per_s=speed))
    assert (found.mm_per_mv, found.mm_per_s) == (gain, speed)
    ii = found.signals[1]
    assert np.nanmax(ii) - np.nanmin(ii) == pytest.approx(np.ptp(signals()[1]), rel=0.2)


def test_without_a_pulse_the_standard_is_said_to_be_assumed():
    found = digitise(drawn(layout="3x4", pulse="none"))
    assert (found.mm_per_mv, found.mm_per_s) == (10.0, 25.0)
    assert "assumed" in found.assumptions[0]
    assert found.recording().warnings == found.notes


@pytest.mark.parametrize("pulse", ["left", "none"])
def test_a_page_upside_down_is_turned(pulse):
    picture = damaged(drawn(layout="3x4", pulse=pulse), Damage(upside_down=True, rotation=3.0), seed=1)
    found = digitise(picture.image)
    assert found.upside_down
    truth = printed(signals(), PageStyle(layout="3x4"))
    assert np.mean([snr_db(t, e) for t, e in zip(truth, found.signals, strict=True)]) > 8.0


def test_leads_outside_the_picture_are_named():
    page = drawn(layout="3x4+1")
    found = digitise(np.ascontiguousarray(page[:, : round(0.72 * page.shape[1])]))
    assert found.outside == ("V4", "V5", "V6")
    assert "V4 to V6 are outside the picture" in found.notes[0]
    assert np.isnan(found.signals[9:]).all()
    assert found.quality["V5"].score == 0.0


def test_leads_are_named_as_one_says_them():
    assert named(["V6", "V4", "V5"]) == "V4 to V6 are"
    assert named(["aVF"]) == "aVF is"
    assert named(["I", "V1", "V2"]) == "I, V1 and V2 are"


@pytest.mark.parametrize(
    ("kind", "edge", "code"),
    [
        ("blank", 800, "page_no_grid"), ("noise", 600, "page_no_grid"), ("photo", 600, "page_blurred"),
        ("text", 800, "page_no_grid"), ("noise", 200, "page_too_small"),
    ],
)  # fmt: skip
def test_what_is_no_page_is_refused_with_a_reason(kind, edge, code):
    with pytest.raises(UnusablePage) as refusal:
        digitise(open_picture(bad_input(kind, seed=1, edge=edge)))
    if kind == "photo":
        assert refusal.value.reason_code in (code, "page_no_grid")
    else:
        assert refusal.value.reason_code == code
    assert refusal.value.message.endswith(".")


def test_the_edge_of_the_paper_is_no_row():
    ink = np.zeros((1712, 2000), dtype=np.float32)
    rows = np.array([341, 581, 820, 1059, 1300, 1538])
    for y in rows:
        ink[y - 2 : y + 3] = 1.0
    ink[-4:] = 1.0
    assert find_rows(ink, 8) == pytest.approx(rows, abs=4)


def test_bytes_that_are_no_picture_are_refused():
    with pytest.raises(UnusablePage) as refusal:
        open_picture(bad_input("no_image", seed=1))
    assert refusal.value.reason_code == "page_unreadable"
    assert "object at" not in str(refusal.value)  # what a person reads is about the file


def test_grid_paper_without_traces_is_refused():
    page = render_page(np.full((12, 5000), np.nan), FS, PageStyle(px_per_mm=4.0, pulse="none", words=()))
    with pytest.raises(UnusablePage) as refusal:
        digitise(page.image)
    assert refusal.value.reason_code == "page_layout_unknown"


def test_rate_and_intervals_are_those_of_the_recording():
    read, original = measure_page(plain().signals, FS), measure_page(signals(), FS)
    assert read.heart_rate == pytest.approx(original.heart_rate, abs=1.0)
    assert read.durations.qt_ms == pytest.approx(original.durations.qt_ms, abs=30)
    assert read.axis_deg == pytest.approx(original.axis_deg, abs=12)
    nothing = measure_page(np.full((12, 5000), np.nan), FS)
    assert (nothing.heart_rate, nothing.durations) == (None, None)


def test_einthoven_is_checked_where_it_can_be():
    limb = dict(zip(TWELVE[:6], signals()[:6], strict=True))
    assert limb_residual(limb) < 0.02
    assert limb_residual(limb | {"III": -limb["III"]}) > 0.2
    assert np.isnan(limb_residual({"I": limb["I"]}))


def test_snr_knows_a_shift_but_no_missing_samples():
    truth = signals()[1]
    assert snr_db(truth, np.roll(truth, 10)) > 20.0
    noisy = truth + np.random.default_rng(0).normal(0, 0.1 * truth.std(), len(truth))
    assert snr_db(truth, noisy) == pytest.approx(20.0, abs=0.5)
    halved = np.where(np.arange(len(truth)) < 2500, truth, np.nan)
    assert snr_db(truth, halved) < 6.0


def test_the_steps_of_the_report_leave_header_and_footer_out():
    steps = prepare_page(drawn(layout="3x4+1"))
    assert set(np.unique(steps.binary)) == {0, 255}
    assert 0.002 < (steps.binary == 0).mean() < 0.15
    assert steps.grey.shape == steps.blurred.shape == steps.binary.shape == steps.cropped.shape[:2]
    assert (
        np.abs(np.diff(steps.blurred.astype(float))).mean() < np.abs(np.diff(steps.grey.astype(float))).mean()
    )
    assert steps.cropped.shape[0] / steps.scale < 175
    assert clahe(steps.grey).std() > steps.grey.std()
    assert edges(steps.grey).max() == 255
    assert otsu(np.array([10] * 50 + [200] * 50, dtype=np.uint8)) in range(10, 200)


def test_the_command_writes_signals_and_says_what_it_read(tmp_path, capsys):
    path, table, arrays = tmp_path / "page.png", tmp_path / "leads.csv", tmp_path / "leads.npz"
    Image.fromarray(drawn(layout="3x4+1")).save(path)
    assert main(["digitise", str(path), "--json", "--out", str(table)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["layout"] == "3x4+1"
    assert said["measures"]["heart_rate"] == pytest.approx(70, abs=1)
    lines = table.read_text().splitlines()
    assert lines[0] == ",".join(TWELVE)
    assert lines[1].count(",") == 11
    assert main(["digitise", str(path), "--out", str(arrays)]) == 0
    assert "Heart rate" in capsys.readouterr().out
    assert np.load(arrays)["signals"].shape[0] == 12


def test_the_command_refuses_in_words(tmp_path, capsys):
    path = tmp_path / "letter.png"
    path.write_bytes(bad_input("text", seed=1, edge=800))
    assert main(["digitise", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason_code"] == "page_no_grid"
    assert main(["digitise", str(tmp_path / "none.png")]) == 1
    assert "No such file" in capsys.readouterr().err
