"""Readers of recordings, one module for each file format, and the choice between them by content."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ml.recordings.formats import aecg, edf, dicom, muse, scp, table, wfdb_zip  # isort: skip
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import Recording, check_rate

HEAD = 4096
# Formats with a signature of their own come first; a table is the one that is recognised by its looks.
_READERS: tuple[ModuleType, ...] = (wfdb_zip, dicom, scp, edf, aecg, muse, table)


def sniff(head: bytes) -> str | None:
    """Which format a file is in, by its first bytes; its name is never asked.

    Args:
        head: the first `HEAD` bytes, or all of a smaller file.

    Returns:
        ``wfdb``, ``dicom``, ``scp``, ``edf``, ``aecg``, ``muse`` or ``csv``; None when it is none of them. Any zip archive
        counts as ``wfdb`` and is looked into by `read`; a DICOM object only counts when it is an ECG waveform.
    """
    for reader in _READERS:
        if reader.matches(head[:HEAD]):
            return str(reader.NAME)
    return None


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
    path = Path(path)
    if fs is not None:
        check_rate(fs)
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise UnusableRecording(RecordingReason.EMPTY)
    name = sniff(head)
    for reader in _READERS:
        if name == reader.NAME:
            recording: Recording = reader.read(path, fs=fs, unit=unit)
            if recording.samples == 0:
                raise UnusableRecording(
                    RecordingReason.DAMAGED, format=name.upper(), detail="it holds no samples"
                )
            check_rate(recording.fs)
            return recording
    if wfdb_zip.is_header(head):
        raise UnusableRecording(RecordingReason.INCOMPLETE, detail="this is the header alone")
    raise UnusableRecording(RecordingReason.UNKNOWN_FORMAT)
