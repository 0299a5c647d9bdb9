"""One DICOM object through the gate, the network, the ruler and the classifier."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from ml.chest.ratio import HEART, heart_size
from ml.contract import Outcome
from ml.datasets.simulated_chest import draw_chest, draw_lateral, draw_limb
from ml.datasets.simulated_dicom import chest_dicom
from ml.dicom.reasons import UnusableDicom
from ml.serving.chest import analyse_chest

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
CHEST = draw_chest(seed=3, ratio=0.56)


def analysed(folder, grey, **attributes):
    path = folder / "film.dcm"
    path.write_bytes(chest_dicom(grey, **attributes))
    return analyse_chest(path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("plain"), CHEST.grey)


def mask_of(answer):
    assert answer.mask_png is not None
    return np.asarray(Image.open(io.BytesIO(answer.mask_png)))


def test_a_film_is_measured_where_the_heart_was_drawn(plain):
    heart, classifier = plain.results
    assert (heart.model, classifier.model) == ("cxr-heart", "dicom-cardiac")
    assert heart.outcome is Outcome.PREDICTED
    assert heart.label == "Cardiomegaly"
    found, drawn = plain.measurement, heart_size(CHEST.classes)
    assert found.ratio == pytest.approx(CHEST.ratio, abs=0.04)
    assert found.low < found.ratio < found.high
    assert (found.heart.x0, found.heart.x1) == pytest.approx(drawn.heart[:2], abs=14)
    assert (found.chest.x0, found.chest.x1) == pytest.approx(drawn.chest[:2], abs=14)
    assert found.heart.mm == pytest.approx((found.heart.x1 - found.heart.x0) * 350.0 / 512.0)
    assert found.spacing_of == "detector"
    assert heart.explanation["measurement"] == found.as_json()
    assert plain.warnings == {}


def test_the_mask_lies_on_the_film(plain):
    mask = mask_of(plain)
    drawn = np.asarray(Image.fromarray(CHEST.classes).resize(mask.shape[::-1], Image.Resampling.NEAREST))
    both = ((mask == HEART) & (drawn == HEART)).sum()
    assert 2 * both / ((mask == HEART).sum() + (drawn == HEART).sum()) > 0.85


def test_how_the_object_stores_the_film_does_not_matter(plain, tmp_path):
    for attributes in ({"inverted": True}, {"bits": 16}, {"RescaleSlope": 2.0, "RescaleIntercept": -100.0}):
        other = analysed(tmp_path, CHEST.grey, **attributes)
        assert other.measurement.ratio == pytest.approx(plain.measurement.ratio, abs=0.01)


def test_a_window_that_shows_nothing_is_not_used(plain, tmp_path):
    other = analysed(tmp_path, CHEST.grey, WindowCenter=1.0, WindowWidth=2.0)
    assert other.measurement.ratio == pytest.approx(plain.measurement.ratio, abs=0.01)


def test_a_mirrored_film_is_turned_and_its_lines_lie_where_it_is_stored(plain, tmp_path):
    other = analysed(tmp_path, CHEST.grey[:, ::-1], PatientOrientation=["R", "F"])
    assert other.measurement.ratio == pytest.approx(plain.measurement.ratio, abs=1e-6)
    assert other.measurement.heart.x0 == pytest.approx(512 - plain.measurement.heart.x1)
    assert np.array_equal(mask_of(other), mask_of(plain)[:, ::-1])


def test_a_padded_film_is_measured_in_its_own_pixels(plain, tmp_path):
    other = analysed(tmp_path, CHEST.grey[:460])
    assert other.measurement.heart.x0 == pytest.approx(plain.measurement.heart.x0, abs=8)
    mask = mask_of(other)
    assert mask.shape[0] / mask.shape[1] == pytest.approx(460 / 512, abs=0.01)


def test_what_the_object_does_not_say_is_a_warning_with_words(tmp_path):
    other = analysed(tmp_path, CHEST.grey, ViewPosition=None, PatientAge=None)
    assert set(other.warnings) == {"chest_view_unknown", "chest_age_unknown"}
    assert other.results[0].outcome is Outcome.PREDICTED


@pytest.mark.parametrize(
    ("grey", "code"),
    [
        (draw_lateral(seed=1), {"chest_not_an_xray", "chest_not_frontal"}),
        (draw_limb(seed=1), {"chest_not_an_xray", "chest_not_frontal"}),
        (np.rot90(CHEST.grey), {"chest_not_an_xray", "chest_not_frontal"}),
        (
            np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8),
            {"chest_not_an_xray", "chest_not_frontal"},
        ),
        (np.zeros((64, 64), dtype=np.uint8), {"chest_not_an_xray", "chest_not_frontal"}),
    ],
    ids=["lateral", "limb", "on its side", "noise", "blank"],
)
def test_what_the_picture_contradicts_is_refused_by_both_models(tmp_path, grey, code):
    answer = analysed(tmp_path, grey)
    assert {result.outcome for result in answer.results} == {Outcome.NOT_ELIGIBLE}
    assert {result.reason_code for result in answer.results} <= code
    assert answer.measurement is None
    assert answer.mask_png is None


def test_every_image_that_pydicom_ships_is_refused_with_a_reason():
    reasons = {}
    for path in sorted(SHIPPED.glob("*.dcm")):
        try:
            answer = analyse_chest(path)
        except UnusableDicom:
            continue
        assert {result.outcome for result in answer.results} == {Outcome.NOT_ELIGIBLE}, path.name
        reasons[path.name] = answer.results[0].reason_code
    assert reasons["CT_small.dcm"] == reasons["MR_small.dcm"] == "no_model_for_modality"
    assert reasons["examples_ybr_color.dcm"] == "no_model_for_modality"
    assert len(reasons) > 30
