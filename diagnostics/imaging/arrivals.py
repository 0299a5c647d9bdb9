"""Objects on their way in: each a file of its own on this machine's disk, whatever door it came through."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import logging
import tempfile
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from django.conf import settings

from diagnostics.reasons import Reason, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

log = logging.getLogger(__name__)
AT_ONCE = 1 << 20
# So many objects share the statements that file them.
BATCH = 50
# Nor do more bytes wait together on the disk.
BATCH_BYTES = 100_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """One file as it came, which is moved into the storage when it is accepted."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InstanceVerdict:
    """What became of one file.

    Attributes:
        filename: as the sender called it.
        outcome: ``filed``, ``held``, ``known`` or ``refused``.
        reason_code: why, unless it was filed.
        message: the sentence for people.
        study_id, instance_id: where it is now; None for a refused one.
        sop_uid, sop_class_uid, study_uid: as it says; "" where it cannot be read.
    """

    filename: str
    outcome: str
    message: str
    reason_code: str = ""
    study_id: uuid.UUID | None = None
    instance_id: uuid.UUID | None = None
    sop_uid: str = ""
    sop_class_uid: str = ""
    study_uid: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the object is stored."""
        return self.outcome != "refused"


def refused(name: str, reason_code: str, message: str, **uids: Any) -> InstanceVerdict:
    """The verdict about a file of which nothing is kept; `uids` as in InstanceVerdict, where they are known."""
    return InstanceVerdict(filename=name, outcome="refused", reason_code=reason_code, message=message, **uids)


def too_large(name: str) -> InstanceVerdict:
    """The verdict about a file beyond the limit."""
    message = sentence(Reason.TOO_LARGE, limit_mb=settings.DICOM_MAX_BYTES // 1_000_000)
    return refused(name, Reason.TOO_LARGE.value, message)


def no_room(name: str) -> InstanceVerdict:
    """The verdict about a file for which there is no room where files arrive."""
    return refused(name, Reason.STORAGE.value, sentence(Reason.STORAGE))


class Hall:
    """A folder in which files arrive, gone with the block; nothing of a file is ever in memory as a whole."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="cardiocare-dicom-", dir=settings.FILE_UPLOAD_TEMP_DIR
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def receive(self, name: str, parts: Iterable[bytes]) -> Arrival | InstanceVerdict:
        """Write one file. One beyond the limit, or for which the disk is full, is read to its end, so that the next can follow."""
        path = Path(self._folder.name) / uuid.uuid4().hex
        try:
            return self._received(name, parts, path)
        except BaseException:
            path.unlink(missing_ok=True)  # of one that breaks off nothing stays until the others are there
            raise

    def _received(self, name: str, parts: Iterable[bytes], path: Path) -> Arrival | InstanceVerdict:
        digest, size, full = hashlib.sha256(), 0, False
        with path.open("xb", buffering=0) as file:
            for part in parts:
                size += len(part)
                if size <= settings.DICOM_MAX_BYTES and not full:
                    full = not _written(file, part)
                    digest.update(part)
        if size <= settings.DICOM_MAX_BYTES and not full:
            return Arrival(name, path, size, digest.hexdigest())
        path.unlink()
        return no_room(name) if full else too_large(name)


def _written(file: io.RawIOBase, part: bytes) -> bool:
    """Write all of a part; False, with a line in the log, when the disk does not take it."""
    left = memoryview(part)
    try:
        while left:
            left = left[file.write(left) or 0 :]
    except OSError:
        log.exception("there is no room for arriving files")
        return False
    return True


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """A file in pieces of at most a megabyte."""
    while piece := file.read(AT_ONCE):
        yield piece


def in_batches(
    arrivals: Iterable[Arrival | InstanceVerdict],
    take: Callable[[list[Arrival]], list[InstanceVerdict]],
) -> Iterator[InstanceVerdict]:
    """Hand arrivals on in batches as they come, and answer in their order; what is refused already keeps its place."""
    waiting: list[Any] = []
    size = 0
    for arrival in arrivals:
        waiting.append(arrival)
        size += arrival.size if isinstance(arrival, Arrival) else 0
        if len(waiting) == BATCH or size >= BATCH_BYTES:
            yield from _taken(waiting, take)
            waiting, size = [], 0
    yield from _taken(waiting, take)


def _taken(
    waiting: list[Any], take: Callable[[list[Arrival]], list[InstanceVerdict]]
) -> Iterator[InstanceVerdict]:
    verdicts = iter(take([one for one in waiting if isinstance(one, Arrival)]))
    for one in waiting:
        if isinstance(one, Arrival):
            one.path.unlink(missing_ok=True)  # what a storage elsewhere has copied, or what was refused
            yield next(verdicts)
        else:
            yield one
