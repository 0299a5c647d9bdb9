"""Rows as data sets in the DICOM JSON model (PS3.18 annex F)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diagnostics.models import DicomInstance, DicomSeries, DicomStudy

Element = dict[str, Any]
# The tags that are answered and searched, by their keywords.
TAGS = {
    "SOPClassUID": ("00080016", "UI"), "SOPInstanceUID": ("00080018", "UI"), "StudyDate": ("00080020", "DA"),
    "AccessionNumber": ("00080050", "SH"), "Modality": ("00080060", "CS"), "ModalitiesInStudy": ("00080061", "CS"),
    "StudyDescription": ("00081030", "LO"), "SeriesDescription": ("0008103E", "LO"), "RetrieveURL": ("00081190", "UR"),
    "PatientName": ("00100010", "PN"), "PatientID": ("00100020", "LO"), "PatientBirthDate": ("00100030", "DA"),
    "PatientSex": ("00100040", "CS"), "BodyPartExamined": ("00180015", "CS"), "StudyInstanceUID": ("0020000D", "UI"),
    "SeriesInstanceUID": ("0020000E", "UI"), "SeriesNumber": ("00200011", "IS"), "InstanceNumber": ("00200013", "IS"),
    "NumberOfStudyRelatedSeries": ("00201206", "IS"), "NumberOfStudyRelatedInstances": ("00201208", "IS"),
    "NumberOfSeriesRelatedInstances": ("00201209", "IS"), "NumberOfFrames": ("00280008", "IS"), "Rows": ("00280010", "US"),
    "Columns": ("00280011", "US"), "ReferencedSOPClassUID": ("00081150", "UI"), "ReferencedSOPInstanceUID": ("00081155", "UI"),
    "WarningReason": ("00081196", "US"), "FailureReason": ("00081197", "US"), "FailedSOPSequence": ("00081198", "SQ"),
    "ReferencedSOPSequence": ("00081199", "SQ"), "OtherFailuresSequence": ("0008119A", "SQ"),
}  # fmt: skip
KEYWORDS = {tag: keyword for keyword, (tag, _) in TAGS.items()}
SEXES = {"female": "F", "male": "M", "other": "O"}


def dataset(**values: Any) -> Element:
    """Elements by keyword; without a value where there is None or ""."""
    return {TAGS[name][0]: _element(TAGS[name][1], value) for name, value in sorted(values.items(), key=_tag)}


def _tag(pair: tuple[str, Any]) -> str:
    return TAGS[pair[0]][0]


def _element(vr: str, value: Any) -> Element:
    values = value if isinstance(value, list) else [value]
    values = [one for one in values if one not in (None, "")]
    if vr == "PN":
        values = [{"Alphabetic": one} for one in values]
    if vr == "DA":
        values = [one.strftime("%Y%m%d") if isinstance(one, dt.date) else one for one in values]
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def of_study(study: DicomStudy, *, modalities: list[str], series: int, instances: int, url: str) -> Element:
    """A study as QIDO-RS answers it (PS3.18 table 10.6.3-3). The patient is the one whom it is filed to."""
    patient = study.patient
    if patient is None:
        raise LookupError("a held study is not given back")
    return dataset(
        StudyInstanceUID=study.study_uid,
        StudyDate=study.study_date,
        StudyDescription=study.description,
        AccessionNumber=study.accession_number,
        ModalitiesInStudy=modalities,
        PatientName=f"{patient.family_name}^{patient.given_name}",
        PatientID=patient.mrn,
        PatientBirthDate=patient.birth_date,
        PatientSex=SEXES.get(patient.sex, ""),
        NumberOfStudyRelatedSeries=series,
        NumberOfStudyRelatedInstances=instances,
        RetrieveURL=url,
    )


def of_series(series: DicomSeries, *, instances: int, url: str) -> Element:
    """A series as QIDO-RS answers it (table 10.6.3-4)."""
    return dataset(
        StudyInstanceUID=series.study.study_uid,
        SeriesInstanceUID=series.series_uid,
        SeriesNumber=series.number,
        SeriesDescription=series.description,
        Modality=series.modality,
        BodyPartExamined=series.body_part,
        NumberOfSeriesRelatedInstances=instances,
        RetrieveURL=url,
    )


def of_instance(instance: DicomInstance, *, url: str) -> Element:
    """An instance as QIDO-RS answers it (table 10.6.3-5)."""
    image = instance.image or {}
    return dataset(
        StudyInstanceUID=instance.study.study_uid,
        SeriesInstanceUID=instance.series.series_uid,
        SOPInstanceUID=instance.sop_uid,
        SOPClassUID=instance.sop_class_uid,
        InstanceNumber=instance.number,
        Modality=instance.series.modality,
        NumberOfFrames=image.get("frames"),
        Rows=image.get("rows"),
        Columns=image.get("columns"),
        RetrieveURL=url,
    )
