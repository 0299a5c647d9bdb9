"""HL7 Annotated ECG (aECG) XML, as drug trials hand in to the FDA (HL7 aECG Implementation Guide, 21 March 2005)."""

from __future__ import annotations

import re
from pathlib import Path

from ecgdatakit.parsing.parsers.hl7_aecg import HL7aECGParser

from ml.recordings.formats.clinical import read_with, xml_head
from ml.recordings.recording import Recording

NAME = "aecg"
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.\-]*:)?AnnotatedECG\b")


def matches(head: bytes) -> bool:
    """Whether a file is XML whose root is an annotated ECG."""
    return _ROOT.search(xml_head(head)) is not None


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read the first rhythm series; see `ml.recordings.formats.read`.

    Raises:
        UnusableRecording: when damaged, too large, or without ECG.
    """
    return read_with(HL7aECGParser(), path, name=NAME, label="HL7 aECG", fs=fs, unit=unit)
