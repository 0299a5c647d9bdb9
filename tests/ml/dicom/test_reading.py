"""Real objects, those that pydicom ships for its own tests: everything that can be decoded is, the rest is refused with its reason."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from ml.__main__ import main
from ml.dicom import opening
from ml.dicom.display import in_units, shown
from ml.dicom.frames import decode
from ml.dicom.image import image_of
from ml.dicom.opening import open_dicom
from ml.dicom.reasons import UnusableDicom

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
WITHOUT_IMAGE = {
    "UN_sequence.dcm", "empty_charset_LEI.dcm", "no_meta_group_length.dcm", "priv_SQ.dcm", "reportsi.dcm",
    "reportsi_with_empty_number_tags.dcm", "rtplan.dcm", "rtplan_truncated.dcm", "rtstruct.dcm", "test-SR.dcm", "waveform_ecg.dcm",
    "DICOMDIR-empty.dcm", "ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm",
}  # fmt: skip
REFUSED = dict.fromkeys(WITHOUT_IMAGE, "dicom_no_pixels") | {
    "JPEG2000-embedded-sequence-delimiter.dcm": "dicom_broken_pixels",
    "MR_truncated.dcm": "dicom_broken_pixels",
    "badVR.dcm": "dicom_damaged",
    "meta_missing_tsyntax.dcm": "dicom_missing_tags",
    "nested_priv_SQ.dcm": "dicom_missing_tags",
    "no_meta.dcm": "not_dicom",
}
FILES = sorted(SHIPPED.glob("*.dcm"))


def picture(path: Path, *, index: int = 0) -> NDArray[np.uint8]:
    dataset = open_dicom(path)
    image = image_of(dataset)
    return shown(decode(path, dataset, image, index=index), dataset, image, index=index)


def made(pixels: NDArray[np.uint16], **elements: object) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelData = pixels.tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def saved(dataset: Dataset, path: Path) -> Path:
    dataset.save_as(path, enforce_file_format=True)
    return path


RAMP = np.arange(64 * 32, dtype=np.uint16).reshape(64, 32)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_object_is_decoded_or_refused_with_its_reason(path: Path) -> None:
    expected = REFUSED.get(path.name)
    if expected is None:
        dataset = open_dicom(path)
        image = image_of(dataset)
        for index in range(image.frames):
            found = shown(decode(path, dataset, image, index=index), dataset, image, index=index)
            assert found.dtype == np.uint8
            assert found.shape[:2] == (image.rows, image.columns)
    else:
        with pytest.raises(UnusableDicom) as refusal:
            picture(path)
        assert refusal.value.reason_code == expected


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_bigendian.dcm",
             "MR_small_implicit.dcm"],
)  # fmt: skip
def test_lossless_ways_of_storing_give_the_same_picture(name: str) -> None:
    assert np.array_equal(picture(SHIPPED / name), picture(SHIPPED / "MR_small.dcm"))


def test_tissue_of_a_ct_is_in_hounsfield_units() -> None:
    dataset = open_dicom(SHIPPED / "CT_small.dcm")
    stored = decode(SHIPPED / "CT_small.dcm", dataset, image_of(dataset))
    assert in_units(stored, dataset).min() == pytest.approx(stored.min() - 1024)


def test_a_window_says_what_is_black_and_what_is_white(tmp_path: Path) -> None:
    path = saved(made(RAMP, WindowCenter="1000", WindowWidth="200"), tmp_path / "a.dcm")
    found = picture(path).ravel()
    assert found[899] == 0
    assert found[1100] == 255
    assert 120 < found[1000] < 136
    dataset = open_dicom(path)
    image = image_of(dataset)
    other = shown(decode(path, dataset, image), dataset, image, window=(100.0, 10.0)).ravel()
    assert (other[:94] == 0).all()
    assert (other[106:] == 255).all()


def test_monochrome1_is_the_negative_of_monochrome2(tmp_path: Path) -> None:
    window = {"WindowCenter": "1000", "WindowWidth": "1800"}
    light = picture(saved(made(RAMP, **window), tmp_path / "2.dcm"))
    dark = picture(saved(made(RAMP, PhotometricInterpretation="MONOCHROME1", **window), tmp_path / "1.dcm"))
    assert np.abs(light.astype(int) + dark.astype(int) - 255).max() <= 1


def test_a_header_that_claims_eight_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = saved(made(RAMP, Rows=65535, Columns=61035), tmp_path / "a.dcm")
    with pytest.raises(UnusableDicom) as refusal:
        image_of(open_dicom(path))
    assert refusal.value.reason_code == "dicom_too_large"


def test_a_compressed_frame_larger_than_announced_is_not_decoded(tmp_path: Path) -> None:
    large = pydicom.dcmread(SHIPPED / "MR_small_jp2klossless.dcm")
    frame = get_frame(large.PixelData, 0, number_of_frames=1)
    dataset = made(RAMP)
    dataset.Rows = dataset.Columns = 16
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(UnusableDicom, match="64 x 64 pixels, the object announces 16 x 16") as refusal:
        picture(saved(dataset, tmp_path / "a.dcm"))
    assert refusal.value.reason_code == "dicom_broken_pixels"


def jpeg(*, junk: bytes = b"") -> bytes:
    stream = io.BytesIO()
    Image.new("L", (64, 64)).save(stream, "JPEG")
    return stream.getvalue()[:2] + junk + stream.getvalue()[2:]


def jp2(*, colours: int = 1, side: int = 64, decoy: bytes = b"") -> bytes:
    """In the boxes of a file, the second of which may hold a picture that is not the one that decoders read."""
    stream = io.BytesIO()
    Image.new("L" if colours == 1 else "RGB", (side, side)).save(stream, "JPEG2000", no_jp2=False)
    data = stream.getvalue()
    return data[:12] + struct.pack(">I", 8 + len(decoy)) + b"free" + decoy + data[12:]


@pytest.mark.parametrize(
    ("syntax", "frame", "why"),
    [
        # JPEG decoders skip what is no marker, and markers without a length.
        (JPEGBaseline8Bit, jpeg(junk=b"\0\0"), "64 x 64 pixels"),
        (JPEGBaseline8Bit, jpeg(junk=b"\xff\x01\xff\xff"), "64 x 64 pixels"),
        (JPEGBaseline8Bit, jpeg()[:20], "does not say how large"),
        (JPEG2000Lossless, jp2(decoy=jp2(side=16)[12:]), "64 x 64 pixels"),
        (JPEG2000Lossless, jp2(side=16, colours=3), "3 values a pixel, the object announces 1"),
        (JPEG2000Lossless, jp2()[:60], "does not say how large"),
    ],
)
def test_a_frame_cannot_hide_that_it_is_larger_than_announced(
    tmp_path: Path, syntax: Any, frame: bytes, why: str
) -> None:
    dataset = made(RAMP, Rows=16, Columns=16)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(UnusableDicom, match=why):
        picture(saved(dataset, tmp_path / "a.dcm"))


@pytest.mark.parametrize(("place", "byte"), [(2, 0), (5, 0), (17, 255)])
def test_damage_that_ends_the_decoder_does_not_end_the_process(tmp_path: Path, place: int, byte: int) -> None:
    """JPEG Lossless: with these bytes GDCM aborts."""
    dataset = pydicom.dcmread(SHIPPED / "SC_rgb_jpeg_gdcm.dcm")
    frame = bytearray(get_frame(dataset.PixelData, 0, number_of_frames=1))
    frame[place] = byte
    dataset.PixelData = encapsulate([bytes(frame)])
    with pytest.raises(UnusableDicom) as refusal:
        picture(saved(dataset, tmp_path / "a.dcm"))
    assert refusal.value.reason_code == "dicom_broken_pixels"


def test_a_small_file_that_inflates_to_a_large_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_INFLATED_BYTES", 5_000_000)
    dataset = made(np.zeros((2000, 2000), dtype=np.uint16))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = saved(dataset, tmp_path / "a.dcm")
    assert path.stat().st_size < 20_000
    with pytest.raises(UnusableDicom) as refusal:
        open_dicom(path)
    assert refusal.value.reason_code == "dicom_too_large"


def test_sequences_without_end_are_refused(tmp_path: Path) -> None:
    path = saved(made(RAMP), tmp_path / "a.dcm")
    item = b"\x40\x00\x80\xa7SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    head = path.read_bytes().split(b"\x28\x00\x02\x00")[0]
    path.write_bytes(head + item * 20_000)
    with pytest.raises(UnusableDicom) as refusal:
        open_dicom(path)
    assert refusal.value.reason_code == "dicom_nested_too_deep"


def test_enhanced_objects_keep_windows_and_spacing_in_functional_groups(tmp_path: Path) -> None:
    def group(**values: object) -> Dataset:
        found = Dataset()
        for name, value in values.items():
            setattr(found, name, value)
        return found

    shared = group(PixelMeasuresSequence=Sequence([group(PixelSpacing=[0.5, 0.25])]))
    each = [
        group(FrameVOILUTSequence=Sequence([group(WindowCenter=str(centre), WindowWidth="10")]))
        for centre in (100, 1000)
    ]
    dataset = made(RAMP)
    dataset.NumberOfFrames = 2
    dataset.PixelData = RAMP.tobytes() * 2
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(each)
    path = saved(dataset, tmp_path / "a.dcm")
    assert image_of(open_dicom(path)).spacing_mm == (0.5, 0.25)
    assert picture(path, index=0).ravel()[500] == 255
    assert picture(path, index=1).ravel()[500] == 0


def test_a_frame_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UnusableDicom, match="1 frames, and frame 2 was asked for"):
        picture(saved(made(RAMP), tmp_path / "a.dcm"), index=1)


SMALL = (SHIPPED / "MR_small_RLE.dcm").read_bytes()


@given(
    cut=st.integers(0, len(SMALL)),
    flips=st.lists(st.integers(0, len(SMALL) - 1), max_size=8),
    bit=st.integers(0, 7),
)
def test_damage_gives_a_picture_or_a_reason_never_another_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int], bit: int
) -> None:
    data = bytearray(SMALL)
    for place in flips:
        data[place] ^= 1 << bit
    path = tmp_path_factory.mktemp("damaged") / "a.dcm"
    path.write_bytes(bytes(data[:cut] if cut % 2 else data))
    try:
        found = picture(path)
    except UnusableDicom:
        return
    assert found.dtype == np.uint8


@given(data=st.binary(max_size=400))
def test_no_file_is_too_strange(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("strange") / "a"
    for content in (data, b"\0" * 128 + b"DICM" + data, zlib.compress(data)):
        path.write_bytes(content)
        with pytest.raises(UnusableDicom):
            picture(path)


def test_the_command_says_what_an_object_holds_and_draws_a_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cine = str(SHIPPED / "examples_ybr_color.dcm")
    target = tmp_path / "frame.png"
    assert main(["dicom", cine, "--frame", "30", "--out", str(target), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)[cine]
    assert (said["frames"], said["modality"], said["frame_ms"]) == (30, "US", pytest.approx(33.333))
    with Image.open(target) as drawn:
        assert drawn.size == (said["columns"], said["rows"])


def test_the_command_reads_the_others_when_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    refused, read = str(SHIPPED / "MR_truncated.dcm"), str(SHIPPED / "MR_small.dcm")
    assert main(["dicom", refused, read, "/no/such/file", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said[refused]["reason_code"] == "dicom_broken_pixels"
    assert said[read]["rows"] == 64
