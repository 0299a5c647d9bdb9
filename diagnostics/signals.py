"""Reads the kept signal of a recording for a screen: from the level of detail that fits, and only the tiles that are shown."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage

from ml.recordings.tiles import GAP, name_of, unpacked

if TYPE_CHECKING:
    from array import array

    from diagnostics.models import Recording

MOST_COLUMNS = 4000
_TILES_KEPT = 16  # a megabyte or less each


class SignalMissing(Exception):  # named after what happened
    """The storage does not give a tile that it accepted."""


def window(
    recording: Recording, *, from_s: float, seconds: float, columns: int, leads: list[str] | None = None
) -> dict[str, Any]:
    """A stretch of the signal, ready to be drawn.

    Args:
        recording: the recording.
        from_s: where the stretch begins, seconds; moved into the recording.
        seconds: its length.
        columns: width of the screen, pixels.
        leads: names of the leads wanted; all of them if None. Unknown names are left out.

    Returns:
        ``from_s``, ``step_s``, ``kind`` (``samples``, or ``envelope`` with the least and greatest value of each step), and
        ``leads``: microvolt by name, None where samples are missing.

    Raises:
        SignalMissing: the storage does not give it.
    """
    columns = max(1, min(columns, MOST_COLUMNS))
    steps: list[int] = recording.signal["steps"]
    wanted = seconds * recording.fs / columns
    level = max((k for k, step in enumerate(steps) if step <= wanted), default=0)
    step = steps[level]
    total = -(-recording.samples // step)
    first = min(max(0, int(from_s * recording.fs / step)), max(0, total - 1))
    # Level 0 is at most as long as the step to level 1 allows; more is never asked for by a screen.
    last = min(total, first + int(seconds * recording.fs / step) + 2)
    names = [name for name in recording.leads if leads is None or name in leads]
    return {
        "from_s": first * step / recording.fs,
        "step_s": step / recording.fs,
        "kind": "envelope" if level else "samples",
        "leads": {
            name: _values(recording, level, recording.leads.index(name), first, last) for name in names
        },
    }


def _values(recording: Recording, level: int, lead: int, first: int, last: int) -> list[int | None]:
    """Values of one lead from one stretch up to another, two per stretch above level 0."""
    tile, each = recording.signal["tile"], 2 if level else 1
    found: list[int | None] = []
    for number in range(first // tile, -(-last // tile)):
        values = _tile(recording.signal["prefix"], level, number, len(recording.leads))[lead]
        start, stop = max(0, first - number * tile), min(tile, last - number * tile)
        found += [None if v == GAP else v for v in values[start * each : stop * each]]
    return found


@functools.lru_cache(maxsize=_TILES_KEPT)
def _tile(prefix: str, level: int, number: int, leads: int) -> list[array[int]]:
    """One tile. What it shows was asked for by somebody who may see it; the prefix is an id that is never reused."""
    try:
        with default_storage.open(f"{prefix}/{name_of(level, number)}", "rb") as file:
            return unpacked(file.read(), leads=leads)
    except Exception as error:  # each storage back end raises its own
        raise SignalMissing(f"{prefix}, level {level}, tile {number}") from error
