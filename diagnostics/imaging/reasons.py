"""Why an object, an archive or a request about studies is refused or held: stable codes with a sentence each."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class ImagingReason(StrEnum):
    """Stable reason codes; a code never changes its meaning. Those of reading an object are in ml.dicom.reasons."""

    OTHER_PATIENT = "dicom_other_patient"
    IDENTITY_INCOMPLETE = "dicom_identity_incomplete"
    UNKNOWN_PATIENT = "dicom_unknown_patient"
    UID_CONFLICT = "dicom_uid_conflict"
    KNOWN = "dicom_known"
    OTHER_STUDY = "dicom_other_study"
    NOTHING_TO_READ = "dicom_nothing_to_read"
    ZIP_DAMAGED = "zip_damaged"
    ZIP_BOMB = "zip_inflates_too_much"
    ZIP_TOO_MANY = "zip_too_many_files"
    ZIP_PATH = "zip_path"
    ZIP_NESTED = "zip_nested"
    ZIP_ENCRYPTED = "zip_encrypted"
    NOT_MULTIPART = "stow_not_multipart"
    BROKEN_MULTIPART = "stow_broken_multipart"
    PART_TYPE = "stow_part_type"
    BAD_QUERY = "qido_bad_query"
    NOT_ACCEPTABLE = "wado_not_acceptable"
    NO_TABLE = "dicom_no_table"
    BAD_WINDOW = "dicom_bad_window"
    TOO_LARGE_TO_SHOW = "dicom_too_large_to_show"
    NO_SUCH_PATIENT = "dicom_no_such_patient"
    CANNOT_MERGE = "dicom_cannot_merge"
    NOTHING_MEASURED = "dicom_nothing_measured"
    NO_ARCHIVE = "dicom_no_archive"
    UNKNOWN_PEER = "dicom_unknown_peer"


SENTENCES: dict[ImagingReason, str] = {
    ImagingReason.OTHER_PATIENT: "The file says that it is of somebody else ({differs} not as in the patient's record), so it is held. "
    "Look at it under Held studies, and release, assign or reject it.",
    ImagingReason.IDENTITY_INCOMPLETE: "The file does not say well enough whose it is, so it is held. Look at it under Held studies, and "
    "release, assign or reject it.",
    ImagingReason.UNKNOWN_PATIENT: "No patient of the sender has the number that the file gives, so it is held. Look at it under Held "
    "studies, and assign it to a patient or reject it.",
    ImagingReason.UID_CONFLICT: "Another object with the same SOP instance UID is stored already. That one is kept and this one is not: "
    "an object that was changed needs a UID of its own. Ask whoever exported it.",
    ImagingReason.KNOWN: "This very object is stored already; nothing was changed.",
    ImagingReason.OTHER_STUDY: "The object is of another study than the one that it was sent to. Send it to its own study.",
    ImagingReason.NOTHING_TO_READ: "It is stored; it holds nothing that a model reads.",
    ImagingReason.ZIP_DAMAGED: "The zip archive is damaged. Pack it again and upload that copy.",
    ImagingReason.ZIP_BOMB: "The zip archive unpacks to more than {limit_mb} MB. Upload it in several parts.",
    ImagingReason.ZIP_TOO_MANY: "Only {limit} files of one archive are taken, and this one came after them. Upload it in another archive.",
    ImagingReason.ZIP_PATH: "The archive says that this file lies outside of it, as a tampered one does. It was not unpacked.",
    ImagingReason.ZIP_NESTED: "This is an archive within the archive, which is not unpacked. Upload it by itself.",
    ImagingReason.ZIP_ENCRYPTED: "The file is locked with a password. Unpack the archive yourself and upload the files.",
    ImagingReason.NOT_MULTIPART: "Instances are sent as multipart/related with type application/dicom and a boundary (PS3.18 10.5).",
    ImagingReason.BROKEN_MULTIPART: "The multipart message breaks off or is damaged after {parts} parts, which were taken. Send the rest.",
    ImagingReason.PART_TYPE: "This part is {found}. Only application/dicom is taken.",
    ImagingReason.BAD_QUERY: "The search parameter {name} is not understood. See docs/dicom.md for those that are.",
    ImagingReason.NOT_ACCEPTABLE: "What is asked for is not given in that form. {offered}",
    ImagingReason.NO_TABLE: "The object is shown through a window, not through a table.",
    ImagingReason.BAD_WINDOW: "Centre and width of the window are numbers, and the width is at least 1.",
    ImagingReason.TOO_LARGE_TO_SHOW: "A frame of {pixels} million pixels is not drawn here, at most {limit} million. Download the object.",
    ImagingReason.NO_SUCH_PATIENT: "No patient of yours has this number. Check it, or register the patient first.",
    ImagingReason.CANNOT_MERGE: "The patient already has {count} of these objects with other content under the same UID. Reject what is "
    "held, or ask whoever exported it.",
    ImagingReason.NOTHING_MEASURED: "The model measured nothing on this image, so there is nothing to make a DICOM object of.",
    ImagingReason.UNKNOWN_PEER: "A device at {address} that calls itself {calling} asked for {called} and was not let in. If it is one of "
    "yours, name it in DICOM_PEERS and have it call {title}.",
    ImagingReason.NO_ARCHIVE: "No archive is configured to send results to. Download them, or ask the administrator "
    "to configure one.",
}


def sentence(reason: ImagingReason, **values: Any) -> str:
    """The sentence of a reason with its values filled in."""
    return SENTENCES[reason].format(**values)


class ImagingRefused(Exception):
    """Something about studies that is not done; carries the reason code and the sentence for the user."""

    def __init__(self, reason: ImagingReason, **values: Any) -> None:
        self.reason, self.message = reason, sentence(reason, **values)
        super().__init__(self.message)
