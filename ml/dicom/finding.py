"""What a model found on a chest X-ray, as results leave the platform: plain values, and where the diameters lie."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import math

from pydicom.dataset import Dataset

from ml.dicom.image import image_of
from ml.dicom.reasons import DicomReason, UnusableDicom
from ml.dicom.uids import derived_uid

logging.getLogger("highdicom").setLevel(
    logging.ERROR
)  # its warnings say names of patients, which do not belong in a log
MAKER = "CardioCare"
NOTICE = "Research use, not for diagnostic use"
Point = tuple[float, float]
_COPIED = (
    "SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "StudyInstanceUID", "StudyID", "AccessionNumber",
    "ReferringPhysicianName", "StudyDescription", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID", "Modality", "Rows", "Columns",
    "NumberOfFrames", "Manufacturer", "ManufacturerModelName", "InstitutionName", "StationName", "DeviceSerialNumber", "SoftwareVersions",
)  # fmt: skip
_TYPE_2 = ("PatientName", "PatientID", "StudyID", "AccessionNumber", "ReferringPhysicianName")
_NEEDED = {
    "StudyInstanceUID": "study", "SeriesInstanceUID": "series", "SOPClassUID": "class", "SOPInstanceUID": "instance",
}  # fmt: skip
_DATES = {"PatientBirthDate": "%Y%m%d", "StudyDate": "%Y%m%d", "StudyTime": "%H%M%S"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChestFinding:
    """A model's answer about one chest X-ray.

    Attributes:
        source: the data set of the X-ray, as `open_dicom` gave it.
        ratio: cardiothoracic ratio.
        low: lower end of its 90 % interval.
        high: upper end.
        heart: the two ends (column, row) of the heart's diameter, pixels of the source image.
        chest: the same of the inner chest.
        label: ``Normal heart size``, ``Borderline heart size`` or ``Cardiomegaly``.
        probability: of an enlarged heart, 0 to 1, calibrated.
        model: name of the model.
        version: its version.
        weights_sha256: hash of its weights.
        made_at: when the answer was given; with a time zone.
    """

    source: Dataset
    ratio: float
    low: float
    high: float
    heart: tuple[Point, Point]
    chest: tuple[Point, Point]
    label: str
    probability: float
    model: str
    version: str
    weights_sha256: str
    made_at: dt.datetime

    def uid(self, kind: str) -> str:
        """The UID of an object about this answer: the same each time, so that what is sent twice is one object."""
        parts = (self.model, self.version, self.weights_sha256, self.made_at.isoformat())
        return derived_uid(str(self.source.get("SOPInstanceUID")), *parts, kind)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a line on an image is.

    Attributes:
        value: in `unit`.
        unit: ``mm``, or ``pixels`` where the object does not say how large a pixel is.
        magnified: whether the millimetres are those at the detector, where everything appears larger than in the patient.
    """

    value: float
    unit: str
    magnified: bool


def length(line: tuple[Point, Point], source: Dataset) -> Length:
    """Length of a line between two points (column, row) of an image."""
    image = image_of(source)
    across, down = line[1][0] - line[0][0], line[1][1] - line[0][1]
    if image.spacing_mm is None:
        return Length(value=math.hypot(across, down), unit="pixels", magnified=False)
    height, width = image.spacing_mm
    return Length(
        value=math.hypot(across * width, down * height), unit="mm", magnified=image.spacing_of == "detector"
    )


def reference(source: Dataset) -> Dataset:
    """What an object about an image repeats of it: patient, study, device; values that are no dates or times are left out.

    Raises:
        UnusableDicom: when the image lacks a UID by which it could be referred to.
    """
    missing = [words for name, words in _NEEDED.items() if not source.get(name)]
    if missing:
        raise UnusableDicom(
            DicomReason.MISSING_TAGS, names=", ".join(f"UID of the {words}" for words in missing)
        )
    found = Dataset()
    for name in _COPIED:
        if name in source:
            found[name] = source[name]
    for name in _TYPE_2:
        if name not in found:
            setattr(found, name, "")
    for name, form in _DATES.items():
        setattr(found, name, _checked(str(source.get(name) or ""), form))
    sex = str(source.get("PatientSex") or "")
    found.PatientSex = sex if sex in {"M", "F", "O"} else ""
    return found


def _checked(text: str, form: str) -> str:
    """A date or a time, without fractions of seconds; empty where it is none."""
    try:
        return dt.datetime.strptime(text.split(".", maxsplit=1)[0], form).strftime(form)  # noqa: DTZ007 - DICOM's have no zone
    except ValueError:
        return ""
