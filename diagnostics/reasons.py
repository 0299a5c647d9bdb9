"""Every reason code of the platform with its sentence: what happened, why, what to do next. Codes never change meaning."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from ml.recordings.reasons import SENTENCES as RECORDING_SENTENCES
from ml.recordings.reasons import RecordingReason


class Reason(StrEnum):
    """Stable reason codes for refusals and failures."""

    EMPTY = "empty_file"
    TOO_LARGE = "file_too_large"
    TOO_MANY = "too_many_files"
    UNKNOWN_TYPE = "unsupported_type"
    NOT_AN_IMAGE = "active_content"
    TRUNCATED = "truncated_file"
    HEIC = "heic_photo"
    HIDDEN_DATA = "hidden_data"
    DICOM_IMAGE = "dicom_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    PATIENT_NOT_FOUND = "patient_not_found"
    NO_FILES = "no_files"
    DUPLICATE = "duplicate"
    NO_CLINICAL_VALUES = "no_clinical_values"
    SAME_VALUES = "same_values"
    DUPLICATE_ASKED = "duplicate_asked"
    DUPLICATE_NOT_ASKED = "duplicate_not_asked"
    STORAGE = "storage_unavailable"
    WORKER_LOST = "worker_lost"
    ANALYSIS_FAILED = "analysis_failed"
    TIME_LIMIT = "time_limit"
    FILE_MISSING = "file_missing"
    NO_MODEL = "no_model"
    NO_SUCH_BEAT = "no_such_beat"
    NO_SUCH_CLASS = "no_such_class"
    BAD_WINDOW = "bad_window"
    SIGNAL_MISSING = "signal_missing"
    RATE_UNKNOWN = RecordingReason.RATE_UNKNOWN.value
    UNIT_UNKNOWN = RecordingReason.UNIT_UNKNOWN.value


SENTENCES: dict[Reason, str] = {
    Reason.EMPTY: "The file is empty. Export it again from the source and upload that copy.",
    Reason.TOO_LARGE: "The file is larger than {limit_mb} MB. Upload a smaller copy of it, or a shorter stretch.",
    Reason.TOO_MANY: "Only {limit} files are taken at once, and this one came after them. Upload it in the next batch.",
    Reason.UNKNOWN_TYPE: "This looks like {found}, which is not read. Upload a picture (PNG, JPEG, WebP, TIFF, PDF) or a recording "
    "(zipped WFDB, EDF, DICOM, HL7 aECG, SCP-ECG, MUSE XML, CSV).",
    Reason.NOT_AN_IMAGE: "This is {found}, not a photograph or scan, whatever its name says. Upload the ECG as PNG, JPEG, WebP or TIFF.",
    Reason.HEIC: "This is a HEIC photo, which is not read. Share or export it as JPEG and upload that; on an iPhone, Settings, Camera, "
    'Formats, "Most Compatible" takes JPEG photos from then on.',
    Reason.TRUNCATED: "The file breaks off before its end, so part of the trace may be missing. Export or copy it again.",
    Reason.HIDDEN_DATA: "Other data follow the end of the file, as in a tampered one. Open it, save it as a new file, and upload that.",
    Reason.DICOM_IMAGE: "This is a DICOM object without an ECG. Upload it under Imaging studies on the patient's page.",
    Reason.TOO_MANY_PIXELS: "The image has {pixels} million pixels; at most {limit} million are read. Scale it down and upload again.",
    Reason.TOO_SMALL: "The image is only {width} x {height} pixels, too few to see a trace. Upload it at a higher resolution.",
    Reason.PATIENT_NOT_FOUND: "No patient of yours has this number. Check the patient, or ask to join the care team.",
    Reason.NO_FILES: "No file was chosen. Choose one or more files and upload again.",
    Reason.DUPLICATE: "This very file was uploaded for this patient before; its result is linked, nothing was computed again.",
    Reason.DUPLICATE_ASKED: "This very file was uploaded for this patient before; every model is asked about it now.",
    Reason.DUPLICATE_NOT_ASKED: "This very file was uploaded for this patient before; its result is linked and stays as it is. Every model "
    'can be asked on the page of a completed result that nobody has reviewed yet: "Ask every model".',
    Reason.NO_CLINICAL_VALUES: "No clinical values are recorded for this patient, so there is nothing to assess. Enter values first.",
    Reason.SAME_VALUES: "Nothing has changed since these values were assessed; that result is linked, nothing was computed again.",
    Reason.STORAGE: "The file could not be stored, so nothing was kept. Try again in a minute; if it persists, tell the administrator.",
    Reason.WORKER_LOST: "The analysis was interrupted {attempts} times and was given up. Run it again, or tell the administrator.",
    Reason.ANALYSIS_FAILED: "The analysis stopped with an error that is not the file's fault. Run it again, or tell the administrator.",
    Reason.TIME_LIMIT: "The analysis took too long and was ended. Run it again, or tell the administrator.",
    Reason.NO_MODEL: "No model is installed for this kind of file. The file is kept; ask the administrator to install one.",
    Reason.NO_SUCH_BEAT: "This recording has {beats} heartbeats, and none with the number {beat}. Choose one from the list.",
    Reason.NO_SUCH_CLASS: "This is no class of heartbeat. Choose one of {classes}.",
    Reason.BAD_WINDOW: "The part of the recording asked for is not clear. Say from where, how long and how wide, as numbers.",
    Reason.SIGNAL_MISSING: "The stored signal cannot be read now. Try again in a minute; if it persists, tell the administrator.",
    Reason.RATE_UNKNOWN: RECORDING_SENTENCES[RecordingReason.RATE_UNKNOWN],
    Reason.UNIT_UNKNOWN: RECORDING_SENTENCES[RecordingReason.UNIT_UNKNOWN],
    Reason.FILE_MISSING: "The stored file could not be read. Tell the administrator: the storage needs attention.",
}


def sentence(reason: Reason, **values: Any) -> str:
    """The sentence of a reason with its values filled in."""
    return SENTENCES[reason].format(**values)
