"""HL7 Annotated ECG (aECG) XML, as drug trials hand in to the FDA (HL7 aECG Implementation Guide, 21 March 2005)."""

from __future__ import annotations

from pathlib import Path

from ecgdatakit.parsing.parsers.hl7_aecg import HL7aECGParser

from ml.recordings.formats.clinical import read_with
from ml.recordings.recording import Recording

NAME = "aecg"


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read the first rhythm series; see `ml.recordings.formats.read`.

    Raises:
        UnusableRecording: when damaged, too large, or without ECG.
    """
    return read_with(HL7aECGParser(), path, name=NAME, label="HL7 aECG", fs=fs, unit=unit)
