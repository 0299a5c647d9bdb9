"""A data set without its bulk in the DICOM JSON model (PS3.18 annex F)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from ml.dicom.opening import open_dicom
from ml.dicom.reasons import DicomReason, UnusableDicom

# Never part of metadata: pixels, waveforms, documents and their tables.
_BULK = (
    "PixelData", "FloatPixelData", "DoubleFloatPixelData", "WaveformSequence", "EncapsulatedDocument", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)  # fmt: skip
_MOST_INLINE = 16_384  # bytes; longer values are left out
_OVERLAYS = range(0x6000, 0x6100)


def json_of(path: Path) -> dict[str, Any]:
    """The elements of a file by tag; what is no valid value of its kind is left out.

    Raises:
        UnusableDicom: no DICOM object, damaged, or nested too deep.
        OSError: the file itself cannot be read from the disk.
    """
    dataset = open_dicom(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's doubts about values; those that are none are left out
            _without_bulk(dataset)
            return dict(dataset.to_json_dict(suppress_invalid_tags=True))
    except RecursionError as error:
        raise UnusableDicom(DicomReason.NESTED) from error


def _without_bulk(dataset: Dataset) -> None:
    for name in _BULK:
        if name in dataset:
            del dataset[name]
    for tag in list(dataset.keys()):
        length = getattr(dataset.get_item(tag), "length", 0) or 0
        if tag.group in _OVERLAYS or length > _MOST_INLINE:
            del dataset[tag]
