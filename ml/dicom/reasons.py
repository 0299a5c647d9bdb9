"""Why a DICOM object cannot be read: stable codes with a sentence each (what happened, why, what to do next)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class DicomReason(StrEnum):
    """Stable reason codes; a code never changes its meaning."""

    NOT_DICOM = "not_dicom"
    TOO_LARGE = "dicom_too_large"
    DAMAGED = "dicom_damaged"
    NESTED = "dicom_nested_too_deep"
    NO_PIXELS = "dicom_no_pixels"
    MISSING_TAGS = "dicom_missing_tags"
    UNSUPPORTED = "dicom_unsupported"
    BROKEN_PIXELS = "dicom_broken_pixels"
    NO_SUCH_FRAME = "dicom_no_such_frame"
    DIRECTORY = "dicom_directory"


SENTENCES: dict[DicomReason, str] = {
    DicomReason.NOT_DICOM: "The file is no DICOM object. Export it from the PACS as DICOM (Part 10) and send that file.",
    DicomReason.TOO_LARGE: "The DICOM object is larger than is read here: {detail}. Export fewer frames, or a smaller image.",
    DicomReason.DAMAGED: "The DICOM object is damaged or breaks off: {detail}. Export it again from the PACS.",
    DicomReason.NESTED: "The DICOM object holds sequences within sequences, deeper than any real one, and was not read further. If it "
    "comes from a device, send it to the administrator of this platform.",
    DicomReason.NO_PIXELS: "The DICOM object holds no image ({kind}). It is kept, and nothing in it can be shown as a picture.",
    DicomReason.MISSING_TAGS: "The image cannot be read, because the object does not say its {names}. Export it again from the PACS.",
    DicomReason.UNSUPPORTED: "The image is stored in a way that is not read here: {detail}. Export it uncompressed (Explicit VR Little "
    "Endian).",
    DicomReason.BROKEN_PIXELS: "The image in the object is damaged: {detail}. Export it again from the PACS.",
    DicomReason.DIRECTORY: "This is the index of a disk (DICOMDIR) and holds no image. It is not needed: upload the files beside it.",
    DicomReason.NO_SUCH_FRAME: "The object has {frames} frames, and frame {asked} was asked for.",
}


class UnusableDicom(Exception):
    """A DICOM object, or its image, cannot be read.

    Attributes:
        reason_code: stable code, one of `DicomReason`.
        message: sentence for the clinician.
        values: what was filled into the sentence.
    """

    def __init__(self, reason: DicomReason, **values: Any) -> None:
        self.reason_code = reason.value
        self.message = SENTENCES[reason].format(**values)
        self.values: dict[str, Any] = values
        super().__init__(self.message)
