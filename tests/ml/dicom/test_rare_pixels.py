"""Frames that no decoder of pydicom takes: grey JPEG with 12 bits, and single bits in run lengths."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import ExplicitVRLittleEndian, JPEGExtended12Bit, RLELossless

from ml.dicom.bits import run_lengths
from ml.dicom.display import shown
from ml.dicom.frames import decode, jpeg_bits
from ml.dicom.image import image_of
from ml.dicom.opening import open_dicom
from ml.dicom.reasons import UnusableDicom
from tests.ml.dicom.xrays import xray

MASK = np.zeros((30, 17), dtype=np.uint8)  # neither rows nor the frame end with a byte
MASK[3:5, 4:6] = 1
LITERAL = 128  # bytes of one run at most


def twelve_bits() -> Path:
    return Path(str(get_testdata_file("JPGExtended.dcm", download=False)))


def stored(path: Path, *, index: int = 0) -> NDArray[np.generic]:
    dataset = open_dicom(path)
    return decode(path, dataset, image_of(dataset), index=index)


def test_a_jpeg_with_12_bits_has_the_values_that_other_readers_give() -> None:
    found = stored(twelve_bits())
    assert (found.shape, found.dtype, int(found.max())) == ((1024, 256), np.uint16, 264)
    assert (found[420, 140], found[230, 120]) == (
        244,
        95,
    )  # as the tests of pydicom have it, by other decoders


def in_colour(frame: bytes) -> bytes:
    """A grey JPEG whose frame header names three components."""
    at = frame.index(b"\xff\xc1")
    size = frame[at + 4 : at + 9]  # precision, lines, samples a line
    components = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    return frame[:at] + b"\xff\xc1\x00\x11" + size + b"\x03" + components + frame[at + 13 :]


def test_one_that_breaks_off_or_is_in_colour_is_refused(tmp_path: Path) -> None:
    dataset = open_dicom(twelve_bits())
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    assert (jpeg_bits(frame), jpeg_bits(b"\xff\xd8\xff\xd9"), jpeg_bits(b"")) == (12, None, None)
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    for elements, code in (
        ({"PixelData": encapsulate([frame[: len(frame) // 2]])}, "dicom_broken_pixels"),
        (colour, "dicom_broken_pixels"),  # announced by the object alone
        ({**colour, "PixelData": encapsulate([in_colour(frame)])}, "dicom_unsupported"),
    ):
        changed = open_dicom(twelve_bits())
        for name, value in elements.items():
            setattr(changed, name, value)
        path = tmp_path / "a.dcm"
        changed.save_as(path)
        with pytest.raises(UnusableDicom) as refusal:
            stored(path)
        assert refusal.value.reason_code == code
    assert JPEGExtended12Bit == dataset.file_meta.TransferSyntaxUID


def packed(mask: NDArray[np.uint8]) -> bytes:
    return np.packbits(mask.ravel(), bitorder="little").tobytes()


def rle(data: bytes) -> bytes:
    """Run lengths of literal runs and, where a byte comes three times or more, of one."""
    runs, at = b"", 0
    while at < len(data):
        same = len(data[at:]) - len(data[at:].lstrip(data[at : at + 1]))
        if same >= 3:
            runs += bytes([257 - min(same, LITERAL)]) + data[at : at + 1]
            at += min(same, LITERAL)
        else:
            runs += b"\x00" + data[at : at + 1]
            at += 1
    return struct.pack("<16L", 1, 64, *[0] * 14) + runs + b"\x00" * (len(runs) % 2)


def segmentation(frames: list[NDArray[np.uint8]], *, compressed: bool) -> Dataset:
    made = xray(
        Rows=30, Columns=17, BitsAllocated=1, BitsStored=1, HighBit=0, PixelRepresentation=0, NumberOfFrames=len(frames),
    )  # fmt: skip
    made.file_meta.TransferSyntaxUID = RLELossless if compressed else ExplicitVRLittleEndian
    if compressed:
        made.PixelData = encapsulate([rle(packed(one)) for one in frames])
        made["PixelData"].is_undefined_length = True
    else:  # all frames one behind the other, bit by bit
        data = packed(np.concatenate([one.ravel() for one in frames]))
        made.PixelData = data + b"\0" * (len(data) % 2)
    return made


@pytest.mark.parametrize("compressed", [False, True])
def test_single_bits_come_out_and_are_shown_black_and_white(tmp_path: Path, *, compressed: bool) -> None:
    frames = [MASK, 1 - MASK, MASK[::-1].copy()]
    path = tmp_path / "a.dcm"
    segmentation(frames, compressed=compressed).save_as(path, enforce_file_format=True)
    dataset = open_dicom(path)
    image = image_of(dataset)
    assert image.windows == ((0.5, 1.0),)
    for index, mask in enumerate(frames):
        found = decode(path, dataset, image, index=index)
        assert np.array_equal(found, mask)
        assert np.array_equal(shown(found, dataset, image, index=index), mask * 255)


@given(data=st.binary(max_size=400), size=st.integers(0, 500))
def test_run_lengths_give_all_bytes_or_say_that_they_break_off(data: bytes, size: int) -> None:
    for frame in (data, struct.pack("<16L", 1, 64, *[0] * 14) + data):
        with contextlib.suppress(ValueError):
            assert len(run_lengths(frame, size)) == size
    assert run_lengths(rle(data), len(data)) == data
