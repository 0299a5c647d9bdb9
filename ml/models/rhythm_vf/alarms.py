"""What one segment of four seconds, and what two in a row, are worth as an alarm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.models.rhythm_vf.data import MIXED, Segments
from ml.preprocessing.rhythm_segment import SECONDS
from ml.recordings.quality import runs

IN_A_ROW = (1, 2)


def traces(segments: Segments) -> list[NDArray[np.int64]]:
    """Positions of the consecutive segments of each lead of each recording."""
    keys = np.stack([segments.records, segments.leads.astype(np.str_)])
    _, inverse = np.unique(keys, axis=1, return_inverse=True)
    return [np.flatnonzero(inverse == place) for place in range(inverse.max() + 1)]


def alarms(called: NDArray[np.bool_], segments: Segments, *, in_a_row: int) -> dict[str, Any]:
    """Alarms of so many segments in a row: how many are false, and which episodes they find.

    A false alarm touches neither fibrillation, flutter or tachycardia of the ventricles nor a change of rhythm. An episode is
    found when an alarm touches it; episodes shorter than the alarm needs count as well.

    Args:
        called: which segments were called VF/VT, shape (n,).
        segments: consecutive segments of each lead of each recording.
        in_a_row: how many called segments in a row raise an alarm.
    """
    episodes = found = false = quiet = 0
    for trace in traces(segments):
        shockable, here = segments.classes[trace] == 1, called[trace]
        spared = shockable | (segments.rhythms[trace] == MIXED)
        raised = [(a, b) for a, b in runs(here) if b - a >= in_a_row]
        false += sum(not spared[a:b].any() for a, b in raised)
        alarmed = np.zeros(len(trace), dtype=bool)
        for a, b in raised:
            alarmed[a:b] = True
        real = runs(shockable)
        episodes += len(real)
        found += sum(bool(alarmed[a:b].any()) for a, b in real)
        quiet += int((~spared).sum())
    hours = quiet * SECONDS / 3600.0
    return {
        "segments_in_a_row": in_a_row,
        "hours": round(hours, 2),
        "false_alarms": false,
        "false_alarms_per_hour": round(false / hours, 3) if hours else None,
        "episodes": episodes,
        "episodes_found": found,
    }


def alarm_table(called: NDArray[np.bool_], segments: Segments) -> list[dict[str, Any]]:
    """``alarms`` of one segment and of two in a row."""
    return [alarms(called, segments, in_a_row=number) for number in IN_A_ROW]
