"""GE MUSE XML (``RestingECG``), the export of GE's ECG archive."""

from __future__ import annotations

from pathlib import Path

from ecgdatakit.parsing.parsers.ge_muse_xml import GEMuseXMLParser

from ml.recordings.formats.clinical import read_with
from ml.recordings.recording import Recording

NAME = "muse"


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read the rhythm waveform; see `ml.recordings.formats.read`.

    Raises:
        UnusableRecording: when damaged, too large, or without ECG.
    """
    return read_with(GEMuseXMLParser(), path, name=NAME, label="MUSE XML", fs=fs, unit=unit)
