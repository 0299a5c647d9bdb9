"""What a file really is, found from its content; never from its name or the browser's word."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import struct
import warnings
from typing import IO

from django.conf import settings
from PIL import Image

from diagnostics.kinds import PDF, PICTURES, RECORDINGS
from diagnostics.reasons import Reason, sentence
from diagnostics.zips import opened
from ml.recordings.formats.sniffing import sniff

FAMILY = {"MPO": "JPEG"}  # several JPEGs in one file, as phones write them; the first one is read
SMALLEST_SIDE = 32
HEAD = 4096
_AT_ONCE = 1 << 20
_JPEG_START = b"\xff\xd8\xff"
_TIFF_STARTS = (b"II*\x00", b"MM\x00*")
_PDF_START, _PDF_END = b"%PDF-", b"%%EOF"
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_NOT_ZERO = re.compile(rb"[^\0]")
# First bytes -> how a person calls it.
KNOWN_HEADS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"#!", "a script"),
)
ACTIVE_MARKS = (
    (b"<svg", "an SVG drawing"),
    (b"<html", "a web page"),
    (b"<!doctype html", "a web page"),
    (b"<script", "a web page"),
)


class Refused(Exception):  # named after what happened
    """The file is not accepted; carries the reason code and the sentence for the user."""

    def __init__(self, reason: Reason, **values: object) -> None:
        self.reason, self.message = reason, sentence(reason, **values)
        super().__init__(self.message)


@dataclasses.dataclass(frozen=True, slots=True)
class Inspected:
    """A file fit to be stored."""

    media_type: str
    size: int
    sha256: str


def inspect(file: IO[bytes]) -> Inspected:
    """Read a file from its start and say what it is.

    Memory: one decoded image of at most `UPLOAD_MAX_PIXELS` pixels.

    Raises:
        Refused: with the reason, if it is neither a whole, plain, readable image nor a document nor a recording, or beyond the limits.
    """
    size = file.seek(0, 2)
    if size == 0:
        raise Refused(Reason.EMPTY)
    file.seek(0)
    head = file.read(HEAD)
    if size > most_bytes(head):
        raise Refused(Reason.TOO_LARGE, limit_mb=most_bytes(head) // 1_000_000)
    if recording := recording_format(head):
        return _recording(file, recording, size)
    if head.startswith(_PDF_START):
        return _document(file, size)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # Pillow's doubts about metadata and size; the limits here are stricter
        form = _decode(file, head)
    media_type = PICTURES[FAMILY.get(form, form)][0]
    file.seek(0)
    data = file.read()
    end = _several_end(data) if form == "MPO" else _image_end(data, media_type)
    if end is None or end > len(data):
        raise Refused(Reason.TRUNCATED)
    if end < len(data.rstrip(b"\0")):
        raise Refused(Reason.HIDDEN_DATA)
    return Inspected(media_type, size, hashlib.sha256(data).hexdigest())


def recording_format(head: bytes) -> str | None:
    """The format of a recording, by a file's first bytes; None for anything else."""
    return None if _active(head) else sniff(head)


def most_bytes(head: bytes) -> int:
    """How large a file that begins so may be: recordings of days are larger than pictures."""
    return settings.RECORDING_MAX_BYTES if recording_format(head) else settings.UPLOAD_MAX_BYTES


def _recording(file: IO[bytes], name: str, size: int) -> Inspected:
    """A recording is read and judged by the worker; here only its kind must be right. It never is in memory as a whole."""
    if name == "wfdb" and not _holds_a_record(file):
        raise Refused(Reason.UNKNOWN_TYPE, found="a zip archive or Office document")
    digest = hashlib.sha256()
    file.seek(0)
    while part := file.read(_AT_ONCE):
        digest.update(part)
    return Inspected(RECORDINGS[name][0], size, digest.hexdigest())


def _document(file: IO[bytes], size: int) -> Inspected:
    """A PDF is opened by the worker only; here it must be whole, with nothing but blanks behind its last end mark."""
    file.seek(0)
    data = file.read()
    end = data.rfind(_PDF_END)
    if end < 0:
        raise Refused(Reason.TRUNCATED)
    if data[end + len(_PDF_END) :].strip(b"\0 \t\r\n\f"):
        raise Refused(Reason.HIDDEN_DATA)
    return Inspected(PDF[0], size, hashlib.sha256(data).hexdigest())


def _holds_a_record(file: IO[bytes]) -> bool:
    """Whether a zip archive holds a WFDB header."""
    try:
        with opened(file) as archive:
            return any(name.endswith(".hea") for name in archive.namelist())
    except Exception:  # noqa: BLE001  # a damaged archive makes zipfile raise whatever it runs into
        return False


def _decode(file: IO[bytes], head: bytes) -> str:
    """Decode the image fully, once its header has promised to fit; return Pillow's name of its format."""
    file.seek(0)
    try:
        image = Image.open(file, formats=tuple(PICTURES))
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise Refused(Reason.TOO_MANY_PIXELS, pixels=f"more than {most}", limit=_limit()) from None
    except Exception:  # noqa: BLE001  # on a damaged file Pillow raises whatever its parsers run into
        raise _not_an_image(head) from None
    width, height = image.size
    if width * height > settings.UPLOAD_MAX_PIXELS:
        raise Refused(Reason.TOO_MANY_PIXELS, pixels=round(width * height / 1e6), limit=_limit())
    if min(width, height) < SMALLEST_SIDE:
        raise Refused(Reason.TOO_SMALL, width=width, height=height)
    try:
        image.load()
    except Exception:  # noqa: BLE001  # the same
        raise Refused(Reason.TRUNCATED) from None
    return image.format or ""


def _limit() -> int:
    return settings.UPLOAD_MAX_PIXELS // 1_000_000


def _active(head: bytes) -> str:
    """What a file that a browser would run calls itself; "" for any other."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((name for mark, name in ACTIVE_MARKS if mark in text), "")


def _not_an_image(head: bytes) -> Refused:
    if active := _active(head):
        return Refused(Reason.NOT_AN_IMAGE, found=active)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return Refused(Reason.HEIC)
    if head[128:132] == b"DICM":
        return Refused(Reason.DICOM_IMAGE)
    for start, name in KNOWN_HEADS:
        if head.startswith(start):
            return Refused(Reason.UNKNOWN_TYPE, found=name)
    if head.startswith((b"\x89PNG", _JPEG_START, *_TIFF_STARTS)) or (head[:4], head[8:12]) == (
        b"RIFF",
        b"WEBP",
    ):
        return Refused(Reason.TRUNCATED)
    return Refused(Reason.UNKNOWN_TYPE, found="a file of another kind")


def _image_end(data: bytes, media_type: str) -> int | None:
    """Where the image ends by its own format, in bytes from the start; anything after it is hidden data. None: nowhere."""
    if media_type == "image/webp":
        size = int(struct.unpack("<I", data[4:8])[0])
        return 8 + size + size % 2
    if media_type == "image/tiff":
        return len(data)  # its parts may stand in any order; there is no end to look behind
    if media_type == "image/png":
        return _png_end(data)
    return _jpeg_end(data)


def _png_end(data: bytes) -> int | None:
    position = 8
    while position + 12 <= len(data):
        length = struct.unpack(">I", data[position : position + 4])[0]
        kind = data[position + 4 : position + 8]
        position += length + 12
        if kind == b"IEND":
            return position
    return None


def _several_end(data: bytes) -> int | None:
    """The end of the last of several JPEGs, one behind the other with nothing but zeros between them."""
    end = _jpeg_end(data)
    while end is not None and (following := _NOT_ZERO.search(data, end)):
        if not data.startswith(_JPEG_START, following.start()):
            break
        end = _jpeg_end(data, following.start())
    return end


def _jpeg_end(data: bytes, start: int = 0) -> int | None:
    """Behind the end-of-image marker of the image that starts there: segments are skipped by their length, scans byte by byte."""
    position = start + 2
    while position + 2 <= len(data):
        if data[position] != 0xFF:
            position = data.find(b"\xff", position)
            if position < 0:
                break
            continue
        marker = data[position + 1]
        if marker == 0xD9:  # end of image
            return position + 2
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD7:  # stuffing, fill, restart
            position += 1 if marker == 0xFF else 2  # fill byte
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None
