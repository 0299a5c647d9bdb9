"""Opening zip archives of strangers: the list of an archive is read into memory as a whole, so it is limited before."""

from __future__ import annotations

import zipfile
from typing import IO, Any

# Some 20,000 files with names of 150 letters. Of the shortest names 80,000 fit, whose entries take 50 MB.
MOST_LIST_BYTES = 4_000_000


class ListTooLong(Exception):
    """The archive lists more files than anybody looks through."""


class _InPieces:
    """A file of which not more is read at once than a list may have."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Raises ListTooLong."""
        data = self._file.read(MOST_LIST_BYTES + 1 if size < 0 else min(size, MOST_LIST_BYTES + 1))
        if len(data) > MOST_LIST_BYTES:
            raise ListTooLong
        return data


def opened(file: IO[bytes]) -> zipfile.ZipFile:
    """The archive in a file.

    Raises:
        ListTooLong: it lists too many files.
        zipfile.BadZipFile: it is damaged, and whatever else zipfile raises then.
    """
    pieces: Any = _InPieces(file)
    return zipfile.ZipFile(pieces)
