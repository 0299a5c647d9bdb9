"""Why a recording cannot be used: stable codes with a sentence each (what happened, why, what to do next)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class RecordingReason(StrEnum):
    """Stable reason codes; a code never changes its meaning."""

    EMPTY = "empty_file"
    UNKNOWN_FORMAT = "recording_format_unknown"
    UNSUPPORTED = "recording_unsupported"
    DAMAGED = "recording_damaged"
    TOO_LARGE = "recording_too_large"
    INCOMPLETE = "recording_incomplete"
    SEVERAL = "several_recordings"
    UNSAFE_ARCHIVE = "unsafe_archive"
    UNIT_UNKNOWN = "unit_unknown"
    RATE_UNKNOWN = "rate_unknown"
    UNIT_DOUBTFUL = "unit_doubtful"
    RATE_DOUBTFUL = "rate_doubtful"
    NO_ECG_LEAD = "no_ecg_lead"
    NOT_NUMBERS = "not_numbers"
    TOO_SHORT = "recording_too_short"
    NOT_ANALYSABLE = "recording_not_analysable"
    NO_BEATS = "no_beats_found"


SENTENCES: dict[RecordingReason, str] = {
    RecordingReason.EMPTY: "The file is empty. Export the recording again and upload that copy.",
    RecordingReason.UNKNOWN_FORMAT: "This is not a recording in a format that is read here. Export it as WFDB (zipped), EDF, "
    "DICOM, HL7 aECG, SCP-ECG, MUSE XML or CSV.",
    RecordingReason.UNSUPPORTED: "The recording uses a part of the {format} format that is not read here: {detail}. "
    "Export it in another format, for example EDF.",
    RecordingReason.DAMAGED: "The {format} file is damaged or breaks off: {detail}. Export it again from the recorder.",
    RecordingReason.TOO_LARGE: "The recording is larger than can be analysed: {detail}. Export a shorter stretch.",
    RecordingReason.INCOMPLETE: "A part of the recording is missing: {detail}. Put the header (.hea) and its signal files (.dat) "
    "together into one zip archive and upload that.",
    RecordingReason.SEVERAL: "The archive holds {count} recordings, and which one is meant is unclear. Upload one recording per archive.",
    RecordingReason.UNSAFE_ARCHIVE: "The archive was not opened, because it looks tampered with or is locked: {detail}. "
    "Make a new, plain zip archive of the recording's files.",
    RecordingReason.UNIT_UNKNOWN: "The file does not say in which unit the voltages of {leads} are, and guessing could make every "
    "amplitude wrong. Enter the unit (uV, mV or V) and upload again.",
    RecordingReason.RATE_UNKNOWN: "The file does not say how many samples were taken per second, and guessing would make every rate "
    "and interval wrong. Enter the sampling rate in Hz and upload again.",
    RecordingReason.UNIT_DOUBTFUL: "The voltages do not fit a heart: the typical beat is {amplitude_mv:.3g} mV high, where 0.05 to 10 mV "
    "is possible on the skin. The unit is probably wrong; check it and upload again.",
    RecordingReason.RATE_DOUBTFUL: "The times do not fit a heart: {detail}. The sampling rate of {fs:g} Hz is probably wrong; "
    "check it and upload again.",
    RecordingReason.NO_ECG_LEAD: "The file holds no ECG lead, only {found}. Choose the file with the ECG channels.",
    RecordingReason.NOT_NUMBERS: "The table holds text where a voltage is expected: {detail}. Leave only the header line of lead names "
    "and numbers in the file.",
    RecordingReason.TOO_SHORT: "The recording is {seconds:.1f} s long, and {needed:g} s are needed to find beats. Upload a longer stretch.",
    RecordingReason.NOT_ANALYSABLE: "No lead shows an ECG that can be read: {detail}. Check electrodes and cables, and record again.",
    RecordingReason.NO_BEATS: "Fewer than two heartbeats were found in {seconds:.0f} s of signal. If the patient was well, the leads were "
    "probably off; look at the trace itself.",
}


class UnusableRecording(Exception):
    """A recording cannot be read or analysed.

    Attributes:
        reason_code: stable code, one of `RecordingReason`.
        message: sentence for the clinician.
        values: what was filled into the sentence.
    """

    def __init__(self, reason: RecordingReason, **values: Any) -> None:
        self.reason_code = reason.value
        self.message = SENTENCES[reason].format(**values)
        self.values: dict[str, Any] = values
        super().__init__(self.message)
