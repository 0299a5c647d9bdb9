"""What a dashboard shows as CSV: for spreadsheets, with nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from patients.clinical.export import guarded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def as_csv(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with headings, in UTF-8 with the mark by which Excel knows it; texts are guarded, numbers are numbers."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(headings)
    writer.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return "\ufeff" + stream.getvalue()
