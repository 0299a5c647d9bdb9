"""The stored file of an instance, on this machine's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.services.claims import Claim, stored_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from diagnostics.models import DicomInstance


def stored_object(instance: DicomInstance) -> AbstractContextManager[Path]:
    """The object as it came. Raises StoredFileMissing when the storage does not give it."""
    return stored_file(Claim(instance.pk, 1, storage_name=instance.storage_name))
