"""ECG waveforms in DICOM: 12-Lead, General, Ambulatory and 32-bit General ECG Waveform Storage (PS3.3 A.34, C.10.9)."""

from __future__ import annotations

import datetime as dt
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.waveforms.numpy_handler import WAVEFORM_DTYPES

from ml.recordings.formats.channels import Channel, ecg_channels, is_disk_trouble, rate_of, scaled
from ml.recordings.leads import unique
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import CHUNK, Recording, allocate, check_size, release

NAME = "dicom"
_MOST_BYTES = 1_000_000_000
_BROKEN = (
    InvalidDicomError, BytesLengthException, AttributeError, IndexError, KeyError, ValueError, TypeError, NotImplementedError, EOFError,
    struct.error, OverflowError, RecursionError, AssertionError,
)  # fmt: skip


def _damaged(detail: str) -> UnusableRecording:
    return UnusableRecording(RecordingReason.DAMAGED, format="DICOM", detail=detail)


def _rhythm(dataset: Dataset) -> Dataset:
    """The multiplex group that lasts longest: the rhythm, where another holds the median beats."""
    groups = list(dataset.WaveformSequence)
    return max(
        groups,
        key=lambda group: float(group.NumberOfWaveformSamples) / float(group.SamplingFrequency or 1.0),
    )


def _text(item: Any, sequence: str, keyword: str) -> str | None:
    """A code of the first item of a sequence; None where it is missing."""
    codes = getattr(item, sequence, None)
    return str(getattr(codes[0], keyword, "")) or None if codes else None


def _name(channel: Dataset) -> str:
    return (
        _text(channel, "ChannelSourceSequence", "CodeMeaning")
        or str(getattr(channel, "ChannelLabel", ""))
        or _text(channel, "ChannelSourceSequence", "CodeValue")
        or ""
    )


def _raw(group: Dataset) -> NDArray[Any]:
    """Samples as stored, shape (samples, channels), without a copy.

    Raises:
        UnusableRecording: when there are fewer than announced, or their type is not read.
    """
    kind = (int(group.WaveformBitsAllocated), str(group.WaveformSampleInterpretation))
    if kind not in WAVEFORM_DTYPES or kind[1] in ("MB", "AB"):
        raise UnusableRecording(
            RecordingReason.UNSUPPORTED, format="DICOM", detail=f"samples of the kind {kind[1]} {kind[0]}"
        )
    samples, channels = int(group.NumberOfWaveformSamples), int(group.NumberOfWaveformChannels)
    check_size(channels, samples)
    values = np.frombuffer(
        group.WaveformData[: len(group.WaveformData) // (kind[0] // 8) * (kind[0] // 8)],
        dtype=WAVEFORM_DTYPES[kind],
    )
    if len(values) < samples * channels or not len(values):
        raise _damaged("it holds fewer samples than it announces")
    return values[: samples * channels].reshape(samples, channels)


def _padding(group: Dataset, dtype: np.dtype[Any]) -> Any:
    """The stored value that stands for a missing sample, if there is one."""
    given = getattr(group, "WaveformPaddingValue", None)
    if isinstance(given, bytes):
        return (
            np.frombuffer(given[: dtype.itemsize], dtype=dtype)[0] if len(given) >= dtype.itemsize else None
        )
    return dtype.type(given) if given is not None else None


def _signals(group: Dataset, channels: list[Channel]) -> NDArray[np.float32]:
    """The chosen channels in millivolt, missing samples as NaN."""
    raw = _raw(group)
    padding = _padding(group, raw.dtype)
    signals = allocate(len(channels), len(raw))
    for row, channel in enumerate(channels):
        item = group.ChannelDefinitionSequence[channel.position]
        gain = float(item.get("ChannelSensitivity", 1.0) or 1.0)
        gain *= float(item.get("ChannelSensitivityCorrectionFactor", 1.0) or 1.0)
        offset = float(item.get("ChannelBaseline", 0.0) or 0.0)
        for start in range(0, len(raw), CHUNK):
            counts = raw[start : start + CHUNK, channel.position]
            part = scaled(counts, gain * channel.to_mv, offset * channel.to_mv)
            if padding is not None:
                part[counts == padding] = np.nan
            signals[row, start : start + len(part)] = part
        release(signals)
    return signals


def _started_at(dataset: Dataset) -> dt.datetime | None:
    """Acquisition time; None where it is missing or unreadable."""
    text = str(getattr(dataset, "AcquisitionDateTime", "") or "").split("+")[0].split("-")[0]
    if not text:
        text = str(getattr(dataset, "ContentDate", "") or "") + str(getattr(dataset, "ContentTime", "") or "")
    for layout, length in (("%Y%m%d%H%M%S.%f", 26), ("%Y%m%d%H%M%S", 14)):
        try:
            return dt.datetime.strptime(text[:length], layout)  # noqa: DTZ007  # the recorder's clock
        except ValueError:
            continue
    return None


def read(path: Path, *, fs: float | None = None, unit: str | None = None) -> Recording:
    """Read the longest multiplex group of a DICOM ECG; see `ml.recordings.formats.read`.

    Raises:
        UnusableRecording: when damaged, too large, or without ECG.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise UnusableRecording(
            RecordingReason.TOO_LARGE, detail=f"DICOM objects of up to {_MOST_BYTES // 10**6} MB are read"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's doubts about values; what is needed is checked here
            dataset = pydicom.dcmread(path)
            if "WaveformSequence" not in dataset or not dataset.WaveformSequence:
                raise UnusableRecording(RecordingReason.NO_ECG_LEAD, found="a DICOM object without waveforms")
            return _recording(dataset, fs=fs, unit=unit)
    except OSError as error:
        if is_disk_trouble(error):
            raise
        raise _damaged("its parts do not fit together") from error
    except _BROKEN as error:
        raise _damaged("its parts do not fit together") from error


def _recording(dataset: Dataset, *, fs: float | None, unit: str | None) -> Recording:
    group = _rhythm(dataset)
    definitions = list(group.ChannelDefinitionSequence)
    channels, notes = ecg_channels(
        [_name(item) for item in definitions],
        [
            _text(item, "ChannelSensitivityUnitsSequence", "CodeValue")
            if item.get("ChannelSensitivity") is not None
            else None
            for item in definitions
        ],
        unit=unit,
    )
    rate, said = rate_of(float(group.SamplingFrequency or 0) or None, fs)
    alerts = str(getattr(dataset, "MedicalAlerts", "") or "").casefold()
    return Recording(
        leads=unique([channel.lead for channel in channels]),
        signals=_signals(group, channels),
        fs=rate,
        started_at=_started_at(dataset),
        source_format=NAME,
        units=tuple(channel.unit for channel in channels),
        warnings=(*notes, *said),
        pacemaker=True if "pacemaker" in alerts and "no pacemaker" not in alerts else None,
    )
