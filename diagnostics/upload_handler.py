"""Receives files on disk and never beyond the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile


class CappedUploadHandler(TemporaryFileUploadHandler):
    """Keeps at most one byte more than the limit of each file, so that an oversized one is recognised and refused alone.

    The temporary file is removed when the request ends.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.kept = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002  # Django's signature
        """Write what still fits."""
        room = settings.UPLOAD_MAX_BYTES + 1 - self.kept
        if room > 0:
            self.file.write(raw_data[:room])
            self.kept += min(room, len(raw_data))

    def file_complete(self, file_size: int) -> UploadedFile:
        """The file as kept."""
        del file_size
        return super().file_complete(self.kept)  # type: ignore[return-value]  # the base class always returns the file
