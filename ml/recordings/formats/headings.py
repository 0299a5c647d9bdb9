"""The line of lead names at the head of a table, found without reading further. Standard library only."""

from __future__ import annotations

import csv
import re

from ml.recordings.leads import standard_lead

_MOST_COLUMNS = 128
_UNIT_SUFFIX = re.compile(r"^(.*?)\s*(?:[\[(]\s*([^\])]+?)\s*[\])]|[_ ](uV|mV|V|µV))\s*$")
_CELL = re.compile(r"^\s*[\"']?[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?[\"']?\s*$")


def text_of(head: bytes) -> tuple[str, str] | None:
    """A beginning as text with its encoding; None when it is binary."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace"), "utf-16"
    if b"\0" in head:
        return None
    try:
        return head.decode("utf-8-sig"), "utf-8-sig"
    except UnicodeDecodeError as error:
        # The last character may be cut in two; anything earlier means another encoding.
        whole = error.start >= len(head) - 4
        return head.decode("utf-8-sig" if whole else "latin-1", errors="ignore"), (
            "utf-8-sig" if whole else "latin-1"
        )


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]


def _is_heading(cells: list[str]) -> bool:
    """Whether a line names at least one ECG lead."""
    return len(cells) <= _MOST_COLUMNS and any(standard_lead(split_heading(cell)[0]) for cell in cells)


def split_heading(cell: str) -> tuple[str, str | None]:
    """A heading as name and unit: ``II (mV)`` is II in mV."""
    cell = cell.strip().strip("'\"")
    found = _UNIT_SUFFIX.match(cell)
    return (found.group(1), found.group(2) or found.group(3)) if found else (cell, None)


def find_heading(lines: list[str]) -> tuple[int, str, list[str]] | None:
    """The line of lead names among the first ones: its index, delimiter and cells."""
    for index, line in enumerate(lines[:50]):
        bare = line.lstrip("#% ") if index + 1 < len(lines) else line
        for delimiter in (",", ";", "\t", " "):
            cells = _cells(bare, delimiter) if delimiter in bare else []
            if cells and _is_heading(cells):
                return index, delimiter, cells
        if bare.strip() and standard_lead(split_heading(bare)[0]):
            return index, ",", [bare.strip()]
    return None


def is_table(head: bytes) -> bool:
    """Whether a file is text with a line of lead names that is followed by numbers."""
    read_as = text_of(head)
    if read_as is None or head.lstrip()[:1] in (b"<", b"{"):
        return False
    try:
        found = find_heading(read_as[0].splitlines())
    except csv.Error:
        return False
    if found is None:
        return False
    index, delimiter, names = found
    for line in read_as[0].splitlines()[index + 1 : index + 5]:
        cells = _cells(line, delimiter) if line.strip() else []
        if (
            cells
            and abs(len(cells) - len(names)) <= 1
            and any(_CELL.match(cell.replace(",", ".")) for cell in cells)
        ):
            return True
    return False
