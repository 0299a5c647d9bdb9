"""Why a file is not taken as a table of clinical values: stable codes, and sentences that say what to do next."""

from __future__ import annotations

from enum import StrEnum

MOST_BYTES, MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 10_000_000, 20_000, 80, 200


class TableReason(StrEnum):
    """Why a file is not taken as a table; a code never changes its meaning."""

    EMPTY = "empty_table"
    TOO_LARGE = "table_too_large"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    NOT_TEXT = "not_a_text_table"
    NO_ROWS = "no_rows"
    SAME_HEADINGS = "same_headings"
    OLD_WORKBOOK = "old_or_locked_workbook"
    BROKEN_WORKBOOK = "broken_workbook"
    UNPACKED = "workbook_unpacks_too_large"
    NOT_COMPUTED = "formula_without_value"


SENTENCES: dict[TableReason, str] = {
    TableReason.EMPTY: "The file is empty. Export it again and choose that copy.",
    TableReason.TOO_LARGE: "The file is larger than {limit} MB. Split it into smaller ones.",
    TableReason.TOO_MANY_ROWS: "The file has more than {limit} rows. Split it into smaller ones.",
    TableReason.TOO_MANY_COLUMNS: "The file has more than {limit} columns. Leave out those that are not needed.",
    TableReason.NOT_TEXT: "This is neither a table as text nor an Excel workbook. Save it as CSV or as .xlsx and choose that file.",
    TableReason.NO_ROWS: "The file has headings but no rows under them. Check what was exported.",
    TableReason.SAME_HEADINGS: "Two columns are called {name}. Give each its own heading.",
    TableReason.OLD_WORKBOOK: "This workbook is in the format before Excel 2007, or locked with a password. Save it as .xlsx without one.",
    TableReason.BROKEN_WORKBOOK: "This Excel workbook cannot be read. Open it in Excel, save it as .xlsx and choose that file.",
    TableReason.UNPACKED: "The workbook unpacks to more than is read. Keep one sheet with the table alone, or save it as CSV.",
    TableReason.NOT_COMPUTED: "Cell {cell} holds a formula whose value is not in the file. Open it in Excel, save it and choose that file.",
}


class TableRefused(Exception):
    """The file cannot be read as a table; `str()` is the sentence for the person who chose it."""

    def __init__(self, reason: TableReason, **details: object) -> None:
        """With the details that the sentence names."""
        self.reason = reason
        super().__init__(SENTENCES[reason].format(**details))
