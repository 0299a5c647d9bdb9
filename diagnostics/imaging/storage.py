"""Files of studies on their way into the storage and out of it, on this machine's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.files import File

from diagnostics.services.claims import Claim, stored_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from diagnostics.models import DicomInstance


def stored_object(instance: DicomInstance) -> AbstractContextManager[Path]:
    """The object as it came. Raises StoredFileMissing when the storage does not give it."""
    return stored_file(Claim(instance.pk, 1, storage_name=instance.storage_name))


class Movable(File):
    """A file that a storage on the same disk moves instead of copying it."""

    def __init__(self, stream: Any, path: Path) -> None:
        super().__init__(stream)
        self._path = str(path)

    def temporary_file_path(self) -> str:
        """Where it lies; Django's storages look for this."""
        return self._path
