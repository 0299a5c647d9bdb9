"""What is kept of an object beside its file: whose it is, where it belongs, and what its image is like (PS3.3 C.7)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from ml.dicom.image import DicomImage, image_of, value
from ml.dicom.opening import open_dicom, transfer_syntax
from ml.dicom.reasons import DicomReason, UnusableDicom

MOST_TEXT = 64  # LO, SH and UI of PS3.5 hold no more
_MOST_NAME = 200
_UID = re.compile(r"(0|[1-9]\d*)(\.\d+)+")
_WAVEFORMS = "1.2.840.10008.5.1.4.1.1.9."
_DIRECTORY = "1.2.840.10008.1.3.10"
_DOCUMENTS = "1.2.840.10008.5.1.4.1.1.104.1"
_UIDS = {
    "StudyInstanceUID": "study instance UID",
    "SeriesInstanceUID": "series instance UID",
    "SOPInstanceUID": "SOP instance UID",
    "SOPClassUID": "SOP class UID",
}


class Content(StrEnum):
    """What an object holds."""

    IMAGE = "image"
    WAVEFORM = "waveform"
    DOCUMENT = "document"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose object it is, as the object says; "" and None where it does not.

    Attributes:
        patient_id: (0010,0020), at most 64 characters.
        name: (0010,0010), its alphabetic form, ``Family^Given``.
        birth_date: (0010,0030).
        sex: (0010,0040), ``F``, ``M`` or ``O``.
    """

    patient_id: str = ""
    name: str = ""
    birth_date: dt.date | None = None
    sex: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DicomHeader:
    """What is kept of an object.

    Attributes:
        study_uid, series_uid, sop_uid, sop_class_uid, syntax_uid: the UIDs that place and type it.
        identity: whose it is.
        modality: for example ``DX``; "" where not said.
        study_date, study_description, accession_number: of the study.
        series_number, series_description, body_part: of the series.
        instance_number: place within the series.
        content: what it holds.
        image: what its image is like; None without an image that can be shown.
        reason_code, message: why its image cannot be shown; "" where it can, or where there is none to show.
    """

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    syntax_uid: str
    identity: Identity
    modality: str
    study_date: dt.date | None
    study_description: str
    accession_number: str
    series_number: int | None
    series_description: str
    body_part: str
    instance_number: int | None
    content: Content
    image: DicomImage | None
    reason_code: str = ""
    message: str = ""


def read_header(path: Path) -> DicomHeader:
    """Read what is kept of a file; no pixel is decoded.

    Raises:
        UnusableDicom: no DICOM object, too large, damaged, nested too deep, or without the UIDs that place it.
        OSError: the file itself cannot be read from the disk.
    """
    dataset = open_dicom(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's doubts about values; each is checked here
            return header_of(dataset)
    except RecursionError as error:
        raise UnusableDicom(DicomReason.NESTED) from error


def header_of(dataset: Dataset) -> DicomHeader:
    """The same of a data set. Raises UnusableDicom."""
    if text(getattr(dataset, "file_meta", Dataset()), "MediaStorageSOPClassUID") == _DIRECTORY:
        raise UnusableDicom(DicomReason.DIRECTORY)
    uids = {name: text(dataset, name) for name in _UIDS}
    missing = [words for name, words in _UIDS.items() if not _UID.fullmatch(uids[name])]
    if missing:
        raise UnusableDicom(DicomReason.MISSING_TAGS, names=", ".join(missing))
    content = _content(dataset, uids["SOPClassUID"])
    image, refusal = _image(dataset) if content in {Content.IMAGE, Content.OTHER} else (None, None)
    return DicomHeader(
        study_uid=uids["StudyInstanceUID"],
        series_uid=uids["SeriesInstanceUID"],
        sop_uid=uids["SOPInstanceUID"],
        sop_class_uid=uids["SOPClassUID"],
        syntax_uid=str(transfer_syntax(dataset))[:MOST_TEXT],
        identity=_identity(dataset),
        modality=text(dataset, "Modality")[:16],
        study_date=date(dataset, "StudyDate"),
        study_description=text(dataset, "StudyDescription"),
        accession_number=text(dataset, "AccessionNumber"),
        series_number=_number(dataset, "SeriesNumber"),
        series_description=text(dataset, "SeriesDescription"),
        body_part=text(dataset, "BodyPartExamined"),
        instance_number=_number(dataset, "InstanceNumber"),
        content=content,
        image=image,
        reason_code=refusal.reason_code if refusal else "",
        message=refusal.message if refusal else "",
    )


def text(dataset: Dataset, name: str, most: int = MOST_TEXT) -> str:
    """A value as text without control characters; "" where it is missing or of another kind."""
    found = value(dataset, name)
    if found is None:
        return ""
    return "".join(c for c in str(found) if c.isprintable()).strip()[:most]


def date(dataset: Dataset, name: str) -> dt.date | None:
    """A date (PS3.5 DA); None where it is missing or none."""
    try:
        return dt.datetime.strptime(text(dataset, name).replace(".", ""), "%Y%m%d").date()  # noqa: DTZ007  # a DA has no zone
    except ValueError:
        return None


def _identity(dataset: Dataset) -> Identity:
    name = text(dataset, "PatientName", _MOST_NAME).split("=")[0]  # alphabetic, before ideographic
    return Identity(
        patient_id=text(dataset, "PatientID"),
        name=name.rstrip("^ "),
        birth_date=date(dataset, "PatientBirthDate"),
        sex=text(dataset, "PatientSex")[:1].upper(),
    )


def _content(dataset: Dataset, sop_class_uid: str) -> Content:
    if sop_class_uid.startswith(_WAVEFORMS):
        return Content.WAVEFORM
    if sop_class_uid == _DOCUMENTS:
        return Content.DOCUMENT
    return Content.IMAGE if "PixelData" in dataset else Content.OTHER


def _image(dataset: Dataset) -> tuple[DicomImage | None, UnusableDicom | None]:
    """What the image is like, or why it cannot be shown. An object that is no image has nothing to complain about."""
    try:
        image = image_of(dataset)
        _check_length(dataset, image)
    except UnusableDicom as refusal:
        return None, None if refusal.reason_code == DicomReason.NO_PIXELS else refusal
    return image, None


def _check_length(dataset: Dataset, image: DicomImage) -> None:
    """Uncompressed pixels must be there as announced; they are left in the file."""
    syntax = transfer_syntax(dataset)
    if (
        not syntax.is_transfer_syntax
        or syntax.is_private
        or syntax.is_compressed
        or "PixelData" not in dataset
    ):
        return
    held = _held(dataset)
    needed = image.frames * image.rows * image.columns * image.samples * int(dataset.BitsAllocated) // 8
    subsampled = image.photometric.endswith("_422")
    if held < (needed * 2 // 3 if subsampled else needed):
        raise UnusableDicom(DicomReason.BROKEN_PIXELS, detail="it holds fewer pixels than it announces")


def _held(dataset: Dataset) -> int:
    """How many bytes of pixels there are, whatever the element says; those that were left in the file are counted there."""
    element = dataset.get_item("PixelData")
    pixels = getattr(element, "value", None)
    if pixels is not None:
        return len(pixels)
    size = Path(str(dataset.filename)).stat().st_size
    return min(int(getattr(element, "length", 0)), size - int(getattr(element, "value_tell", 0)))


def _number(dataset: Dataset, name: str) -> int | None:
    """A whole number that PostgreSQL can keep; None where it is missing or none."""
    found: Any = value(dataset, name)
    try:
        number = int(str(found))
    except ValueError:
        return None
    return number if -(2**31) <= number < 2**31 else None
