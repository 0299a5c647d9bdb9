"""What a person uploads at once: files, a folder, zip archives, unpacked within limits and never outside the hall."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from django.conf import settings

from diagnostics.imaging.arrivals import AT_ONCE, Arrival, Hall, InstanceVerdict, pieces, refused
from diagnostics.imaging.reasons import ImagingReason, sentence
from diagnostics.services.uploads import clean_name
from diagnostics.zips import ListTooLong, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ZIP_START = b"PK\x03\x04"
# Files beside the images, which operating systems put into folders and archives.
_NOISE = {".ds_store", "thumbs.db", "desktop.ini"}
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    LookupError,
)


def arriving(hall: Hall, files: Iterable[IO[bytes]]) -> Iterator[Arrival | InstanceVerdict]:
    """Every file of an upload, those in archives one by one; what cannot be unpacked is refused by its name."""
    for file in files:
        name = str(getattr(file, "name", "") or "unnamed")
        file.seek(0)
        zipped = file.read(len(_ZIP_START)) == _ZIP_START
        file.seek(0)
        if zipped:
            yield from _unpacked(hall, name, file)
        elif not _is_noise(name):
            yield hall.receive(name, pieces(file))


def _is_noise(name: str) -> bool:
    path = PurePosixPath(name)
    return path.name.lower() in _NOISE or "__MACOSX" in path.parts


def _unpacked(hall: Hall, name: str, file: IO[bytes]) -> Iterator[Arrival | InstanceVerdict]:
    try:
        archive = opened(file)
    except ListTooLong:
        yield _bomb(name)
        return
    except _BROKEN:
        yield _refused(name, ImagingReason.ZIP_DAMAGED)
        return
    with archive:
        room = _Room(settings.DICOM_MAX_ARCHIVE_BYTES)
        entries = [one for one in archive.infolist() if not one.is_dir() and not _is_noise(one.filename)]
        for place, entry in enumerate(entries):
            inside = f"{clean_name(name)}: {clean_name(entry.filename)}"
            if place >= settings.DICOM_MAX_FILES:
                yield _refused(inside, ImagingReason.ZIP_TOO_MANY, limit=settings.DICOM_MAX_FILES)
                return
            arrival = _entry(hall, archive, entry, inside, room)
            yield arrival
            if isinstance(arrival, InstanceVerdict) and arrival.reason_code == ImagingReason.ZIP_BOMB:
                return


def _entry(
    hall: Hall, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inside: str, room: _Room
) -> Arrival | InstanceVerdict:
    """One file of an archive. Its size is what comes out, not what the archive claims."""
    if _leads_outside(entry.filename):
        return _refused(inside, ImagingReason.ZIP_PATH)
    if entry.flag_bits & 1:
        return _refused(inside, ImagingReason.ZIP_ENCRYPTED)
    try:
        with archive.open(entry) as stream:
            start = stream.read(len(_ZIP_START))
            if start == _ZIP_START:
                return _refused(inside, ImagingReason.ZIP_NESTED)
            return hall.receive(inside, room.within(start, stream))
    except _TooMuch:
        return _bomb(inside)
    except _BROKEN:
        return _refused(inside, ImagingReason.ZIP_DAMAGED)


class _TooMuch(Exception):
    """An archive unpacks to more than is taken."""


class _Room:
    """How many bytes an archive may still unpack to. What was refused or broke off counts as well."""

    def __init__(self, left: int) -> None:
        self._left = left

    def within(self, piece: bytes, stream: IO[bytes]) -> Iterator[bytes]:
        """The first piece of an entry and all that follows. Raises _TooMuch as soon as there is no room for more."""
        while piece:
            self._left -= len(piece)
            if self._left < 0:
                raise _TooMuch
            yield piece
            piece = stream.read(AT_ONCE)


def _leads_outside(name: str) -> bool:
    """Whether a name in an archive points elsewhere. Nothing is ever written under it; it is the sign of a made-up archive."""
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        path.is_absolute()
        or ".." in path.parts
        or (path.parts[:1] and path.parts[0].endswith(":"))
        or "\0" in name
    )


def _refused(name: str, reason: ImagingReason, **values: object) -> InstanceVerdict:
    return refused(clean_name(name), reason.value, sentence(reason, **values))


def _bomb(name: str) -> InstanceVerdict:
    return _refused(name, ImagingReason.ZIP_BOMB, limit_mb=settings.DICOM_MAX_ARCHIVE_BYTES // 1_000_000)
