"""Readers of recordings, one module for each file format, and the choice between them by content."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from ml.recordings.formats.sniffing import HEAD, is_wfdb_header, sniff
from ml.recordings.reasons import RecordingReason, UnusableRecording

if TYPE_CHECKING:
    from ml.recordings.recording import Recording

__all__ = ["HEAD", "read", "sniff"]

# Imported when first needed: the readers bring NumPy, pandas and pydicom with them, the choice does not.
_READERS = {"wfdb": "wfdb_zip", "csv": "table"}


def read(path: Path | str, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read a recording of any known format.

    Args:
        path: the file.
        fs: sampling rate in Hz, for a file that does not give it; a rate in the file has precedence.
        unit: ``uV``, ``mV`` or ``V``, for a file that does not give it; a unit in the file has precedence.

    Raises:
        UnusableRecording: with the reason, whatever is wrong with the content.
        OSError: when the file cannot be opened, or the disk is full.
    """
    from ml.recordings.recording import check_rate

    path = Path(path)
    if fs is not None:
        check_rate(fs)
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise UnusableRecording(RecordingReason.EMPTY)
    name = sniff(head)
    if name is None:
        if is_wfdb_header(head):
            raise UnusableRecording(RecordingReason.INCOMPLETE, detail="this is the header alone")
        raise UnusableRecording(RecordingReason.UNKNOWN_FORMAT)
    reader = importlib.import_module(f"ml.recordings.formats.{_READERS.get(name, name)}")
    recording: Recording = reader.read(path, fs=fs, unit=unit)
    if recording.samples == 0:
        raise UnusableRecording(RecordingReason.DAMAGED, format=name.upper(), detail="it holds no samples")
    check_rate(recording.fs)
    return recording
