"""Drawn films as DICOM objects (DX for presentation), for tests and demonstration; names and numbers in them are made up."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

_WIDE_MM = 350.0  # of the detector
_ATTRIBUTES: dict[str, Any] = {
    "Modality": "DX",
    "BodyPartExamined": "CHEST",
    "ViewPosition": "PA",
    "PatientAge": "061Y",
    "PresentationIntentType": "FOR PRESENTATION",
    "PatientOrientation": ["L", "F"],
    "PatientID": "SIMULATED",
    "PatientName": "Simulated^Film",
    "StudyDate": "20240501",
}


def chest_dicom(
    grey: NDArray[np.uint8], *, inverted: bool = False, bits: int = 12, seed: str = "film", **attributes: Any
) -> bytes:
    """A film as a DICOM file, uncompressed.

    Args:
        grey: 0 to 255, bone bright, shape (rows, columns).
        inverted: stored as MONOCHROME1.
        bits: of a stored value, 8 to 16.
        seed: of the unique identifiers: the same seed gives the same study, series and instance.
        **attributes: by keyword of the standard, in place of those of an ordinary PA film; None leaves one out.
    """
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    study, series, instance = (
        generate_uid(entropy_srcs=[seed, level]) for level in ("study", "series", "instance")
    )
    meta.MediaStorageSOPInstanceUID = instance
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    most = 2**bits - 1
    stored = np.rint(grey.astype(np.float64) * (most / 255.0)).astype(np.uint8 if bits == 8 else "<u2")
    spacing = _WIDE_MM / grey.shape[1]
    image = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": instance,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "InstanceNumber": 1,
        "Rows": grey.shape[0],
        "Columns": grey.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME1" if inverted else "MONOCHROME2",
        "PixelRepresentation": 0,
        "BitsAllocated": 8 if bits == 8 else 16,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "ImagerPixelSpacing": [spacing, spacing],
    }
    for name, value in (image | _ATTRIBUTES | attributes).items():
        if value is not None:
            setattr(dataset, name, value)
    dataset.PixelData = (most - stored if inverted else stored).tobytes()
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
