"""Reports and captures of a finding: what they say is read back, and a public validator of DICOM objects finds no error in them."""

from __future__ import annotations

import io
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from ml.dicom.capture import LEAST_WIDTH, LONGEST_SIDE, secondary_capture
from ml.dicom.display import shown
from ml.dicom.finding import NOTICE, length
from ml.dicom.frames import decode
from ml.dicom.image import image_of
from ml.dicom.opening import open_dicom
from ml.dicom.reasons import UnusableDicom
from ml.dicom.report import FINDINGS, structured_report
from ml.dicom.uids import derived_uid
from tests.ml.dicom.xrays import CHEST, COLUMNS, HEART, ROWS, UID, answer, xray

VALIDATOR = shutil.which("dciodvfy", path=str(Path(sys.executable).parent))
EXPECTED = (
    "Unrecognized defined term = <99CARDIOCARE>",
    "needed to build DICOMDIR",
)  # our own codes; a source without a date


def written(dataset: Dataset, path: Path) -> Dataset:
    dataset.save_as(path, enforce_file_format=True)
    return pydicom.dcmread(path)


def in_bytes(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def complaints(path: Path) -> list[str]:
    """What dciodvfy of David Clunie's dicom3tools says against an object."""
    done = subprocess.run([VALIDATOR, "-new", path], capture_output=True, text=True, check=False)
    against = [line for line in done.stderr.splitlines() if line.startswith(("Error", "Warning"))]
    return [line for line in against if not any(expected in line for expected in EXPECTED)]


def numbers(report: Dataset) -> list[tuple[str, float, str]]:
    """Name, value and unit of each measurement."""
    group = hd.sr.ComprehensiveSR.from_dataset(report).content.get_image_measurement_groups()[0]
    return [(one.name.meaning, float(one.value), one.unit.value) for one in group.get_measurements()]


def picture() -> np.ndarray:
    dataset = xray()
    return shown(dataset.pixel_array, dataset, image_of(dataset))


def test_a_report_is_read_back_with_what_was_found(tmp_path: Path) -> None:
    report = written(structured_report(answer()), tmp_path / "a.dcm")
    assert numbers(report) == [
        ("Cardiothoracic ratio", 0.5, "{ratio}"),
        ("Diameter", 10.0, "mm"),  # 40 columns of 0.25 mm
        ("Diameter", 20.0, "mm"),
        ("Probability of an enlarged heart", 93.0, "%"),
    ]
    group = hd.sr.ComprehensiveSR.from_dataset(report).content.get_image_measurement_groups()[0]
    assert group.finding_type.meaning == "Cardiomegaly"
    ratio, heart, chest, _ = group.get_measurements()
    lines = [one.referenced_coordinates[0].value.tolist() for one in (heart, chest)]
    assert lines == [[list(point) for point in line] for line in (HEART, CHEST)]
    assert [one.finding_sites[0].value.meaning for one in (heart, chest)] == [
        "Heart",
        "Thoracic cavity structure",
    ]
    assert "magnification not corrected" in heart.method.meaning
    uncertain = [item for item in ratio[0].ContentSequence if item.ValueType == "NUM"]
    assert [float(item.MeasuredValueSequence[0].NumericValue) for item in uncertain] == pytest.approx(
        [0.04, 0.03]
    )
    assert (report.VerificationFlag, report.PreliminaryFlag, report.CompletionFlag) == (
        "UNVERIFIED",
        "PRELIMINARY",
        "COMPLETE",
    )


@pytest.mark.parametrize(
    "make", [structured_report, lambda found: secondary_capture(found, picture())], ids=["report", "capture"]
)
def test_results_belong_to_the_study_and_name_the_model_as_equipment(make: Any, tmp_path: Path) -> None:
    found = written(make(answer()), tmp_path / "a.dcm")
    assert (found.StudyInstanceUID, found.PatientID, found.PatientName) == (
        f"{UID}.1",
        "M1234567",
        "Example^Jane",
    )
    assert found.SeriesInstanceUID != f"{UID}.2"
    models = [
        (item.ManufacturerModelName, item.SoftwareVersions, item.DeviceSerialNumber)
        for item in found.ContributingEquipmentSequence
        if item.Manufacturer == "CardioCare"
    ]
    assert models == [("cxr-heart", "1.2.3", "ab" * 32)]
    assert NOTICE in found.SeriesDescription


@pytest.mark.parametrize(
    "make", [structured_report, lambda found: secondary_capture(found, picture())], ids=["report", "capture"]
)
def test_the_same_answer_is_the_same_object_and_another_answer_another(make: Any) -> None:
    assert in_bytes(make(answer())) == in_bytes(make(answer()))
    assert make(answer()).SOPInstanceUID != make(answer(version="1.2.4")).SOPInstanceUID


@pytest.mark.skipif(VALIDATOR is None, reason="dicom3tools ships dciodvfy for Linux on x86_64 only")
@pytest.mark.parametrize("label", FINDINGS)
@pytest.mark.parametrize(
    "elements",
    [
        {},
        {
            "ImagerPixelSpacing": None,
            "PatientName": None,
            "PatientSex": "unknown",
            "StudyDate": "yesterday",
            "PatientOrientation": None,
        },
    ],
    ids=["well said", "badly said"],
)
def test_a_public_validator_finds_no_error(label: str, elements: dict[str, Any], tmp_path: Path) -> None:
    with pydicom.config.disable_value_validation():
        found = answer(label=label, source=xray(**elements))
    for number, made in enumerate((structured_report(found), secondary_capture(found, picture()))):
        path = tmp_path / f"{number}.dcm"
        written(made, path)
        assert complaints(path) == []


def test_a_capture_shows_mask_diameters_and_notice_to_any_viewer(tmp_path: Path) -> None:
    mask = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    mask[60:70, 40:60] = 3
    plain = written(secondary_capture(answer(), picture()), tmp_path / "plain.dcm")
    found = written(secondary_capture(answer(), picture(), mask=mask), tmp_path / "a.dcm")
    assert (found.BurnedInAnnotation, found.SourceImageSequence[0].ReferencedSOPInstanceUID) == (
        "YES",
        f"{UID}.3",
    )
    opened = open_dicom(tmp_path / "a.dcm")
    drawn = shown(decode(tmp_path / "a.dcm", opened, image_of(opened)), opened, image_of(opened))
    scale = drawn.shape[1] / COLUMNS
    assert drawn.shape[1] == LEAST_WIDTH
    changed = np.argwhere(np.abs(drawn.astype(int) - plain.pixel_array).max(axis=2) > 12)
    assert changed.min(axis=0) == pytest.approx([60 * scale, 40 * scale], abs=4)
    assert changed.max(axis=0) == pytest.approx([70 * scale, 60 * scale], abs=4)
    row = drawn[round(80 * scale)].astype(int)
    red = np.flatnonzero(row[:, 0] > row[:, 2] + 60)
    assert (red[0], red[-1]) == pytest.approx(
        (30 * scale, 70 * scale), abs=2
    )  # the heart's diameter, end to end
    words = drawn[round(ROWS * scale) :]
    assert (words.max(), words[:3].max()) == (255, 0)


def test_a_large_image_is_captured_smaller_with_its_lines_in_place() -> None:
    large = np.full((3000, 2000), 60, dtype=np.uint8)
    line = ((200.0, 1500.0), (1800.0, 1500.0))
    capture = secondary_capture(answer(source=xray(Rows=3000, Columns=2000), heart=line, chest=line), large)
    assert capture.Columns == round(2000 * LONGEST_SIDE / 3000)
    row = capture.pixel_array[512].astype(int)
    coloured = np.flatnonzero(row[:, 0] > row[:, 2] + 20)
    assert (coloured[0], coloured[-1]) == pytest.approx((200 * 1024 / 3000, 1800 * 1024 / 3000), abs=2)


def test_an_image_to_which_nothing_could_refer_is_refused() -> None:
    for make in (structured_report, lambda found: secondary_capture(found, picture())):
        with pytest.raises(UnusableDicom, match="UID of the study, UID of the instance") as refusal:
            make(answer(source=xray(StudyInstanceUID=None, SOPInstanceUID=None)))
        assert refusal.value.reason_code == "dicom_missing_tags"


def test_lengths_are_millimetres_where_the_object_says_how_large_a_pixel_is() -> None:
    line = ((0.0, 0.0), (30.0, 40.0))
    at_detector = length(line, xray(ImagerPixelSpacing=[1.0, 1.0]))
    assert (at_detector.value, at_detector.unit, at_detector.magnified) == (50.0, "mm", True)
    on_patient = length(line, xray(PixelSpacing=[2.0, 1.0]))
    assert (on_patient.value, on_patient.magnified) == (pytest.approx(math.hypot(30, 80)), False)
    assert length(line, xray(ImagerPixelSpacing=None)).unit == "pixels"


@given(
    one=st.lists(st.text(max_size=8), min_size=1, max_size=4),
    two=st.lists(st.text(max_size=8), min_size=1, max_size=4),
)
def test_derived_uids_are_valid_and_tell_different_things_apart(one: list[str], two: list[str]) -> None:
    uid = derived_uid(*one)
    assert pydicom.uid.UID(uid).is_valid
    assert len(uid) <= 64
    separable = not any("\0" in part for part in one + two)
    assert (uid == derived_uid(*two)) == (one == two) or not separable
    assert uid != derived_uid(*one, key=b"secret")
