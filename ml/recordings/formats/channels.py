"""What every reader decides alike: which channels are ECG, and what one count of each is worth in millivolt."""

from __future__ import annotations

import dataclasses
import errno

import numpy as np
from numpy.typing import NDArray

from ml.recordings.leads import millivolts, standard_lead
from ml.recordings.reasons import RecordingReason, UnusableRecording


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One ECG channel of a file.

    Attributes:
        position: index in the file.
        lead: name in the usual spelling.
        unit: as declared, or as the caller said.
        to_mv: millivolt of one unit.
    """

    position: int
    lead: str
    unit: str
    to_mv: float


def ecg_channels(
    names: list[str], units: list[str | None], *, unit: str | None
) -> tuple[list[Channel], tuple[str, ...]]:
    """Choose the ECG channels.

    Args:
        names: of all channels, as the file gives them.
        units: of all channels, None where the file is silent.
        unit: what the caller says, for those.

    Returns:
        The channels, and sentences about those left out. A channel with a voltage as unit counts as ECG even under an
        unknown name, unless others are known by name.

    Raises:
        UnusableRecording: `no_ecg_lead`, or `unit_unknown`.
    """
    leads = [standard_lead(name) for name in names]
    if not any(leads):
        leads = [
            name or f"channel {i + 1}" if millivolts(declared or unit or "") else None
            for i, (name, declared) in enumerate(zip(names, units, strict=True))
        ]
    if not any(leads):
        raise UnusableRecording(
            RecordingReason.NO_ECG_LEAD, found=", ".join(filter(None, names)) or "nothing"
        )
    chosen, silent = [], []
    for position, (lead, declared) in enumerate(zip(leads, units, strict=True)):
        if lead is None:
            continue
        said = declared or unit or ""
        to_mv = millivolts(said)
        if to_mv is None and declared and unit:
            said, to_mv = unit, millivolts(unit)
        if to_mv is None:
            silent.append(lead)
        else:
            chosen.append(Channel(position=position, lead=lead, unit=said, to_mv=to_mv))
    if silent:
        raise UnusableRecording(RecordingReason.UNIT_UNKNOWN, leads=", ".join(silent))
    left = [name or "unnamed" for name, lead in zip(names, leads, strict=True) if lead is None]
    return chosen, (f"These channels are no ECG leads and were left out: {', '.join(left)}.",) if left else ()


def rate_of(found: float | None, entered: float | None) -> tuple[float, tuple[str, ...]]:
    """The sampling rate: the file's own, else the caller's.

    Raises:
        UnusableRecording: `rate_unknown`.
    """
    if found is None or not np.isfinite(found) or found <= 0:
        if entered is None:
            raise UnusableRecording(RecordingReason.RATE_UNKNOWN)
        return entered, ()
    if entered is not None and abs(found - entered) > 0.01 * found:
        return found, (
            f"The file gives a sampling rate of {found:g} Hz; the {entered:g} Hz entered were not used.",
        )
    return found, ()


def scaled(counts: NDArray[np.generic], factor: float, offset: float) -> NDArray[np.float32]:
    """Counts of an analogue-to-digital converter in millivolt."""
    return (counts.astype(np.float64) * factor + offset).astype(np.float32)


def is_disk_trouble(error: OSError) -> bool:
    """Whether an error comes from the machine (full disk, no rights) rather than from a library's parser."""
    return error.errno not in {None, errno.EINVAL}  # a seek to a senseless place is an invalid argument
