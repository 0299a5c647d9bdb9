"""Objects with an ECG, made of the one that pydicom ships."""

from __future__ import annotations

from typing import Any

from pydicom import dcmread
from pydicom.data import get_testdata_file

from tests import dicoms


def ecg(patient: Any, *, study: Any = 1, series: Any = 1, number: int = 1, **values: Any) -> bytes:
    """A 12-lead ECG of ten seconds in the name of a patient."""
    made = dcmread(str(get_testdata_file("waveform_ecg.dcm", download=False)))
    identity = dicoms.of(patient) | {
        "StudyInstanceUID": dicoms.uid(study), "SeriesInstanceUID": dicoms.uid(study, series),
        "SOPInstanceUID": dicoms.uid(study, series, number, "ecg"), "SeriesNumber": series, "InstanceNumber": number,
    }  # fmt: skip
    for name, value in (identity | values).items():
        setattr(made, name, value)
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return dicoms.written(made)
