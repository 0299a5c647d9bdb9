"""Which objects are measured: by what they say, and by what is found on the picture."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from ml.chest.eligible import judge_attributes, judge_picture, shape_of
from ml.chest.reasons import ChestReason, NotEligible
from ml.datasets.simulated_chest import draw_chest
from ml.datasets.simulated_dicom import chest_dicom
from ml.dicom.image import image_of

GREY = np.zeros((64, 64), dtype=np.uint8)
LIMITS = {"max_distance": 0.2, "shape": {"heart_area": {"low": 0.02, "high": 0.2}}}


def said(**attributes: Any) -> Dataset:
    return pydicom.dcmread(io.BytesIO(chest_dicom(GREY, **attributes)))


def refusal(**attributes: Any) -> NotEligible:
    dataset = said(**attributes)
    with pytest.raises(NotEligible) as caught:
        judge_attributes(dataset, image_of(dataset))
    return caught.value


def coded(meaning: str) -> list[Dataset]:
    item = Dataset()
    item.CodeMeaning = meaning
    return [item]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Modality": "MR"}, "no_model_for_modality"),
        ({"Modality": "US"}, "no_model_for_modality"),
        ({"Modality": "XA"}, "no_model_for_modality"),
        ({"ViewPosition": "AP"}, "chest_ap"),
        ({"ViewPosition": "LL"}, "chest_lateral"),
        ({"ViewPosition": "LATERAL"}, "chest_lateral"),
        ({"ViewPosition": None, "SeriesDescription": "Thorax lat."}, "chest_lateral"),
        ({"ViewPosition": None, "SeriesDescription": "CHEST PORTABLE"}, "chest_ap"),
        ({"ViewPosition": None, "ProtocolName": "chest_ap"}, "chest_ap"),
        ({"ViewPosition": None, "ViewCodeSequence": coded("antero-posterior")}, "chest_ap"),
        ({"ViewPosition": None, "ViewCodeSequence": coded("left lateral")}, "chest_lateral"),
        ({"ViewPosition": None, "PatientOrientation": ["A", "F"]}, "chest_lateral"),
        ({"PatientAge": "017Y"}, "chest_child"),
        ({"PatientAge": "006M"}, "chest_child"),
        ({"PatientAge": None, "PatientBirthDate": "20060502"}, "chest_child"),
        ({"BodyPartExamined": "HAND"}, "chest_other_body_part"),
        ({"BodyPartExamined": "", "AnatomicRegionSequence": coded("Abdomen")}, "chest_other_body_part"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "chest_unprocessed"),
        ({"NumberOfFrames": 2}, "chest_not_an_xray"),
    ],
)
def test_what_says_that_it_is_something_else_is_refused_with_its_reason(attributes, code):
    found = refusal(**attributes)
    assert found.reason_code == code
    assert found.message.endswith(".")


def test_other_modalities_are_said_to_have_no_model_yet():
    assert refusal(Modality="MR").message.startswith(
        "Magnetic resonance: stored and viewed; there is no model for it yet."
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"ViewPosition": None, "ViewCodeSequence": coded("postero-anterior")},
        {"ViewPosition": None, "SeriesDescription": "Thorax pa"},
        {"BodyPartExamined": "", "AnatomicRegionSequence": coded("Thorax")},
        {"Modality": "CR", "PresentationIntentType": None},
        {"PatientAge": "018Y"},
        {"PatientAge": None, "PatientBirthDate": "20060501"},
    ],
)
def test_a_pa_film_of_an_adult_is_taken_without_a_warning(attributes):
    dataset = said(**attributes)
    assert judge_attributes(dataset, image_of(dataset)).warnings == ()


def test_what_is_not_said_is_a_warning():
    dataset = said(ViewPosition=None, PatientAge=None, BodyPartExamined=None)
    found = judge_attributes(dataset, image_of(dataset))
    assert found.warnings == (ChestReason.VIEW_UNKNOWN, ChestReason.AGE_UNKNOWN)


@pytest.mark.parametrize("value", ["0O1Y", "", "YYYY"])
def test_an_age_that_is_none_is_not_believed(value):
    dataset = Dataset()
    dataset.update(said())
    dataset.add_new("PatientAge", "LO", value)
    assert ChestReason.AGE_UNKNOWN in judge_attributes(dataset, image_of(said())).warnings


@pytest.mark.parametrize(
    ("along", "mirrored", "upside_down"),
    [(["L", "F"], False, False), (["R", "F"], True, False), (["R", "H"], True, True), (None, False, False)],
)
def test_how_the_film_lies_is_read(along, mirrored, upside_down):
    dataset = said(PatientOrientation=along)
    found = judge_attributes(dataset, image_of(dataset))
    assert (found.mirrored, found.upside_down) == (mirrored, upside_down)


def test_the_shape_of_a_chest_is_that_of_a_chest():
    chest = draw_chest(seed=1, size=128)
    shape = shape_of(chest.classes, np.ones((128, 128)))
    assert shape is not None
    assert shape["right_of_heart"] > 0 < shape["left_of_heart"]
    assert shape["heart_below_lungs"] > 0
    mirrored = shape_of(chest.classes[:, ::-1], np.ones((128, 128)))
    assert mirrored is not None
    assert mirrored["right_of_heart"] < 0 > mirrored["left_of_heart"]
    assert shape_of(np.zeros((8, 8), dtype=np.uint8), np.ones((8, 8))) is None


@pytest.mark.parametrize(
    ("shape", "distance", "code"),
    [
        ({"heart_area": 0.1}, 0.3, "chest_not_an_xray"),
        (None, 0.3, "chest_not_an_xray"),
        (None, 0.1, "chest_not_frontal"),
        ({"heart_area": 0.01}, 0.1, "chest_not_frontal"),
        ({"heart_area": 0.1}, 0.1, None),
    ],
)
def test_a_picture_is_judged_by_its_likeness_and_its_outlines(shape, distance, code):
    if code is None:
        judge_picture(shape, distance, LIMITS)
        return
    with pytest.raises(NotEligible) as caught:
        judge_picture(shape, distance, LIMITS)
    assert caught.value.reason_code == code
