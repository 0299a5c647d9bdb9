"""Excel workbooks as tables: what is typed there is read, and no file takes more than its share of time and memory."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from patients.clinical import workbook
from patients.clinical.catalogue import ENTERED
from patients.clinical.table import TableRefused, guess, read_table, template, template_workbook


def saved(*rows, sheets=()):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for name in sheets:
        book.create_sheet(name).append(["other"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def changed(data, name, change):
    """The workbook with one part rewritten."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part == name else old.read(part))
    return stream.getvalue()


def with_more(data, name, content):
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        archive.writestr(name, content)
    return stream.getvalue()


def disguised(data):
    """The workbook with its list of sheets where a sheet would be, which may be longer."""
    old, new = "xl/workbook.xml", "xl/worksheets/book.xml"
    data = changed(data, "[Content_Types].xml", lambda said: said.replace(old.encode(), new.encode()))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book, relations = archive.read(old), archive.read("xl/_rels/workbook.xml.rels")
    return with_more(with_more(data, new, book), "xl/worksheets/_rels/book.xml.rels", relations)


SHEET = "xl/worksheets/sheet1.xml"
SMALL = saved(["mrn", "weight"], ["A-1", 80])


def reason(data):
    with pytest.raises(TableRefused) as caught:
        read_table(data)
    assert str(caught.value)
    return caught.value.reason.value


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (137, "137"),
        (137.0, "137"),
        (1.9, "1.9"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333333"),
        (-2.5, "-2.5"),
        (100_482, "100482"),
        (True, "yes"),
        (False, "no"),
        (dt.datetime(2026, 3, 2, 9, 30), "2026-03-02 09:30:00"),  # noqa: DTZ001  # Excel knows no zones
        (dt.date(2026, 3, 2), "2026-03-02"),
        (" stopped ", "stopped"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_cell_is_read_as_it_would_be_typed(cell, text):
    read = read_table(saved(["mrn", "value"], ["A-1", cell]))
    assert read.rows == ((2, ("A-1", text)),)


def test_the_first_sheet_is_read_with_the_numbers_of_its_rows():
    data = saved(["mrn", "weight"], [None, None], ["A-1"], [], ["A-2", 80, "note"], sheets=("second",))
    read = read_table(data)
    assert read.headings == ("mrn", "weight")
    assert read.rows == ((3, ("A-1", "")), (5, ("A-2", "80", "note")))


def test_of_a_formula_the_stored_value_is_read():
    data = saved(["mrn", "weight"], ["A-1", "=40+40"])
    stored = changed(
        data, SHEET, lambda xml: xml.replace(b"<v></v>", b"<v>80</v>").replace(b"<v />", b"<v>80</v>")
    )
    assert read_table(stored).rows == ((2, ("A-1", "80")),)


def test_a_formula_without_a_stored_value_is_refused_by_its_cell():
    with pytest.raises(TableRefused, match="Cell B2 holds a formula") as caught:
        read_table(saved(["mrn", "weight"], ["A-1", "=40+40"]))
    assert caught.value.reason.value == "formula_without_value"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (workbook.OLD + b"\x00" * 600, "old_or_locked_workbook"),
        (workbook.PACKED + b"\x00\x00", "broken_workbook"),
        (SMALL[: len(SMALL) // 2], "broken_workbook"),
        (changed(SMALL, SHEET, lambda _: b"<worksheet><sheetData><row r='1'><c"), "broken_workbook"),
        (changed(SMALL, "xl/workbook.xml", lambda _: b"no XML"), "broken_workbook"),
        (saved(), "empty_table"),
        (saved(["mrn", "weight"]), "no_rows"),
        (saved([f"c{number}" for number in range(100)], ["A"]), "too_many_columns"),
        (saved(["mrn"], *(["A"] for _ in range(20_001))), "too_many_rows"),
        (with_more(SMALL, "xl/media/bomb.bin", b"\x00" * 81_000_000), "workbook_unpacks_too_large"),
        (with_more(SMALL, "xl/workbook.xml", b" "), "workbook_unpacks_too_large"),  # one part twice
        (
            changed(SMALL, "xl/styles.xml", lambda _: b"<a>" + b"<b/>" * 100_001 + b"</a>"),
            "workbook_unpacks_too_large",
        ),
        (
            changed(SMALL, SHEET, lambda _: b"<a>" + b"<b/>" * 10_000_001 + b"</a>"),
            "workbook_unpacks_too_large",
        ),
        (disguised(SMALL), "broken_workbook"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_a_code(data, expected):
    assert reason(data) == expected


def test_an_archive_that_is_no_workbook_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert reason(stream.getvalue()) == "not_a_text_table"


def test_a_size_that_the_sheet_claims_costs_nothing():
    def claim(xml):
        return xml.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"').replace(b'r="2"', b'r="999999999"')

    assert reason(changed(SMALL, SHEET, claim)) == "too_many_rows"


def test_entities_are_not_expanded_without_end():
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
    )
    sheet = (
        b"<worksheet><sheetData><row><c t='inlineStr'><is><t>&j;</t></is></c></row></sheetData></worksheet>"
    )
    assert reason(changed(SMALL, SHEET, lambda _: bomb + b"]>" + sheet)) == "broken_workbook"


@settings(max_examples=60)
@given(at=st.integers(0, len(SMALL) - 1), byte=st.integers(0, 255))
def test_a_damaged_workbook_is_read_or_refused(at, byte):
    try:
        read = read_table(SMALL[:at] + bytes([byte]) + SMALL[at + 1 :])
    except TableRefused:
        return
    assert read.rows


def test_both_templates_are_the_same_table():
    book, text = read_table(template_workbook()), read_table(template().encode())
    assert book.headings == text.headings
    assert [place for place in guess(book.headings) if not place] == []
    (_, typed), (_, written) = book.rows[0], text.rows[0]
    numbers = [
        (float(a), float(b)) for a, b in zip(typed, written, strict=True) if b.replace(".", "").isdigit()
    ]
    assert len(numbers) == sum(not of.choices for of in ENTERED.values())
    assert all(a == b for a, b in numbers)
