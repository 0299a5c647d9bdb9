"""How well beats are found: sensitivity and positive predictive value on the MIT-BIH Arrhythmia Database.

Counted as the standard ANSI/AAMI EC57 does, with its tolerance of 150 ms and a strict one of 50 ms; stretches that are annotated
as ventricular flutter have no single beats and are left out. Beats in stretches that the analysis calls unanalysable count as
missed in ``sensitivity``, and do not count in ``sensitivity_in_analysable``. A pause is false when an annotated beat lies in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray

from ml.datasets.beats import record_names
from ml.recordings.qrs import Beats, find_beats, searched
from ml.recordings.quality import Quality, assess
from ml.recordings.recording import Recording
from ml.recordings.rhythm import PAUSE_S, UNCLASSIFIED, intervals

RESULTS = Path(__file__).parent / "qrs.json"
TOLERANCES_MS = (50, 150)
_BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")


def matched(truth: NDArray[np.int64], found: NDArray[np.int64], tolerance: float) -> int:
    """How many beats of the truth have a detection of their own within a tolerance, all in samples, both ascending."""
    i = j = hits = 0
    while i < len(truth) and j < len(found):
        if abs(int(truth[i]) - int(found[j])) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return hits


def _without_flutter(at: NDArray[np.int64], marks: wfdb.Annotation) -> NDArray[np.int64]:
    """Positions outside the stretches between ``[`` and ``]``."""
    starts = [sample for sample, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol == "["]
    ends = [sample for sample, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol == "]"]
    keep = np.ones(len(at), dtype=bool)
    for start, end in zip(starts, ends, strict=False):
        keep &= (at < start) | (at > end)
    return at[keep]


def _pauses(beats: NDArray[np.int64], truth: NDArray[np.int64], quality: Quality) -> dict[str, int]:
    """Pauses that would be reported, and how many of them hold an annotated beat, or were not reported as they should be."""
    fs = quality.fs
    found = intervals(beats, fs, np.full(len(beats), UNCLASSIFIED), quality)
    edge = TOLERANCES_MS[-1] / 1000 * fs
    called = np.flatnonzero(found.whole & (found.rr_s > PAUSE_S))
    false = sum(bool(((truth > beats[i] + edge) & (truth < beats[i + 1] - edge)).any()) for i in called)
    real = intervals(truth, fs, np.full(len(truth), UNCLASSIFIED), quality)
    return {
        "annotated": int((real.whole & (real.rr_s > PAUSE_S)).sum()),
        "true": len(called) - false,
        "false": false,
    }


def _compared(beats: Beats, quality: Quality, marks: wfdb.Annotation) -> dict[str, Any]:
    """Found beats and pauses against the annotated ones."""
    every = np.array(
        [at for at, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol in _BEATS],
        dtype=np.int64,
    )
    truth, found = _without_flutter(every, marks), _without_flutter(beats.samples, marks)
    readable = quality.without(beats.doubtful)
    usable = readable.usable
    return {
        "beats": len(truth),
        "beats_in_analysable": int(usable[np.minimum(truth // quality.window, len(usable) - 1)].sum()),
        "analysable": round(float(usable.mean()), 4),
        "found": len(found),
        "hits": {str(ms): matched(truth, found, ms / 1000 * quality.fs) for ms in TOLERANCES_MS},
        "pauses": _pauses(beats.samples, every, readable),
    }


def _record(path: Path) -> dict[str, dict[str, Any]]:
    """Figures of one record, with search-back and without."""
    record = wfdb.rdrecord(str(path))
    marks = wfdb.rdann(str(path), "atr")
    recording = Recording(
        leads=tuple(record.sig_name),
        signals=np.ascontiguousarray(record.p_signal.T, dtype=np.float32),
        fs=float(record.fs),
        started_at=None,
        source_format="wfdb",
        units=tuple(record.units),
    )
    began = time.process_time()
    quality = assess(recording)
    first = find_beats(recording.signals, recording.fs, quality, search_back=False)
    beats = searched(recording.signals, recording.fs, quality, first)
    spent = time.process_time() - began
    timed = {"cpu_s": round(spent, 2), "seconds": recording.seconds}
    return {
        "with": _compared(beats, quality, marks) | timed,
        "without": _compared(first, quality, marks) | timed,
    }


def _totals(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Figures of all records together."""
    beats, found = sum(row["beats"] for row in rows.values()), sum(row["found"] for row in rows.values())
    readable = sum(row["beats_in_analysable"] for row in rows.values())
    hits = {str(ms): sum(row["hits"][str(ms)] for row in rows.values()) for ms in TOLERANCES_MS}
    return {
        "beats": beats,
        "beats_in_analysable": readable,
        "analysable": round(sum(row["analysable"] for row in rows.values()) / len(rows), 4),
        "found": found,
        "tolerance_ms": {
            ms: {
                "sensitivity": round(count / beats, 5),
                "sensitivity_in_analysable": round(min(count / readable, 1.0), 5),
                "positive_predictive_value": round(count / found, 5),
            }
            for ms, count in hits.items()
        },
        "pauses": {
            kind: sum(row["pauses"][kind] for row in rows.values()) for kind in ("annotated", "true", "false")
        },
    }


def measure_detector(folder: Path, *, progress: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure the detector on every record of a folder in the layout of the database.

    Args:
        folder: with ``mitdb/``.
        progress: told a line for each record.

    Returns:
        JSON types; ``without_search_back`` has the figures of the first reading alone.

    Raises:
        FileNotFoundError: when the database is not there.
    """
    rows, first = {}, {}
    for name in record_names(folder / "mitdb"):
        both = _record(folder / "mitdb" / name)
        rows[name], first[name] = both["with"], both["without"]
        progress(f"{name}: {rows[name]['found']} found, {rows[name]['beats']} annotated")
    seconds = sum(row["seconds"] for row in rows.values())
    return {
        "database": "MIT-BIH Arrhythmia Database, all records, stretches of ventricular flutter left out",
        "detector": (
            f"XQRS of wfdb {version('wfdb')}, ten minutes at a time, best lead, refined R peak, search-back in long intervals"
        ),
        **_totals(rows),
        "without_search_back": _totals(first),
        "cpu_s_for_24_h": round(86400 * sum(row["cpu_s"] for row in rows.values()) / seconds, 1),
        "records": rows,
    }


def write(results: dict[str, Any], target: Path = RESULTS) -> None:
    """Keep the figures."""
    target.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
