"""Which format a file is in, by its first bytes. Standard library only, so that asking costs the web process nothing."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from ml.recordings.formats.headings import is_table

HEAD = 4096
# The waveform storage classes of DICOM; one for pressure may hold an ECG channel too.
_WAVEFORM_CLASSES = b"1.2.840.10008.5.1.4.1.1.9."
_AECG = re.compile(r"<(?:[A-Za-z_][\w.\-]*:)?AnnotatedECG\b")
_MUSE = re.compile(r"<RestingECG[\s>]", re.IGNORECASE)
_WFDB_RECORD = re.compile(rb"^[\w.\-]{1,64}(?:/\d+)?[ \t]+\d{1,3}(?:[ \t]|$)")
_WFDB_SIGNAL = re.compile(rb"^\S+[ \t]+\d+")


def _is_dicom(head: bytes) -> bool:
    return head[128:132] == b"DICM" and _WAVEFORM_CLASSES in head


def _is_scp(head: bytes) -> bool:
    """The pointer section, which comes first and describes itself first."""
    if len(head) < 32:
        return False
    size, section, length = *struct.unpack_from("<I", head, 2), *struct.unpack_from("<HI", head, 8)
    own, start = *struct.unpack_from("<H", head, 22), *struct.unpack_from("<I", head, 28)
    plain = section == 0 and own == 0 and start == 7
    return plain and length >= 26 and (length - 16) % 10 == 0 and size >= 6 + length


def _is_edf(head: bytes) -> bool:
    """Version 0, and a number of header bytes that fits the number of signals."""
    if head[:8] != b"0       ":
        return False
    try:
        return int(head[184:192]) == 256 * (int(head[252:256]) + 1)
    except ValueError:
        return False


def _xml(head: bytes) -> str:
    """A beginning as text, if it is XML; else nothing."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    text = head.decode(encoding, errors="ignore").lstrip("\ufeff \t\r\n")
    return text if text.startswith("<") else ""


def is_wfdb_header(head: bytes) -> bool:
    """Whether a file is a WFDB header (.hea) without its signals."""
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith(b"#")]
    return len(lines) > 1 and bool(_WFDB_RECORD.match(lines[0])) and bool(_WFDB_SIGNAL.match(lines[1]))


# Formats with a signature of their own come first; a table is recognised by its looks.
_TESTS: dict[str, Callable[[bytes], bool]] = {
    "wfdb": lambda head: head.startswith(b"PK\x03\x04"),
    "dicom": _is_dicom,
    "scp": _is_scp,
    "edf": _is_edf,
    "aecg": lambda head: _AECG.search(_xml(head)) is not None,
    "muse": lambda head: _MUSE.search(_xml(head)) is not None,
    "csv": is_table,
}


def sniff(head: bytes) -> str | None:
    """Which format a file is in; its name is never asked.

    Args:
        head: the first `HEAD` bytes, or all of a smaller file.

    Returns:
        ``wfdb``, ``dicom``, ``scp``, ``edf``, ``aecg``, ``muse`` or ``csv``; None when it is none of them. Any zip archive
        counts as ``wfdb`` and is looked into by `ml.recordings.formats.read`; a DICOM object only counts when it is a waveform.
    """
    return next((name for name, test in _TESTS.items() if test(head[:HEAD])), None)
