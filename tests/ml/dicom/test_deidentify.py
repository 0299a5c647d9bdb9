"""De-identification: names planted wherever an object has room for them are not in the bytes that come out, and the picture is."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from ml.__main__ import main
from ml.dicom.burned_in import looks_written_on
from ml.dicom.codestreams import without_comments
from ml.dicom.deidentify import deidentify
from ml.dicom.display import shown
from ml.dicom.frames import decode
from ml.dicom.image import image_of
from ml.dicom.opening import open_dicom
from ml.dicom.reasons import UnusableDicom
from tests.ml.dicom.test_reading import FILES, REFUSED, WITHOUT_IMAGE
from tests.ml.dicom.xrays import UID, pixels, xray

KEY = b"a key for tests alone, not a secret"
SECRETS = (
    b"jane", b"example", b"m1234567", b"a9988", b"rita", b"referrer", b"elmstreet", b"19600102", b"20260105", UID.encode(), b"zz-station",
)  # fmt: skip
# one attribute for each value representation that holds text or bytes, of which table E.1-1 has some and some not
PLANTED = {
    "LO": ("ManufacturerModelName", "Bought by Jane Example"),
    "SH": ("SoftwareVersions", "jane 1.0"),
    "ST": ("DerivationDescription", "cut by Rita"),
    "LT": ("ImageComments", "EXAMPLE, JANE M1234567"),
    "UT": ("LabelText", "Jane Example"),
    "UC": ("LongCodeValue", "JaneExampleCode"),
    "UR": ("RetrieveURL", "http://pacs/M1234567"),
    "CS": ("ImageType", ["ORIGINAL", "PRIMARY", "JANE"]),
    "AE": ("RetrieveAETitle", "ZZ-STATION"),
    "PN": ("NameOfPhysiciansReadingStudy", "Referrer^Rita"),
    "DA": ("AcquisitionDate", "20260105"),
    "DT": ("AcquisitionDateTime", "20260105101112.5+0100"),
    "UI": ("FrameOfReferenceUID", f"{UID}.9"),
    "OB": ("EncapsulatedDocument", b"Jane Example is well "),
    "UN": (0x00091001, b"Jane Example"),
}


def with_everything() -> Dataset:
    dataset = xray(
        StationName="ZZ-STATION", PatientAddress="7 Elmstreet", InstitutionName="Elmstreet House", PatientAge="066Y",
        OtherPatientIDs=["X-M1234567"], StudyDescription="Jane's heart",
    )  # fmt: skip
    for vr, (name, value) in PLANTED.items():
        if vr == "UN":
            dataset.private_block(0x0009, "Jane Example Works", create=True).add_new(1, "LO", "Jane Example")
            dataset.add_new(0x00180002, "UN", b"Jane Example")  # an attribute the standard does not have
        else:
            setattr(dataset, name, value)
    deep = Dataset()
    deep.PatientName, deep.TextValue, deep.StudyDate = "Example^Jane", "Jane Example", "20260105"
    deep.private_block(0x0011, "Rita", create=True).add_new(1, "UT", "Jane")
    middle = Dataset()
    middle.ConceptNameCodeSequence = [deep]
    middle.CodeMeaning = "seen by Rita Referrer"
    dataset.ProcedureCodeSequence = [middle]
    dataset.AnatomicRegionSequence = [middle]
    dataset.ContentSequence = [middle]
    dataset.ReferencedImageSequence = [Dataset()]
    dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID = f"{UID}.4"
    overlays = {0x0010: ("US", 8), 0x0011: ("US", 8), 0x0040: ("CS", "G"), 0x0022: ("LO", "Jane Example"), 0x3000: ("OW", b"Jane Exa"),
                0x4000: ("LT", "Jane Example")}  # fmt: skip
    for element, (vr, value) in overlays.items():
        dataset.add_new((0x6002, element), vr, value)
    dataset.DataSetTrailingPadding = b"Jane Example"
    dataset.PixelData += b"Jane Example"
    return dataset


def saved(dataset: Dataset, path: Path) -> Path:
    dataset.file_meta.SourceApplicationEntityTitle = "ZZ-STATION"
    dataset.file_meta.PrivateInformationCreatorUID = f"{UID}.5"
    dataset.file_meta.PrivateInformation = b"Jane Example"
    dataset.preamble = b"Jane Example".ljust(128, b"\0")
    dataset.save_as(path, enforce_file_format=True)
    return path


def done(path: Path) -> tuple[Dataset, bytes]:
    """The object without identity, read back, and its bytes."""
    buffer = io.BytesIO()
    deidentify(path, key=KEY).dataset.save_as(buffer, enforce_file_format=True)
    return pydicom.dcmread(io.BytesIO(buffer.getvalue())), buffer.getvalue()


def test_planted_names_are_nowhere_in_the_bytes(tmp_path: Path) -> None:
    path = saved(with_everything(), tmp_path / "a.dcm")
    before, (found, after) = path.read_bytes().lower(), done(path)
    assert [secret for secret in SECRETS if secret not in before] == []
    assert [secret for secret in SECRETS if secret in after.lower()] == []
    assert np.array_equal(found.pixel_array, pixels())
    assert (found.Modality, found.ViewPosition, found.ImagerPixelSpacing) == ("DX", "PA", [0.5, 0.25])
    assert found.PatientIdentityRemoved == "YES"
    assert [item.CodeValue for item in found.DeidentificationMethodCodeSequence] == ["113100", "113107"]


def test_no_attribute_of_the_dictionary_lets_a_name_through(tmp_path: Path) -> None:
    values = {"PN": "Example^Jane", "CS": "JANE", "AE": "JANE", "UR": "http://x/Jane"}
    dataset, deep = xray(), Dataset()
    for number, (vr, _, _, _, keyword) in DicomDictionary.items():
        if (
            keyword
            and number > 0x00080000
            and keyword not in dataset
            and vr in {*values, "LO", "SH", "ST", "LT", "UT", "UC"}
        ):
            for one in (dataset, deep):
                one.add_new(number, vr, values.get(vr, "seen with Jane"))
    assert len(deep) > 1500
    dataset.AnatomicRegionSequence = [deep]
    path = saved(dataset, tmp_path / "a.dcm")
    assert path.read_bytes().lower().count(b"jane") > 3000
    found, after = done(path)
    assert b"jane" not in after.lower()
    assert np.array_equal(found.pixel_array, pixels())


def test_two_objects_of_a_patient_stay_together_and_as_far_apart_in_time(tmp_path: Path) -> None:
    first, _ = done(saved(xray(), tmp_path / "a.dcm"))
    later = xray(SOPInstanceUID=f"{UID}.4", StudyDate="20260205", PatientName="EXAMPLE^JANE^A")
    second, _ = done(saved(later, tmp_path / "b.dcm"))
    other, _ = done(saved(xray(PatientID="M7654321"), tmp_path / "c.dcm"))
    assert first.PatientID == first.PatientName == second.PatientID != other.PatientID
    assert (first.StudyInstanceUID, first.SeriesInstanceUID) == (
        second.StudyInstanceUID,
        second.SeriesInstanceUID,
    )
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert pydicom.uid.UID(first.SOPInstanceUID).is_valid

    def day(dataset: Dataset) -> dt.date:
        return dt.datetime.strptime(dataset.StudyDate, "%Y%m%d").date()  # noqa: DTZ007

    assert (day(second) - day(first)).days == 31
    assert day(first) != day(other)
    assert not first.PatientBirthDate


def test_another_key_makes_other_pseudonyms(tmp_path: Path) -> None:
    path = saved(xray(), tmp_path / "a.dcm")
    one, two = (deidentify(path, key=key).dataset for key in (KEY, KEY[::-1]))
    for name in ("PatientID", "SOPInstanceUID", "StudyDate"):
        assert one[name].value != two[name].value


def test_times_of_acquisition_are_shifted_with_their_zone(tmp_path: Path) -> None:
    found, _ = done(saved(with_everything(), tmp_path / "a.dcm"))
    assert found.AcquisitionDateTime[:8] == found.StudyDate
    assert found.AcquisitionDateTime[8:] == "101112.5+0100"


def test_comments_in_a_compressed_picture_go_and_its_pixels_stay(tmp_path: Path) -> None:
    grey = Image.fromarray((np.indices((64, 48)).sum(axis=0) * 2).astype(np.uint8))
    buffer = io.BytesIO()
    grey.save(buffer, "JPEG", comment=b"Jane Example", exif=b"Exif\0\0Jane Example")
    frame = buffer.getvalue() + b"Jane Example"
    dataset = xray(Rows=64, Columns=48, BitsAllocated=8, BitsStored=8, HighBit=7)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    path = saved(dataset, tmp_path / "a.dcm")
    assert path.read_bytes().count(b"Jane Example") >= 3
    found, after = done(path)
    assert b"Jane Example" not in after
    assert np.array_equal(found.pixel_array, dataset.pixel_array)


@given(data=st.binary(max_size=200))
def test_no_codestream_is_too_strange(data: bytes) -> None:
    for start in (b"\xff\xd8", b"\xff\x4f", b""):
        assert len(without_comments(start + data)) <= len(start + data)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_could_be_seen_before_can_be_seen_after(path: Path, tmp_path: Path) -> None:
    refusal = REFUSED.get(path.name)
    try:
        made = deidentify(path, key=KEY).dataset
    except UnusableDicom as refused:
        anonymous = path.name in WITHOUT_IMAGE and refused.reason_code == "dicom_missing_tags"  # no UID in it
        assert refused.reason_code == refusal or anonymous  # noqa: PT017 - most files do not raise
        return
    target = tmp_path / "a.dcm"
    made.save_as(target, enforce_file_format=True)
    if refusal is not None:
        return
    before, after = open_dicom(path), open_dicom(target)
    pictures = [
        shown(decode(one, two, image_of(two)), two, image_of(two))
        for one, two in ((path, before), (target, after))
    ]
    assert np.array_equal(*pictures)
    name = str(before.get("PatientName") or "").replace("^", " ").split()
    text = target.read_bytes()
    assert [part for part in name if len(part) > 5 and part.encode() in text] == []


def written_on(text: str) -> np.ndarray:
    image = Image.fromarray(np.tile(np.linspace(40, 200, 500).astype(np.uint8), (600, 1)))
    ImageDraw.Draw(image).text(
        (10, 10), text, font=ImageFont.load_default(18), fill=255, stroke_width=2, stroke_fill=0
    )
    return np.asarray(image)


def test_writing_at_the_border_is_seen() -> None:
    assert looks_written_on(written_on("EXAMPLE JANE  M1234567  05.01.2026"))
    assert looks_written_on(np.dstack([written_on("EXAMPLE JANE  M1234567")] * 3))
    assert not looks_written_on(written_on(""))
    assert not looks_written_on(written_on("R"))  # a marker of the side is no name


@pytest.mark.parametrize(
    ("elements", "codes"),
    [
        ({}, []),
        ({"BurnedInAnnotation": "YES"}, ["burned_in_said"]),
        ({"Modality": "US"}, ["burned_in_usual"]),
        ({"Modality": "US", "BurnedInAnnotation": "NO"}, []),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, ["burned_in_usual"]),
        ({"SamplesPerPixel": 7}, ["burned_in_unseen"]),
    ],
)
def test_words_that_may_stand_in_the_picture_are_doubted(
    elements: dict, codes: list[str], tmp_path: Path
) -> None:
    found = deidentify(saved(xray(**elements), tmp_path / "a.dcm"), key=KEY)
    assert [doubt.reason_code for doubt in found.doubts] == codes


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="less than 16 can be guessed"):
        deidentify(saved(xray(), tmp_path / "a.dcm"), key=b"short")


def test_the_command_writes_a_folder_without_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, key = tmp_path / "in", tmp_path / "out", tmp_path / "key"
    source.mkdir()
    saved(xray(Modality="US"), source / "jane_example.dcm")
    (source / "letter.txt").write_text("Dear Jane")
    assert main(["deidentify", str(source), str(target), "--key-file", str(key)]) == 2
    key.write_bytes(KEY)
    assert main(["deidentify", str(source), str(target), "--key-file", str(key)]) == 1
    written = list(target.iterdir())
    assert [path.stem for path in written] == [pydicom.dcmread(path).SOPInstanceUID for path in written]
    said = capsys.readouterr().err
    assert "letter.txt: The file is no DICOM object." in said
    assert "burned_in_usual" in said
