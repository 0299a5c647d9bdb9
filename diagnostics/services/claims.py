"""The right to run one attempt of a diagnosis, and the file that it is about."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.storage import default_storage

from diagnostics.kinds import is_clinical, is_imaging, is_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of a claim: what an analysis must know about the file.
OF_FILE = ("storage_name", "media_type", "sampling_rate_hz", "unit")


class ClaimLost(Exception):  # named after what happened
    """An attempt was taken back while it ran."""


class StoredFileMissing(Exception):  # named after what happened
    """The storage does not give back a file that it accepted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one attempt of one diagnosis, until its lease ends."""

    diagnosis_id: uuid.UUID
    attempt: int
    storage_name: str = ""
    media_type: str = ""
    sampling_rate_hz: float | None = None
    unit: str = ""
    second_opinions: bool = False

    @property
    def is_picture(self) -> bool:
        """Whether the file is a picture."""
        return is_picture(self.media_type)

    @property
    def is_imaging(self) -> bool:
        """Whether the file is an X-ray."""
        return is_imaging(self.media_type)

    @property
    def is_clinical(self) -> bool:
        """Whether the file holds clinical values; what is none of these is a recording."""
        return is_clinical(self.media_type)


def stored_bytes(claimed: Claim) -> bytes:
    """The uploaded file. Raises StoredFileMissing if the storage does not give it."""
    try:
        with default_storage.open(claimed.storage_name, "rb") as file:
            return file.read()
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # each storage back end raises its own
        raise StoredFileMissing(str(error)) from error


@contextlib.contextmanager
def stored_file(claimed: Claim) -> Iterator[Path]:
    """The uploaded file on this machine's disk, never in memory as a whole. Raises StoredFileMissing as `stored_bytes` does."""
    try:
        path = Path(default_storage.path(claimed.storage_name))
    except NotImplementedError:  # a storage that is not on a disk
        path = None
    if path is not None:
        if not path.is_file():
            raise StoredFileMissing(claimed.storage_name)
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="cardiocare-") as copy:
        try:
            with default_storage.open(claimed.storage_name, "rb") as file:
                shutil.copyfileobj(file, copy)
        except Exception as error:  # each storage back end raises its own
            raise StoredFileMissing(str(error)) from error
        copy.flush()
        yield Path(copy.name)
