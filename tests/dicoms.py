"""DICOM objects for tests, written with pydicom: drawn, of nobody."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

if TYPE_CHECKING:
    from patients.models import Patient

SEX = {"female": "F", "male": "M"}


def uid(*parts: Any) -> str:
    """The same UID for the same words."""
    return str(generate_uid(entropy_srcs=[str(part) for part in parts]))


def of(patient: Patient) -> dict[str, str]:
    """The identity of a patient as a modality writes it."""
    return {
        "PatientID": patient.mrn,
        "PatientName": f"{patient.family_name}^{patient.given_name}",
        "PatientBirthDate": f"{patient.birth_date:%Y%m%d}",
        "PatientSex": SEX.get(patient.sex, ""),
    }


def dataset(
    patient: Patient | None = None, *, study: Any = 1, series: Any = 1, number: int = 1, **values: Any
) -> FileDataset:
    """An X-ray of 32 x 24 pixels with 12 bits; `values` are DICOM keywords."""
    sop = values.pop("SOPInstanceUID", uid(study, series, number))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = values.get("SOPClassUID", ComputedRadiographyImageStorage)
    meta.MediaStorageSOPInstanceUID = sop
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    fields = {
        "SOPClassUID": meta.MediaStorageSOPClassUID, "SOPInstanceUID": sop, "StudyInstanceUID": uid(study),
        "SeriesInstanceUID": uid(study, series), "Modality": "DX", "StudyDate": "20260302", "StudyDescription": "Chest PA",
        "SeriesDescription": "PA", "SeriesNumber": series if isinstance(series, int) else 1, "InstanceNumber": number,
        "BodyPartExamined": "CHEST", "ViewPosition": "PA", "PixelSpacing": [0.5, 0.25], "WindowCenter": 2048, "WindowWidth": 4096,
    }  # fmt: skip
    identity = of(patient) if patient else {}
    for name, value in (fields | identity | values).items():
        if value is not None:
            setattr(made, name, value)
    if meta.MediaStorageSOPClassUID != EncapsulatedPDFStorage:
        pixels(made, np.arange(24 * 32, dtype="<u2").reshape(24, 32) * 5 + number)
    return made


def pixels(made: Dataset, values: Any, *, bits: int = 12) -> None:
    """Put grey frames into an object: shape (rows, columns) or (frames, rows, columns)."""
    made.Rows, made.Columns = values.shape[-2:]
    if values.ndim == 3:
        made.NumberOfFrames = len(values)
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, bits, bits - 1, 0
    made.PixelData = values.astype("<u2").tobytes()


def mr(patient: Patient | None = None, **values: Any) -> FileDataset:
    """An MR slice, for which there is no model."""
    return dataset(
        patient, SOPClassUID=MRImageStorage, Modality="MR", StudyDescription="Cardiac MR", **values
    )


def document(patient: Patient | None, data: bytes, **values: Any) -> FileDataset:
    """A PDF in an object."""
    made = dataset(
        patient, SOPClassUID=EncapsulatedPDFStorage, Modality="DOC", StudyDescription="ECG page", **values
    )
    made.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    made.EncapsulatedDocumentLength = len(data)
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    return made


def written(made: Dataset) -> bytes:
    """The object as a file."""
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def xray(patient: Patient | None = None, **values: Any) -> bytes:
    """`dataset` as a file."""
    return written(dataset(patient, **values))


def named(name: str, data: bytes) -> io.BytesIO:
    """Bytes with a name, as an upload."""
    stream = io.BytesIO(data)
    stream.name = name
    return stream
