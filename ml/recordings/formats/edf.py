"""European Data Format, EDF and EDF+ (Kemp and others 1992; Kemp and Olivan 2003, https://www.edfplus.info/specs)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.recordings.formats.channels import Channel, ecg_channels, rate_of, scaled
from ml.recordings.leads import unique
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import CHUNK, Recording, allocate, check_size, release

NAME = "edf"
_FIXED = 256
_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # widths, bytes, of the fields of each signal
_MOST_SIGNALS = 512
_MOST_PARTS = 2_000_000  # three weeks of one-second data records
_ANNOTATIONS = "EDF Annotations"
_ONSET = re.compile(rb"([+-]\d{1,9}(?:\.\d{1,9})?)\x14")
_CENTURY_PIVOT = 85  # a year of 85 to 99 is in the twentieth century, by the specification


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    started_at: dt.datetime | None
    kind: str
    size: int
    records: int
    record_s: float
    labels: list[str]
    units: list[str]
    physical: list[tuple[float, float]]
    digital: list[tuple[float, float]]
    per_record: list[int]

    def span(self, signal: int) -> slice:
        """Where a signal lies in a data record, in samples of 16 bit."""
        start = sum(self.per_record[:signal])
        return slice(start, start + self.per_record[signal])


def _damaged(detail: str) -> UnusableRecording:
    return UnusableRecording(RecordingReason.DAMAGED, format="EDF", detail=detail)


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _damaged(f"{what} is no number") from None
    if not math.isfinite(value):
        raise _damaged(f"{what} is no number")
    return value


def _start(raw: bytes) -> dt.datetime | None:
    """Date and time of the fixed header: ``dd.mm.yyhh.mm.ss``."""
    try:
        day, month, year = (int(part) for part in raw[:8].split(b"."))
        hour, minute, second = (int(part) for part in raw[8:].split(b"."))
        century = 1900 if year >= _CENTURY_PIVOT else 2000
        return dt.datetime(century + year, month, day, hour, minute, second)  # noqa: DTZ001  # the recorder's clock
    except ValueError:
        return None


def _header(path: Path) -> tuple[_Header, bool]:
    """Read and check the header; with it, whether the file is shorter than announced.

    Raises:
        UnusableRecording: `recording_damaged`.
    """
    with path.open("rb") as file:
        fixed = file.read(_FIXED)
        count = int(fixed[252:256])
        if not 1 <= count <= _MOST_SIGNALS:
            raise _damaged(f"it announces {count} signals")
        variable = file.read(_FIXED * count)
        size = file.seek(0, 2)
    if len(variable) < _FIXED * count:
        raise _damaged("it ends within its header")
    columns, at = [], 0
    for width in _FIELDS:
        text = variable[at : at + width * count].decode("latin-1")
        columns.append([text[i * width : (i + 1) * width].strip() for i in range(count)])
        at += width * count
    labels, _, units, p_low, p_high, d_low, d_high, _, per_record, _ = columns
    samples = [int(_number(text, "the number of samples")) for text in per_record]
    if min(samples) < 0 or sum(samples) == 0:
        raise _damaged("its signals have no samples")
    held = (size - _FIXED * (count + 1)) // (2 * sum(samples))
    announced = int(_number(fixed[236:244].decode("latin-1"), "the number of data records"))
    header = _Header(
        started_at=_start(fixed[168:184]),
        kind=fixed[192:197].decode("latin-1"),
        size=_FIXED * (count + 1),
        records=held if announced < 0 else min(held, announced),
        record_s=_number(fixed[244:252].decode("latin-1"), "the duration of a data record"),
        labels=labels,
        units=units,
        physical=[(_number(a, "a limit"), _number(b, "a limit")) for a, b in zip(p_low, p_high, strict=True)],
        digital=[(_number(a, "a limit"), _number(b, "a limit")) for a, b in zip(d_low, d_high, strict=True)],
        per_record=samples,
    )
    return header, announced > held


def _onsets(records: NDArray[np.int16], header: _Header) -> NDArray[np.float64]:
    """When each data record of a discontinuous file begins, seconds after the first one."""
    try:
        span = header.span(header.labels.index(_ANNOTATIONS))
    except ValueError:
        raise _damaged("it is interrupted, but does not say when its parts begin") from None
    if len(records) > _MOST_PARTS:
        raise _damaged("it is interrupted too often to be an ECG")
    onsets = np.empty(len(records))
    for i in range(len(records)):
        found = _ONSET.match(records[i, span].tobytes())
        if not found:
            raise _damaged(f"data record {i + 1} does not say when it begins")
        onsets[i] = float(found.group(1))
    onsets -= onsets[0]
    if np.any(np.diff(onsets) < 0.999 * header.record_s):
        raise _damaged("its parts overlap in time")
    return onsets


def _fill(
    records: NDArray[np.int16],
    header: _Header,
    channels: list[Channel],
    starts: NDArray[np.int64],
    signals: NDArray[np.float32],
) -> None:
    """Convert data records, a few at a time, to their places in the signals."""
    each = header.per_record[channels[0].position]
    step = max(1, CHUNK // each)
    for first in range(0, len(records), step):
        block = records[first : first + step]
        for row, channel in enumerate(channels):
            (p_low, p_high), (d_low, d_high) = (
                header.physical[channel.position],
                header.digital[channel.position],
            )
            gain = (p_high - p_low) / (d_high - d_low)
            values = scaled(
                block[:, header.span(channel.position)],
                gain * channel.to_mv,
                (p_low - d_low * gain) * channel.to_mv,
            )
            if starts[first] + values.size == starts[first + len(block) - 1] + each:
                signals[row, starts[first] : starts[first] + values.size] = values.ravel()
            else:  # an interruption falls into this block
                for start, part in zip(starts[first:], values, strict=False):
                    signals[row, start : start + each] = part
        release(signals)


def _ecg(header: _Header, *, unit: str | None) -> tuple[list[Channel], list[str]]:
    """The ECG channels of the commonest sampling rate, and what is said about the rest.

    Raises:
        UnusableRecording: when there is none, its unit is unknown, or its scale is senseless.
    """
    real = [i for i, label in enumerate(header.labels) if label != _ANNOTATIONS]
    chosen, notes = ecg_channels(
        [header.labels[i] for i in real], [header.units[i] or None for i in real], unit=unit
    )
    channels = [dataclasses.replace(channel, position=real[channel.position]) for channel in chosen]
    rates = [header.per_record[channel.position] for channel in channels]
    common = max(set(rates), key=lambda rate: (rates.count(rate), rate))
    kept = [channel for channel, rate in zip(channels, rates, strict=True) if rate == common]
    said = list(notes)
    if len(kept) < len(channels):
        other = ", ".join(
            channel.lead for channel, rate in zip(channels, rates, strict=True) if rate != common
        )
        said.append(f"These leads have another sampling rate and were left out: {other}.")
    for channel in kept:
        low, high = header.digital[channel.position]
        if low == high or header.physical[channel.position][0] == header.physical[channel.position][1]:
            raise _damaged(f"the scale of lead {channel.lead} is empty")
    return kept, said


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read the ECG channels of an EDF or EDF+ file, data record by data record.

    Interruptions of a discontinuous file (EDF+D) become missing samples. See `ml.recordings.formats.read` for arguments.

    Raises:
        UnusableRecording: when damaged, too large, or without ECG.
    """
    header, cut_short = _header(path)
    channels, notes = _ecg(header, unit=unit)
    if header.records == 0:
        raise _damaged("it ends before its first data record")
    each = header.per_record[channels[0].position]
    if each == 0:
        raise _damaged("its ECG leads have no samples")
    rate, said = rate_of(each / header.record_s if header.record_s > 0 else None, fs)
    check_size(len(channels), each * header.records)
    records = np.memmap(
        path,
        dtype="<i2",
        mode="r",
        offset=header.size,
        shape=(header.records, sum(header.per_record)),
    )
    if header.kind == "EDF+D":
        starts = np.rint(_onsets(records, header) * rate).astype(np.int64)
        notes.append("The recording is interrupted; the gaps count as missing.")
    else:
        starts = np.arange(header.records, dtype=np.int64) * each
    signals = allocate(len(channels), int(starts[-1]) + each)
    if header.kind == "EDF+D":
        signals[:] = np.nan
        release(signals)
    _fill(records, header, channels, starts, signals)
    if cut_short:
        notes.append("The file ends before the length its header announces; the rest is missing.")
    return Recording(
        leads=unique([channel.lead for channel in channels]),
        signals=signals,
        fs=rate,
        started_at=header.started_at,
        source_format=NAME,
        units=tuple(channel.unit for channel in channels),
        warnings=(*notes, *said),
    )
