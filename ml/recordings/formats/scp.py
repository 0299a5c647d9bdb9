"""SCP-ECG (EN 1064, ISO 11073-91064): the binary format of many carts."""

from __future__ import annotations

from pathlib import Path

from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

from ml.recordings.formats.clinical import read_with
from ml.recordings.recording import Recording

NAME = "scp"


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read the rhythm data of section 6; see `ml.recordings.formats.read`.

    Raises:
        UnusableRecording: when damaged, too large, or a compression is not read.
    """
    return read_with(SCPECGParser(), path, name=NAME, label="SCP-ECG", fs=fs, unit=unit)
