"""WFDB records (PhysioNet: https://physionet.org/physiotools/wag/header-5.htm) as a zip archive of header and signal files.

The archive is not trusted: only the header and the signal files that it names are taken out, under plain names, into a
private folder, and no more bytes than the header's sizes explain.
"""

from __future__ import annotations

import dataclasses
import re
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
import wfdb
from numpy.typing import NDArray
from wfdb.io.header import rx_signal

from ml.recordings.formats.channels import Channel, ecg_channels, is_disk_trouble, rate_of
from ml.recordings.leads import unique
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import CHUNK, MOST_LEADS, MOST_VALUES, Recording, allocate, check_size, release

NAME = "wfdb"
_MOST_HEADER = 1 << 20
_MOST_MEMBERS = 2000
_STANDARD_GAIN = 200.0
_RECORD_LINE = re.compile(
    rb"^([\w.\-]{1,64})(/\d+)?[ \t]+(\d{1,3})(?:[ \t]+([0-9.eE+\-]{1,24})(?:/\S*)?(?:\([^)]*\))?(?:[ \t]+(\d{1,15}))?)?"
)
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")
# Bits of a sample in each uncompressed signal format, by the specification of WFDB signal files.
_BITS = {
    "8": 8,
    "16": 16,
    "24": 24,
    "32": 32,
    "61": 16,
    "80": 8,
    "160": 16,
    "212": 12,
    "310": 32 / 3,
    "311": 32 / 3,
}
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, IndexError, KeyError, AttributeError, TypeError,
    NotImplementedError, OverflowError, UnicodeError,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    record: wfdb.Record
    fs: float | None
    files: tuple[str, ...]
    uncalibrated: tuple[bool, ...]


def _damaged(detail: str) -> UnusableRecording:
    return UnusableRecording(RecordingReason.DAMAGED, format="WFDB", detail=detail)


def _unsafe(detail: str) -> UnusableRecording:
    return UnusableRecording(RecordingReason.UNSAFE_ARCHIVE, detail=detail)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by their last name, which must be unambiguous.

    Raises:
        UnusableRecording: `unsafe_archive`.
    """
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > _MOST_MEMBERS:
        raise _unsafe(f"it holds {len(entries)} files")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        parts = PurePosixPath(entry.filename.replace("\\", "/"))
        if "__MACOSX" in parts.parts:
            continue
        if parts.is_absolute() or ".." in parts.parts:
            raise _unsafe("it would write outside its folder")
        if entry.flag_bits & 1:
            raise _unsafe("it is protected by a password")
        if parts.name in found:
            raise _unsafe(f"the file {parts.name} is there twice")
        found[parts.name] = entry
    return found


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, *, most: int) -> None:
    """Write one member, and stop at `most` bytes whatever its entry announces.

    Raises:
        UnusableRecording: `unsafe_archive` when it is longer.
    """
    left = most
    with archive.open(entry) as source, target.open("wb") as sink:
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise _unsafe(f"{target.name} unpacks to more than its header explains")
            sink.write(block)


def _read_header(folder: Path, name: str) -> _Header:
    """Parse the header that lies in the folder.

    Raises:
        UnusableRecording: when it is damaged or of a kind that is not read.
    """
    raw = (folder / f"{name}.hea").read_bytes()
    lines = [line for line in raw.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    line = _RECORD_LINE.match(lines[0]) if lines else None
    if line is None:
        raise _damaged("its header does not begin with a record line")
    if line.group(2):
        raise UnusableRecording(
            RecordingReason.UNSUPPORTED, format="WFDB", detail="a record in several segments"
        )
    if not 1 <= int(line.group(3)) <= MOST_LEADS:
        raise _damaged(f"its header announces {int(line.group(3))} signals")
    named = [text.split()[0].decode("latin-1") for text in lines[1 : 1 + int(line.group(3))]]
    if not all(_PLAIN.fullmatch(file) for file in named):
        raise _unsafe("its header names a file outside the archive")
    record = wfdb.rdheader(str(folder / name))
    if record.file_name != named:
        raise _damaged("its header does not describe every signal")
    lead_lines = [rx_signal.match(text.decode("latin-1").strip()) for text in lines[1 : 1 + record.n_sig]]
    gains = [found.group("adc_gain") if found else "" for found in lead_lines]
    return _Header(
        record=record,
        fs=float(line.group(4)) if line.group(4) else None,
        files=tuple(dict.fromkeys(named)),
        uncalibrated=tuple(not gain or float(gain) == 0 for gain in gains),
    )


def _most_bytes(header: _Header, file: str) -> int:
    """How long a signal file may be: what the header's length and format explain, with room for padding and offsets."""
    record = header.record
    mine = [i for i, name in enumerate(record.file_name) if name == file]
    samples = record.sig_len or MOST_VALUES // max(1, record.n_sig)
    check_size(record.n_sig, samples)
    per_frame = sum((record.samps_per_frame[i] or 1) * _BITS.get(record.fmt[i], 32) for i in mine) / 8
    offset = max(int(record.byte_offset[i] or 0) for i in mine)
    return min(offset + int(per_frame * samples) + (1 << 16), 4 * MOST_VALUES)


def _units(header: _Header) -> list[str | None]:
    """Declared units (mV where the standard says so); None for a signal without calibration."""
    return [
        None if uncalibrated else unit or "mV"
        for unit, uncalibrated in zip(header.record.units, header.uncalibrated, strict=True)
    ]


def _fill(
    folder: Path, name: str, header: _Header, channels: list[Channel], samples: int
) -> NDArray[np.float32]:
    """Read the channels a stretch at a time."""
    signals = allocate(len(channels), samples)
    # The library scales a signal without calibration by 200; what the caller said is the unit of one count.
    factors = [
        channel.to_mv * (_STANDARD_GAIN if header.uncalibrated[channel.position] else 1.0)
        for channel in channels
    ]
    for start in range(0, samples, CHUNK):
        stop = min(samples, start + CHUNK)
        part = wfdb.rdrecord(
            str(folder / name),
            sampfrom=start,
            sampto=stop,
            channels=[channel.position for channel in channels],
            physical=True,
        ).p_signal
        signals[:, start:stop] = (part * factors).T
        release(signals)
    return signals


def _pacemaker(comments: list[str]) -> bool | None:
    """Whether a comment says that the patient has a pacemaker."""
    text = " ".join(comments).casefold()
    if re.search(r"\bno pacemaker\b|\bpacemaker\s*[:=]\s*(?:no|none|false)\b", text):
        return False
    return True if re.search(r"\bpacemaker\b", text) else None


def _from_folder(
    folder: Path, name: str, header: _Header, *, fs: float | None, unit: str | None
) -> Recording:
    """Read an extracted record."""
    record = header.record
    frames = max(record.samps_per_frame[i] or 1 for i in range(record.n_sig))
    if frames > 1:
        raise UnusableRecording(
            RecordingReason.UNSUPPORTED, format="WFDB", detail="leads of different sampling rates"
        )
    channels, notes = ecg_channels([str(n or "") for n in record.sig_name], _units(header), unit=unit)
    rate, said = rate_of(header.fs, fs)
    samples = record.sig_len
    if not samples:
        size = (folder / record.file_name[0]).stat().st_size
        bits = sum(
            _BITS.get(fmt, 16)
            for fmt, file in zip(record.fmt, record.file_name, strict=True)
            if file == record.file_name[0]
        )
        samples = int(size * 8 // bits)
    return Recording(
        leads=unique([channel.lead for channel in channels]),
        signals=_fill(folder, name, header, channels, int(samples)),
        fs=rate,
        started_at=record.base_datetime,
        source_format=NAME,
        units=tuple(channel.unit for channel in channels),
        warnings=(*notes, *said),
        pacemaker=_pacemaker(record.comments or []),
    )


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read a zip archive with one WFDB record; see `ml.recordings.formats.read`.

    Raises:
        UnusableRecording: when the archive or the record is unsafe, incomplete, damaged or of a kind that is not read.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="cardiocare-wfdb-") as made:
            folder = Path(made)
            members = _members(archive)
            headers = [name for name in members if name.endswith(".hea")]
            if not headers:
                raise UnusableRecording(
                    RecordingReason.INCOMPLETE, detail="the archive holds no header (.hea)"
                )
            if len(headers) > 1:
                raise UnusableRecording(RecordingReason.SEVERAL, count=len(headers))
            name = headers[0].removesuffix(".hea")
            if not _PLAIN.fullmatch(name):
                raise _unsafe("the name of its header has odd characters")
            _extract(archive, members[headers[0]], folder / headers[0], most=_MOST_HEADER)
            header = _read_header(folder, name)
            for file in header.files:
                if file not in members:
                    raise UnusableRecording(
                        RecordingReason.INCOMPLETE, detail=f"the signal file {file} is not in the archive"
                    )
                _extract(archive, members[file], folder / file, most=_most_bytes(header, file))
            return _from_folder(folder, name, header, fs=fs, unit=unit)
    except RuntimeError as error:  # zipfile's word for a locked member
        raise _unsafe("it is protected by a password") from error
    except OSError as error:
        if is_disk_trouble(error):
            raise
        raise _damaged("its parts do not fit together") from error
    except _BROKEN as error:
        raise _damaged("its parts do not fit together") from error
