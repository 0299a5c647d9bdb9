"""Twelve-lead ECG waveforms in DICOM (PS3.3 A.34, General and 12-Lead ECG Waveform Storage)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from wfdb.processing import XQRS

_TO_MILLIVOLT = {"uV": 1e-3, "mV": 1.0, "V": 1e3}
_DETECTOR_HZ = 250.0


class NoWaveformError(ValueError):
    """The DICOM object holds no ECG that can be read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EcgWaveform:
    """One multiplex group of an ECG object.

    Attributes:
        signals: shape (samples, leads), millivolt.
        fs: sampling rate, Hz.
        leads: names as DICOM gives them, for example ``Lead II``.
    """

    signals: NDArray[np.float64]
    fs: float
    leads: tuple[str, ...]

    def lead(self, name: str) -> NDArray[np.float64]:
        """One lead, shape (samples,), millivolt, by its short name (``II``, ``V1``).

        Raises:
            NoWaveformError: when there is no such lead.
        """
        for position, full in enumerate(self.leads):
            if full.removeprefix("Lead").split("(")[0].strip().casefold() == name.casefold():
                return self.signals[:, position]
        raise NoWaveformError(f"there is no lead {name}; the recording has {', '.join(self.leads)}")


def read(source: Path | str | BinaryIO, *, group: int = 0) -> EcgWaveform:
    """Read one multiplex group of a DICOM ECG.

    Args:
        source: file, or stream of its bytes.
        group: position in the Waveform Sequence; 0 is usually the rhythm, 1 the median beats.

    Raises:
        NoWaveformError: when it is no DICOM object, holds no waveform, or its unit is not a voltage.
    """
    try:
        dataset = pydicom.dcmread(source)
        item = dataset.WaveformSequence[group]
        signals = np.asarray(dataset.waveform_array(group), dtype=np.float64)
        channels = item.ChannelDefinitionSequence
        units = [str(channel.ChannelSensitivityUnitsSequence[0].CodeValue) for channel in channels]
        names = tuple(str(channel.ChannelSourceSequence[0].CodeMeaning) for channel in channels)
        fs = float(item.SamplingFrequency)
    except (InvalidDicomError, AttributeError, IndexError, ValueError, OSError) as error:
        raise NoWaveformError(f"no readable ECG waveform: {error}") from error
    if not set(units) <= set(_TO_MILLIVOLT):
        raise NoWaveformError(f"the unit of a lead is no voltage: {', '.join(sorted(set(units)))}")
    factors = np.array([_TO_MILLIVOLT[unit] for unit in units])
    return EcgWaveform(signals=np.nan_to_num(signals) * factors, fs=fs, leads=names)


def find_beats(waveform: EcgWaveform, *, lead: str = "II") -> NDArray[np.int64]:
    """R peaks of one lead, by the XQRS detector of the wfdb library.

    Args:
        waveform: the recording.
        lead: short name of the lead.

    Returns:
        Positions, samples, shape (beats,).

    Raises:
        NoWaveformError: when there is no such lead.
    """
    signal = waveform.lead(lead)
    step = 1.0 / _DETECTOR_HZ  # the detector learns its thresholds best at the rate it was made for
    at = np.arange(0.0, len(signal) / waveform.fs, step)
    detector = XQRS(sig=np.interp(at * waveform.fs, np.arange(len(signal)), signal), fs=_DETECTOR_HZ)
    detector.detect(verbose=False)
    reach = round(0.06 * waveform.fs)
    calm = float(np.median(signal))
    peaks = []
    for found in detector.qrs_inds:
        near = round(float(found) * step * waveform.fs)
        left = max(0, near - reach)
        peaks.append(left + int(np.abs(signal[left : near + reach + 1] - calm).argmax()))
    return np.array(peaks, dtype=np.int64)
