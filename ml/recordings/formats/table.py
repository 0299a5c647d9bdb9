"""Comma-separated values: a header line of lead names, then one line for each moment.

The sampling rate comes from a line ``# fs: 250``, from a time column (``time (s)``, ``time_ms``), or from the caller; the unit
from ``# unit: mV``, from the header (``II (mV)``), or from the caller. Neither is ever guessed.
"""

from __future__ import annotations

import csv
import dataclasses
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.recordings.formats.channels import Channel, ecg_channels, rate_of
from ml.recordings.formats.headings import find_heading, split_heading, text_of
from ml.recordings.leads import unique
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import CHUNK, Recording, allocate, check_size, release

NAME = "csv"
_HEAD = 1 << 16
_BLOCK = 1 << 22
_NOTE = re.compile(
    r"^[#%;/\s]*(fs|frequency|sampling[ _]?(?:rate|frequency)|sample[ _]?rate|units?)(?:\s*[\[(](?:hz)[\])])?\s*[:=,]\s*([^\s,;]+)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"^(?:t|time|seconds?|elapsed(?: time)?|timestamp)(?:[\s_]*[\[(]?\s*(s|sec|seconds?|ms|milliseconds?)\s*[\])]?)?$",
    re.IGNORECASE,
)
_COUNTER = re.compile(r"^(?:sample|index|n|#|no\.?|sample[ _]?(?:number|#|index))$", re.IGNORECASE)
_MISSING = ["", "-", "nan", "NaN", "NA", "null", "None"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How a table is written."""

    delimiter: str
    decimal: str
    encoding: str
    skip: int  # lines up to and with the header
    names: list[str]
    units: list[str | None]
    time: tuple[int, float] | None  # column, seconds of one unit
    fs: float | None


def _notes(lines: list[str]) -> dict[str, str]:
    """What comment lines before the data say of rate and unit."""
    found = {}
    for line in lines:
        said = _NOTE.match(line)
        if said:
            found["unit" if said.group(1).casefold().startswith("unit") else "fs"] = said.group(2)
    return found


def _number(text: str | None) -> float | None:
    try:
        return float(re.sub(r"(?i)hz$", "", text or "").replace(",", "."))
    except ValueError:
        return None


def _layout(path: Path) -> _Layout:
    """Understand the first lines.

    Raises:
        UnusableRecording: `recording_format_unknown` when there is no heading, `recording_too_large`.
    """
    with path.open("rb") as file:
        read_as = text_of(file.read(_HEAD))
    lines = read_as[0].splitlines() if read_as else []
    found = find_heading(lines)
    if read_as is None or found is None:
        raise UnusableRecording(RecordingReason.UNKNOWN_FORMAT)
    index, delimiter, cells = found
    notes = _notes(lines[:index])
    time = None
    names, units = [], []
    for column, cell in enumerate(cells):
        moment = _TIME.match(cell.strip())
        if moment and time is None:
            scale = (moment.group(1) or ("s" if "second" in cell.casefold() else "")).casefold()
            time = (column, 1e-3 if scale.startswith("m") else 1.0) if scale else None
        name, unit = split_heading(cell)
        names.append("" if moment or _COUNTER.match(cell.strip()) else name)
        units.append(None if moment else unit or notes.get("unit"))
    data = " ".join(lines[index + 1 : index + 20])
    decimal = "," if delimiter != "," and re.search(r"\d,\d", data) and "." not in data else "."
    return _Layout(
        delimiter=delimiter,
        decimal=decimal,
        encoding=read_as[1],
        skip=index + 1,
        names=names,
        units=units,
        time=time,
        fs=_number(notes.get("fs")),
    )


def _count_lines(path: Path) -> int:
    """Lines of a file: an upper limit of its samples.

    Raises:
        UnusableRecording: `recording_damaged` for a line of megabytes, which would have to be read into memory at once.
    """
    lines = 1
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found = block.count(b"\n") or block.count(b"\r")
            if not found and len(block) == _BLOCK:
                raise UnusableRecording(
                    RecordingReason.DAMAGED,
                    format="CSV",
                    detail="one of its lines is millions of characters long",
                )
            lines += found
    return lines


def _parts(path: Path, layout: _Layout, columns: list[int]) -> Any:
    """The numbers of some columns, a stretch at a time.

    Raises:
        UnusableRecording: `not_numbers`, or `recording_damaged` where lines differ in length.
    """
    try:
        with pd.read_csv(
            path,
            sep=layout.delimiter,
            decimal=layout.decimal,
            encoding=layout.encoding,
            skiprows=layout.skip,
            header=None,
            names=list(range(len(layout.names))),
            usecols=columns,
            dtype=np.float64,
            na_values=_MISSING,
            skipinitialspace=True,
            comment="#",
            chunksize=CHUNK,
            index_col=False,
        ) as reader:
            for part in reader:
                yield part[columns].to_numpy(dtype=np.float64)
    except pd.errors.EmptyDataError:
        return
    except (ValueError, TypeError, OverflowError) as error:
        detail = re.sub(r"\s+", " ", str(error))[:120].replace("{", "(").replace("}", ")")
        raise UnusableRecording(RecordingReason.NOT_NUMBERS, detail=detail) from error
    except (pd.errors.ParserError, UnicodeError) as error:
        raise UnusableRecording(
            RecordingReason.DAMAGED, format="CSV", detail="its lines do not fit together"
        ) from error


def _rate_of_times(times: NDArray[np.float64], scale: float) -> float | None:
    """Sampling rate of a time column, Hz, from its median step; None when the steps are not even."""
    steps = np.diff(times[np.isfinite(times)]) * scale
    if len(steps) < 2 or (step := float(np.median(steps))) <= 0:
        return None
    mean = float(np.mean(steps))  # a rounded column (0.004, 0.008, 0.011) has the right mean
    return 1.0 / mean if abs(mean - step) < 0.25 * step else 1.0 / step


def _fill(
    path: Path, layout: _Layout, channels: list[Channel]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """All samples, millivolt, and the first times of the time column."""
    most = _count_lines(path)
    check_size(len(channels), most)
    signals = allocate(len(channels), most)
    columns = [channel.position for channel in channels]
    clock = [layout.time[0]] if layout.time else []
    times = np.empty(0)
    at = 0
    factors = np.array([channel.to_mv for channel in channels])
    for values in _parts(path, layout, columns + clock):
        count = min(len(values), most - at)
        with np.errstate(
            over="ignore"
        ):  # a number too large for a float becomes infinite, and counts as missing
            part = (values[:count, : len(channels)] * factors).T.astype(np.float32)
        signals[:, at : at + count] = np.where(np.isfinite(part), part, np.nan)
        if clock and not len(times):
            times = values[:, -1].copy()
        at += count
        release(signals)
    return signals[:, :at], times


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read a table of leads; see `ml.recordings.formats.read`.

    Raises:
        UnusableRecording: `unit_unknown`, `rate_unknown`, `not_numbers`, or damaged.
    """
    try:
        layout = _layout(path)
    except csv.Error as error:
        raise UnusableRecording(
            RecordingReason.DAMAGED, format="CSV", detail="its first lines cannot be read"
        ) from error
    channels, notes = ecg_channels(layout.names, layout.units, unit=unit)
    if layout.fs is None and fs is None and layout.time is None:
        raise UnusableRecording(RecordingReason.RATE_UNKNOWN)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # pandas' doubts about the lines' lengths; short lines become missing samples
        signals, times = _fill(path, layout, channels)
    found = (
        layout.fs if layout.fs is not None else _rate_of_times(times, layout.time[1] if layout.time else 1.0)
    )
    rate, said = rate_of(found, fs)
    if signals.shape[1] and bool(np.isnan(signals[:, :CHUNK]).all()):
        raise UnusableRecording(
            RecordingReason.NOT_NUMBERS, detail="no line holds a number below the lead names"
        )
    return Recording(
        leads=unique([channel.lead for channel in channels]),
        signals=signals,
        fs=rate,
        started_at=None,
        source_format=NAME,
        units=tuple(channel.unit for channel in channels),
        warnings=(*notes, *said),
    )
