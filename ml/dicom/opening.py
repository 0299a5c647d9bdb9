"""Opening a DICOM object within limits of size, inflation and depth (PS3.10; PS3.5 7.5 and annex A)."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from ml.dicom.reasons import DicomReason, UnusableDicom

MOST_BYTES = 4_000_000_000
MOST_INFLATED_BYTES = 1_000_000_000
_DEFERRED_BYTES = 64 * 1024  # larger values stay in the file until they are asked for
_PIECE = 1 << 20
_PREAMBLE = 132
_ENOUGH = ("SOPClassUID", "SOPInstanceUID", "Rows")
_BROKEN = (
    BytesLengthException, AttributeError, IndexError, KeyError, ValueError, TypeError, NotImplementedError, EOFError,
    struct.error, OverflowError, AssertionError, OSError, zlib.error,
)  # fmt: skip


def open_dicom(path: Path) -> Dataset:
    """The data set of a file; large values stay in the file until they are asked for.

    Objects without the preamble of PS3.10, as old devices write them, are read when they name their class, instance or rows.

    Args:
        path: any file, however strange; its name does not count.

    Raises:
        UnusableDicom: no DICOM object, too large, damaged, or nested deeper than can be read.
        OSError: the file itself cannot be read from the disk.
    """
    _check_size(path)
    with path.open("rb") as file:
        file.read(1)  # a disk that does not answer is not the object's fault
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # pydicom's doubts about values; what is needed is checked by its readers
            return _read(path)
    except RecursionError as error:
        raise UnusableDicom(DicomReason.NESTED) from error
    except InvalidDicomError as error:
        raise UnusableDicom(DicomReason.NOT_DICOM) from error
    except _BROKEN as error:
        raise UnusableDicom(DicomReason.DAMAGED, detail="its parts do not fit together") from error


def has_preamble(path: Path) -> bool:
    """Whether the file begins as PS3.10 says: 128 bytes of anything, then ``DICM``."""
    with path.open("rb") as file:
        return file.read(_PREAMBLE)[-4:] == b"DICM"


def transfer_syntax(dataset: Dataset) -> UID:
    """How the data set was stored; the default of the standard where the object does not say."""
    said = getattr(dataset.file_meta, "TransferSyntaxUID", None) if hasattr(dataset, "file_meta") else None
    if said:
        return UID(said)
    little, implicit = dataset.original_encoding[1], dataset.original_encoding[0]
    if little is False:
        return pydicom.uid.ExplicitVRBigEndian
    return pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size == 0:
        raise UnusableDicom(DicomReason.NOT_DICOM)
    if size > MOST_BYTES:
        raise UnusableDicom(
            DicomReason.TOO_LARGE, detail=f"objects of up to {MOST_BYTES // 10**9} GB are read"
        )


def _read(path: Path) -> Dataset:
    if has_preamble(path):
        _check_inflation(path)
        return pydicom.dcmread(path, defer_size=_DEFERRED_BYTES)
    dataset = pydicom.dcmread(path, force=True)
    if not any(_text(dataset, name) for name in _ENOUGH):
        raise UnusableDicom(DicomReason.NOT_DICOM)
    if "PhotometricInterpretation" not in dataset and dataset.get("SamplesPerPixel", 1) == 1:
        dataset.PhotometricInterpretation, dataset.SamplesPerPixel = (
            "MONOCHROME2",
            1,
        )  # ACR-NEMA has neither tag
    return dataset


def _text(dataset: Dataset, name: str) -> str:
    value: Any = dataset.get(name)
    return str(value) if value is not None else ""


def _after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != 2


def _check_inflation(path: Path) -> None:
    """A deflated data set is inflated in pieces first, so that a small file cannot fill the memory (PS3.5 A.5)."""
    meta = read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    inflate, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with path.open("rb") as file:
        file.seek(_PREAMBLE)
        pydicom.filereader.read_dataset(
            file,
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=_after_meta,
        )
        while piece := inflate.unconsumed_tail or file.read(_PIECE):
            total += len(inflate.decompress(piece, _PIECE))
            if total > MOST_INFLATED_BYTES:
                most = f"deflated objects of up to {MOST_INFLATED_BYTES // 10**9} GB are inflated"
                raise UnusableDicom(DicomReason.TOO_LARGE, detail=most)
