"""A chest X-ray in DICOM with made-up people, and an answer about it, for the tests of what leaves the platform."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from ml.dicom.finding import ChestFinding

ROWS, COLUMNS = 120, 100
HEART = ((30.0, 80.0), (70.0, 80.0))
CHEST = ((10.0, 90.0), (90.0, 90.0))
UID = "1.2.826.0.1.3680043.8.498.7"


def pixels() -> NDArray[np.uint16]:
    """Twelve bits, brighter from left to right."""
    return np.tile(np.linspace(0, 4000, COLUMNS).astype("<u2"), (ROWS, 1))


def xray(**elements: Any) -> FileDataset:
    """An X-ray of Jane Example; elements replace what it says, None leaves one out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = f"{UID}.3"
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    said = {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": DigitalXRayImageStorageForPresentation, "StudyInstanceUID": f"{UID}.1",
        "SeriesInstanceUID": f"{UID}.2", "SOPInstanceUID": f"{UID}.3", "Modality": "DX", "PatientName": "Example^Jane",
        "PatientID": "M1234567", "PatientBirthDate": "19600102", "PatientSex": "F", "StudyDate": "20260105", "StudyTime": "101112.5",
        "StudyID": "77", "AccessionNumber": "A9988", "ReferringPhysicianName": "Referrer^Rita", "Manufacturer": "Maker",
        "PatientOrientation": ["L", "F"], "BodyPartExamined": "CHEST", "ViewPosition": "PA", "ImagerPixelSpacing": [0.5, 0.25],
        "Rows": ROWS, "Columns": COLUMNS, "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PixelData": pixels().tobytes(),
    }  # fmt: skip
    for name, value in (said | elements).items():
        if value is not None:
            setattr(dataset, name, value)
    return dataset


def answer(**values: Any) -> ChestFinding:
    """An answer of a made-up model about the X-ray."""
    given = {
        "source": xray(), "ratio": 0.5, "low": 0.47, "high": 0.54, "heart": HEART, "chest": CHEST, "label": "Cardiomegaly",
        "probability": 0.93, "model": "cxr-heart", "version": "1.2.3", "weights_sha256": "ab" * 32,
        "made_at": dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    }  # fmt: skip
    return ChestFinding(**(given | values))
