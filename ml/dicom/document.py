"""The document in an Encapsulated PDF object (PS3.3 A.45.1, C.24.2)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from ml.dicom.image import value
from ml.dicom.reasons import DicomReason, UnusableDicom

MOST_BYTES = 100_000_000


def document_of(dataset: Dataset) -> bytes:
    """The PDF as it was put in, without the byte that pads it to an even length.

    Raises:
        UnusableDicom: there is none, or it is larger than is read.
    """
    element = dataset.get_item("EncapsulatedDocument") if "EncapsulatedDocument" in dataset else None
    if element is None:
        raise UnusableDicom(DicomReason.MISSING_TAGS, names="document")
    if int(getattr(element, "length", 0) or 0) > MOST_BYTES:
        raise UnusableDicom(
            DicomReason.TOO_LARGE, detail=f"documents of up to {MOST_BYTES // 10**6} MB are read"
        )
    data = bytes(value(dataset, "EncapsulatedDocument") or b"")
    length = value(dataset, "EncapsulatedDocumentLength")
    if isinstance(length, int) and 0 < length <= len(data):
        return data[:length]
    return data.removesuffix(b"\0")
