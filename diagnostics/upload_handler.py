"""Receives files, small ones in memory, and never beyond the limit."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from accounts.policy import Permission, can
from diagnostics.services.inspection import HEAD, most_bytes

if TYPE_CHECKING:
    from typing import IO

    from django.http import HttpRequest

# A batch of small pictures never touches the disk before it is stored; a bigger file goes to a file without a name.
IN_MEMORY_BYTES = 256_000


def may_send_files(request: HttpRequest | None) -> bool:
    """Whether files of a request are kept at all. They are read with the form, before the page asks who sends them."""
    return can(getattr(request, "user", None), Permission.UPLOAD)


class CappedUploadHandler(FileUploadHandler):
    """Keeps at most one byte more than the limit of each file, so that an oversized one is recognised and refused alone.

    Of files beyond the batch limit nothing is kept, and nothing of those who may not upload.
    """

    files_begun = 0
    file: IO[bytes]

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file. Its name takes no part on disk."""
        super().new_file(*args, **kwargs)
        self.file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115  # the request closes it
        self.files_begun += 1
        self.room = self.kept = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # Django's signature
        """Write what still fits; what fits is known from the first bytes."""
        if start == 0 and self.files_begun <= settings.UPLOAD_MAX_FILES and may_send_files(self.request):
            self.room = most_bytes(raw_data[:HEAD]) + 1
        fits = raw_data[: self.room - self.kept]
        self.file.write(fits)
        self.kept += len(fits)

    def file_complete(self, file_size: int) -> UploadedFile:
        """The file as kept."""
        del file_size
        self.file.seek(0)
        return UploadedFile(
            self.file, self.file_name, self.content_type, self.kept, self.charset, self.content_type_extra
        )

    def upload_interrupted(self) -> None:
        """The client went away in the middle."""
        if hasattr(self, "file"):
            self.file.close()
