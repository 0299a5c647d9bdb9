"""What the cart formats (aECG, SCP-ECG, MUSE) share: read whole by the ecgdatakit library, which stays outside this package.

These hold seconds to minutes of ECG, so a limit on the file's size replaces streaming. The library refuses entity declarations
in XML (defusedxml) and undoes SCP-ECG's Huffman coding and reference beat subtraction.
"""

from __future__ import annotations

import re
import struct
import warnings
from pathlib import Path

import numpy as np
from ecgdatakit.exceptions import ChecksumWarning, ECGDataKitError, UnsupportedFormatError
from ecgdatakit.models import ECGRecord
from ecgdatakit.parsing.parser import Parser

from ml.recordings.formats.channels import ecg_channels, rate_of, scaled
from ml.recordings.leads import unique
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import Recording, allocate

_MOST_BYTES = 64_000_000
_BROKEN = (
    ECGDataKitError, ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, ArithmeticError,
    LookupError, MemoryError, RecursionError, struct.error,
)  # fmt: skip


def _parse(parser: Parser, path: Path, label: str) -> tuple[ECGRecord, list[str]]:
    """Let the library read a file.

    Raises:
        UnusableRecording: whatever the library finds wrong.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise UnusableRecording(
            RecordingReason.TOO_LARGE, detail=f"{label} files of up to {_MOST_BYTES // 10**6} MB are read"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            record = parser.parse(path)
        except UnsupportedFormatError as error:
            raise UnusableRecording(
                RecordingReason.UNSUPPORTED,
                format=label,
                detail="a kind of compression or of long recording that is not read",
                technical=str(error),
            ) from error
        except _BROKEN as error:
            raise UnusableRecording(
                RecordingReason.DAMAGED,
                format=label,
                detail="its parts do not fit together",
                technical=f"{type(error).__name__}: {error}",
            ) from error
    notes = []
    if any(issubclass(warning.category, ChecksumWarning) for warning in caught):
        notes.append(
            "A checksum in the file does not fit its content: the file may have been changed or damaged."
        )
    if any("rhythm" in str(w.message) and "only the first" in str(w.message) for w in caught):
        notes.append("The file holds several rhythm recordings; only the first was read.")
    return record, notes


def _says_pacemaker(record: ECGRecord) -> bool | None:
    """Whether the file says that the patient has a pacemaker."""
    if record.patient.has_pacemaker:
        return True
    said = " ".join(text for text, _ in record.interpretation.statements).casefold()
    return True if re.search(r"\bpacemaker\b", said) and "no pacemaker" not in said else None


def read_with(
    parser: Parser, path: Path, *, name: str, label: str, fs: float | None, unit: str | None
) -> Recording:
    """Read a cart's file.

    Limb leads that were left out because they follow from I and II (Einthoven, Goldberger) are computed.

    Args:
        parser: the library's parser of the format.
        path: the file.
        name: of the format, for the recording.
        label: of the format, for people.
        fs: sampling rate the caller gives, Hz.
        unit: unit the caller gives.

    Raises:
        UnusableRecording: damaged, too large, unsupported, or its unit is unknown.
    """
    record, notes = _parse(parser, path, label)
    channels, left = ecg_channels(
        [lead.label for lead in record.leads],
        [lead.units or lead.resolution_unit or None for lead in record.leads],
        unit=unit,
    )
    rates = {record.leads[channel.position].sampling_rate for channel in channels}
    if len(rates) > 1:
        raise UnusableRecording(
            RecordingReason.UNSUPPORTED, format=label, detail="leads of different sampling rates"
        )
    exact = (record.raw_metadata.get("rhythm_time") or {}).get("sampling_rate_exact")
    rate, said = rate_of(float(exact or rates.pop()), fs)
    length = max(len(record.leads[channel.position].samples) for channel in channels)
    signals = allocate(len(channels), length)
    signals[:] = np.nan
    for row, channel in enumerate(channels):
        lead = record.leads[channel.position]
        gain, offset = (lead.resolution, lead.offset) if lead.is_raw else (1.0, 0.0)
        signals[row, : len(lead.samples)] = scaled(lead.samples, gain * channel.to_mv, offset * channel.to_mv)
    recording = Recording(
        leads=unique([channel.lead for channel in channels]),
        signals=signals,
        fs=rate,
        started_at=record.recording.date,
        source_format=name,
        units=tuple(channel.unit for channel in channels),
        warnings=(*notes, *left, *said),
        pacemaker=_says_pacemaker(record),
    )
    return _with_limb_leads(recording)


def _with_limb_leads(recording: Recording) -> Recording:
    """Add III, aVR, aVL and aVF where a cart stored I, II and chest leads alone."""
    leads = list(recording.leads)
    if not {"I", "II", "V1"} <= set(leads) or {"III", "aVR", "aVL", "aVF"} & set(leads):
        return recording
    one, two = recording.signals[leads.index("I")], recording.signals[leads.index("II")]
    added = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    at = leads.index("II") + 1
    signals = np.concatenate([recording.signals[:at], added, recording.signals[at:]])
    unit = recording.units[leads.index("II")]
    return Recording(
        leads=(*leads[:at], "III", "aVR", "aVL", "aVF", *leads[at:]),
        signals=signals,
        fs=recording.fs,
        started_at=recording.started_at,
        source_format=recording.source_format,
        units=(*recording.units[:at], unit, unit, unit, unit, *recording.units[at:]),
        warnings=(*recording.warnings, "Leads III, aVR, aVL and aVF were computed from I and II."),
        pacemaker=recording.pacemaker,
    )
