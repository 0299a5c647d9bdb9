"""Kinds of files: pictures and documents with pages, which the models of pictures read, and recordings. Found from the content.

Clinical values are no upload of a person: the platform itself writes their snapshot, and nobody can send one.
"""

from __future__ import annotations

# Format of ml.recordings.formats -> media type and file name extension.
RECORDINGS = {
    "wfdb": ("application/x-wfdb+zip", "zip"),
    "edf": ("application/x-edf", "edf"),
    "csv": ("text/csv", "csv"),
    "dicom": ("application/dicom", "dcm"),
    "aecg": ("application/x-aecg+xml", "xml"),
    "scp": ("application/x-scp-ecg", "scp"),
    "muse": ("application/x-muse+xml", "xml"),
}
PICTURES = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
    "TIFF": ("image/tiff", "tif"),
}
# A document is drawn by the worker alone; the site looks at its first and last bytes only.
PDF = ("application/pdf", "pdf")
# An X-ray, as it came; other DICOM objects are kept without being diagnosed, and those with an ECG are recordings.
IMAGING = ("application/dicom+image", "dcm")
CLINICAL = ("application/x-cardiocare-clinical+json", "json")
EXTENSIONS = dict([*RECORDINGS.values(), *PICTURES.values(), PDF, IMAGING, CLINICAL])
# What a file dialogue offers first; any file may be sent.
ACCEPTED = (
    *(media_type for media_type, _ in PICTURES.values()),
    PDF[0],
    *(f".{ending}" for _, ending in RECORDINGS.values()),
)
UNITS = ("uV", "mV", "V")


def is_picture(media_type: str) -> bool:
    """Whether the models of pictures read a stored file: a picture, or a document with pages."""
    return media_type.startswith("image/") or media_type == PDF[0]


def is_shown(media_type: str) -> bool:
    """Whether the site itself can show a stored file as a picture."""
    return media_type.startswith("image/")


def is_clinical(media_type: str) -> bool:
    """Whether a stored file holds a patient's clinical values."""
    return media_type == CLINICAL[0]


def is_imaging(media_type: str) -> bool:
    """Whether a stored file is an X-ray of an imaging study."""
    return media_type == IMAGING[0]


def is_recording(media_type: str) -> bool:
    """Whether a stored file is a recording."""
    return not (is_picture(media_type) or is_clinical(media_type) or is_imaging(media_type))
