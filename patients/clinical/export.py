"""A patient's clinical values as CSV."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patients.models import ClinicalValue

COLUMNS = (
    "id", "code", "name", "loinc", "value", "unit", "entered_value", "entered_unit", "measured_at", "entered_by", "entered_at",
    "source", "status", "corrects", "reason",
)  # fmt: skip
# What a spreadsheet takes for a formula, which a text of a record must never become.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where the separator is a semicolon or a tab, a spreadsheet begins a cell behind one, quoted or not.
_BEHIND_SEPARATOR = re.compile(rf"([;\t])(?=\s*[{re.escape(''.join(FORMULA))}])")


def guarded(text: str) -> str:
    """The text as cells that no spreadsheet runs: an apostrophe stands before what looks like a formula."""
    text = _BEHIND_SEPARATOR.sub(r"\1'", text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) or text.startswith(("\t", "\r", "\n")) else text


def as_csv(rows: Iterable[ClinicalValue]) -> str:
    """The values, one a line, in the order given; times in UTC by ISO 8601. Begins with the mark by which Excel knows UTF-8."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for row in rows:
        of = row.quantity
        cells = (
            row.pk, row.code, of.name, of.loinc, "" if row.value is None else f"{row.value.normalize():f}", of.unit, row.entered_value,
            row.entered_unit, row.measured_at.isoformat(), row.entered_by.username, row.entered_at.isoformat(), row.source,
            row.status, row.corrects_id or "", row.reason,
        )  # fmt: skip
        writer.writerow([guarded(str(cell)) for cell in cells])
    return "\ufeff" + stream.getvalue()
