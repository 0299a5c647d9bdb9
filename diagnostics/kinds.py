"""Kinds of files: pictures, which all models of pictures read, and recordings. Found from the content, never from the name."""

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
PICTURES = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg"), "WEBP": ("image/webp", "webp")}
EXTENSIONS = dict([*RECORDINGS.values(), *PICTURES.values()])
# What a file dialogue offers first; any file may be sent.
ACCEPTED = ("image/png", "image/jpeg", "image/webp", *(f".{ending}" for _, ending in RECORDINGS.values()))
UNITS = ("uV", "mV", "V")


def is_picture(media_type: str) -> bool:
    """Whether a stored file is a picture; else it is a recording."""
    return media_type.startswith("image/")
