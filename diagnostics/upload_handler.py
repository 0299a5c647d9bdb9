"""Receives files on disk and never beyond the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile


class CappedUploadHandler(TemporaryFileUploadHandler):
    """Keeps at most one byte more than the limit of each file, so that an oversized one is recognised and refused alone.

    Of files beyond the batch limit nothing is kept. Temporary files are removed when the request ends.
    """

    files_begun = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file. Its name takes no part in the name on disk, where a long ending would be an error."""
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = TemporaryUploadedFile(
            "upload", self.content_type, 0, self.charset, self.content_type_extra
        )
        self.file.name = self.file_name
        self.files_begun += 1
        self.room = settings.UPLOAD_MAX_BYTES + 1 if self.files_begun <= settings.UPLOAD_MAX_FILES else 0
        self.kept = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # Django's signature
        """Write what still fits."""
        fits = raw_data[: self.room - self.kept]
        self.file.write(fits)
        self.kept += len(fits)

    def file_complete(self, file_size: int) -> UploadedFile:
        """The file as kept."""
        del file_size
        return super().file_complete(self.kept)  # type: ignore[return-value]  # the base class always returns the file
