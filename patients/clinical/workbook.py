"""Excel workbooks (.xlsx) as tables: the cells of the first sheet as text, within limits of size, and the template to fill in.

Office Open XML (ECMA-376) through openpyxl. Macros are never run; of a formula the value is taken that Excel stored beside it.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import re
import zipfile
import zlib
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from patients.clinical.table_reasons import (
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    TableReason,
    TableRefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Line = tuple[int, tuple[str, ...]]

PACKED = b"PK\x03\x04"  # how a .xlsx begins, which is a zip archive
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how .xls begins, and a .xlsx under a password
# 20,000 rows of 80 columns are some 60 MB of XML; the texts of all cells are held in memory at once.
LAST_ROW = 5 * MOST_ROWS  # with the empty ones between
MOST_UNPACKED, MOST_TEXTS, MOST_PARTS = 80_000_000, 20_000_000, 300
# Time and memory go with the tags: only sheets are read in pieces, and 5 MB of styles without content took 80 s and 650 MB.
MOST_SHEET_TAGS, MOST_OTHER_TAGS = 10_000_000, 100_000
CONTENT_TYPES = "[Content_Types].xml"
_IN_PIECES = re.compile(r"xl/(worksheets/[^/]+|sharedStrings)\.xml")


def read_workbook(data: bytes) -> list[Line]:
    """The rows of the first sheet that hold anything, each with its number and its cells as text.

    Raises:
        TableRefused: it is broken, too large, or a formula's value is missing.
    """
    has_formulas = _inspect(data)
    try:
        lines = list(_lines(_cells(data, values=True)))
        if has_formulas:
            _refuse_missing_values(data)
    except TableRefused:
        raise
    except Exception as error:  # whatever damage leads openpyxl to: KeyError, SyntaxError, zlib.error
        raise TableRefused(TableReason.BROKEN_WORKBOOK) from error
    return lines


def _inspect(data: bytes) -> bool:
    """Refuse what would unpack to too much, before anything of it is unpacked; whether a sheet may hold a formula."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            sizes = {
                part.filename: part.file_size for part in parts
            }  # zipfile never unpacks more than it says
            if (
                len(parts) > MOST_PARTS
                or len(sizes) < len(parts)
                or sum(sizes.values()) > MOST_UNPACKED
                or sizes.get("xl/sharedStrings.xml", 0) > MOST_TEXTS
            ):
                raise TableRefused(TableReason.UNPACKED)
            if CONTENT_TYPES not in sizes:
                raise TableRefused(TableReason.NOT_TEXT)
            _count_tags(archive, list(sizes))
            return any(b"<f" in archive.read(name) for name in sizes if name.startswith("xl/worksheets/"))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise TableRefused(TableReason.BROKEN_WORKBOOK) from error


def _count_tags(archive: zipfile.ZipFile, names: Sequence[str]) -> None:
    """Refuse what would take too long, and a list of sheets in the place of a sheet, which may be longer. Raises TableRefused."""
    in_pieces = {name for name in names if _IN_PIECES.fullmatch(name)}
    tags = {name: archive.read(name).count(b"<") for name in names}
    sheets = sum(tags[name] for name in in_pieces)
    if sheets > MOST_SHEET_TAGS or sum(tags.values()) - sheets > MOST_OTHER_TAGS:
        raise TableRefused(TableReason.UNPACKED)
    if any(part.strip("/") in in_pieces for part in _books(archive.read(CONTENT_TYPES))):
        raise TableRefused(TableReason.BROKEN_WORKBOOK)


def _books(content_types: bytes) -> list[str]:
    """The parts that are said to be the workbook itself (ECMA-376 part 2, 10.1.2)."""
    from openpyxl.packaging.manifest import Manifest
    from openpyxl.xml.functions import fromstring

    try:
        said = Manifest.from_tree(fromstring(content_types)).Override
    except Exception as error:  # whatever is wrong with it: SyntaxError, TypeError
        raise TableRefused(TableReason.BROKEN_WORKBOOK) from error
    return [str(one.PartName) for one in said if str(one.ContentType).endswith("main+xml")]


def _cells(data: bytes, *, values: bool) -> Iterator[tuple[Any, ...]]:
    """The cells of each row of the first sheet: values, or formulas where there are some."""
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of drawings, validations and styles that are not read anyway
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=values, keep_links=False)
        with closing(book):
            if not book.worksheets:
                raise TableRefused(TableReason.EMPTY)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its size is not to be trusted
            # Rows that the file leaves out come as empty ones.
            rows = sheet.iter_rows(max_row=LAST_ROW + 1, max_col=MOST_COLUMNS + 1, values_only=True)
            for number, row in enumerate(rows, start=1):
                if number > LAST_ROW:
                    raise TableRefused(TableReason.TOO_MANY_ROWS, limit=MOST_ROWS)
                yield row


def _lines(rows: Iterator[tuple[Any, ...]]) -> Iterator[Line]:
    """Rows that hold anything, as wide as the headings or as their own last cell."""
    width, found = 0, 0
    for number, row in enumerate(rows, start=1):
        last = len(row)
        while last and row[last - 1] is None:
            last -= 1
        cells = [_text(cell) for cell in row[:last]]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        found += 1
        if found > MOST_ROWS + 1:
            raise TableRefused(TableReason.TOO_MANY_ROWS, limit=MOST_ROWS)
        width = width or len(cells)
        yield number, (*cells, *itertools.repeat("", width - len(cells)))


def _text(cell: Any) -> str:
    """A cell as somebody would type it: no more digits than Excel computes with, dates by ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time(0)
        return cell.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")
    if isinstance(cell, float):
        text = f"{Decimal(f'{cell:.15g}'):.9f}" if abs(cell) < 1e15 else f"{cell}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(cell).strip()[:LONGEST_CELL]


def _refuse_missing_values(data: bytes) -> None:
    """Other programs than Excel may store a formula without its value, which would be taken for an empty cell."""
    from openpyxl.utils import get_column_letter

    pairs = zip(_cells(data, values=False), _cells(data, values=True), strict=True)
    for number, (formulas, values) in enumerate(pairs, start=1):
        for column, (formula, value) in enumerate(zip(formulas, values, strict=True), start=1):
            if value is None and formula is not None:
                cell = f"{get_column_letter(column)}{number}"
                raise TableRefused(TableReason.NOT_COMPUTED, cell=cell)


def write_workbook(sheets: dict[str, Sequence[Sequence[str | Decimal]]]) -> bytes:
    """A workbook of tables by the names of their sheets; the first row of each is its headings."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        sheet.freeze_panes = "A2"
        for column, heading in enumerate(sheet[1], start=1):
            heading.font = Font(bold=True)
            sheet.column_dimensions[get_column_letter(column)].width = len(str(heading.value)) + 3
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
