"""Receives DICOM objects and archives onto the disk, one behind the other in one file without a name, never beyond the limit."""

from __future__ import annotations

import io
import os
import tempfile
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from diagnostics.upload_handler import may_send_files

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Part(io.RawIOBase):
    """A stretch of a file as a file of its own: a folder of a thousand objects must not need a thousand open files."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, as `io` says."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        """Read on from here."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(view), self._size - self._at)))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


class ImagingUploadHandler(FileUploadHandler):
    """Keeps at most one byte more than the limit of each.

    Of files beyond the number taken at once nothing is kept, and nothing of those who may not upload.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.file: IO[bytes] | None = None
        self.files_begun = 0

    def close(self) -> None:
        """Let go of everything that was received."""
        if self.file is not None:
            self.file.close()

    def _opened(self) -> IO[bytes]:
        if self.file is None:
            self.file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115  # until `close`
        return self.file

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file. Its name takes no part on disk."""
        super().new_file(*args, **kwargs)
        self.files_begun += 1
        taken = self.files_begun <= settings.DICOM_MAX_FILES and may_send_files(self.request)
        self.room = settings.DICOM_MAX_ARCHIVE_BYTES + 1 if taken else 0
        self.begun_at, self.kept = self._opened().seek(0, os.SEEK_END), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # Django's signature
        """Write what still fits."""
        fits = raw_data[: self.room - self.kept]
        self._opened().write(fits)
        self.kept += len(fits)

    def file_complete(self, file_size: int) -> UploadedFile:
        """The file as kept."""
        del file_size
        part = io.BufferedReader(Part(self._opened(), self.begun_at, self.kept))
        return UploadedFile(
            part, self.file_name, self.content_type, self.kept, self.charset, self.content_type_extra
        )
