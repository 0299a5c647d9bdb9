"""A table of clinical values as a laboratory or a study exports it: reading the file, and guessing what its columns are."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from enum import StrEnum

from patients.clinical.catalogue import ENTERED, HEART
from patients.clinical.export import guarded

MOST_BYTES, MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 10_000_000, 20_000, 80, 200
MRN, MEASURED_AT, LEFT_OUT = "mrn", "measured_at", ""
UNIT_IN_HEADER = re.compile(r"^(.*?)\s*[(\[]([^)\]]*)[)\]]\s*$")
# How other systems call what the catalogue knows by another name.
SYNONYMS = {
    "patient": MRN, "patient_id": MRN, "medical_record_number": MRN, "date": MEASURED_AT, "datetime": MEASURED_AT,
    "measured": MEASURED_AT, "anemia": "anaemia", "cpk": "creatinine_phosphokinase", "ck": "creatinine_phosphokinase",
    "creatine_kinase": "creatinine_phosphokinase", "ef": "ejection_fraction", "lvef": "ejection_fraction",
    "hypertension": "high_blood_pressure", "creatinine": "serum_creatinine", "sodium": "serum_sodium", "smoker": "smoking",
    "sbp": "systolic_pressure", "dbp": "diastolic_pressure", "hr": "heart_rate", "pulse": "heart_rate", "spo2": "oxygen_saturation",
    "temp": "temperature", "ntprobnp": "nt_probnp", "nt_pro_bnp": "nt_probnp", "cholesterol": "total_cholesterol",
    "ldl": "ldl_cholesterol", "hdl": "hdl_cholesterol",
}  # fmt: skip


class TableReason(StrEnum):
    """Why a file is not taken as a table; a code never changes its meaning."""

    EMPTY = "empty_table"
    TOO_LARGE = "table_too_large"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    NOT_TEXT = "not_a_text_table"
    NO_ROWS = "no_rows"
    SAME_HEADINGS = "same_headings"


SENTENCES: dict[TableReason, str] = {
    TableReason.EMPTY: "The file is empty. Export it again and choose that copy.",
    TableReason.TOO_LARGE: "The file is larger than {limit} MB. Split it into smaller ones.",
    TableReason.TOO_MANY_ROWS: "The file has more than {limit} rows. Split it into smaller ones.",
    TableReason.TOO_MANY_COLUMNS: "The file has {found} columns; at most {limit} are read. Leave out those that are not needed.",
    TableReason.NOT_TEXT: "This is not a table as text. Save it as CSV (in Excel: Save as, CSV UTF-8) and choose that file.",
    TableReason.NO_ROWS: "The file has headings but no rows under them. Check what was exported.",
    TableReason.SAME_HEADINGS: "Two columns are called {name}. Give each its own heading.",
}


class TableRefused(Exception):
    """The file cannot be read as a table; `str()` is the sentence for the person who chose it."""

    def __init__(self, reason: TableReason, **details: object) -> None:
        """With the details that the sentence names."""
        self.reason = reason
        super().__init__(SENTENCES[reason].format(**details))


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Headings, and the rows under them, each with the number of its line in the file."""

    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(data: bytes) -> Table:
    """A table from CSV with commas, semicolons or tabs; UTF-8, or Windows-1252 as older Excel writes it.

    Raises:
        TableRefused: it is empty, too large, or no text table.
    """
    if not data.strip():
        raise TableRefused(TableReason.EMPTY)
    if len(data) > MOST_BYTES:
        raise TableRefused(TableReason.TOO_LARGE, limit=MOST_BYTES // 1_000_000)
    text = _decoded(data)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        lines = [
            (reader.line_num, tuple(cell.strip()[:LONGEST_CELL] for cell in cells))
            for cells in reader
            if any(cells)
        ]
    except csv.Error as error:
        raise TableRefused(TableReason.NOT_TEXT) from error
    if not lines:
        raise TableRefused(TableReason.EMPTY)
    (_, headings), *rows = lines
    _check_shape(headings, len(rows))
    return Table(headings, tuple(rows))


def _decoded(data: bytes) -> str:
    if b"\x00" in data:  # a workbook, a picture, or UTF-16
        raise TableRefused(TableReason.NOT_TEXT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            raise TableRefused(TableReason.NOT_TEXT) from None


def _check_shape(headings: tuple[str, ...], rows: int) -> None:
    if len(headings) > MOST_COLUMNS:
        raise TableRefused(TableReason.TOO_MANY_COLUMNS, found=len(headings), limit=MOST_COLUMNS)
    named = [name for name in headings if name]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice:
        raise TableRefused(TableReason.SAME_HEADINGS, name=twice[:LONGEST_CELL])
    if not rows:
        raise TableRefused(TableReason.NO_ROWS)
    if rows > MOST_ROWS:
        raise TableRefused(TableReason.TOO_MANY_ROWS, limit=MOST_ROWS)


def target(code: str, unit: str = "") -> str:
    """How a mapping names a quantity in a unit."""
    return f"{code}|{unit}"


def targets() -> list[tuple[str, str]]:
    """What a column may be, with words for people."""
    quantities = [
        (target(of.code, unit), f"{of.name}, {unit}" if unit else of.name)
        for of in ENTERED.values()
        for unit in ([unit.name for unit in of.units] or [""])
    ]
    return [(LEFT_OUT, "leave out"), (MRN, "MRN of the patient"), (MEASURED_AT, "measured at"), *quantities]


def guess(headings: tuple[str, ...]) -> list[str]:
    """What each column probably is, by its heading and the unit in its brackets; each only once."""
    guessed: list[str] = []
    for heading in headings:
        found = UNIT_IN_HEADER.match(heading)
        name, unit = (found[1], found[2]) if found else (heading, "")
        key = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        key = SYNONYMS.get(key, key)
        place = LEFT_OUT
        if key in {MRN, MEASURED_AT}:
            place = key
        elif key in ENTERED:
            known = ENTERED[key].unit_named(unit.strip())
            place = target(key, known.name if known else ENTERED[key].unit)
        taken = {other.partition("|")[0] for other in guessed}
        guessed.append(LEFT_OUT if place.partition("|")[0] in taken else place)
    return guessed


def missing_features(mapping: list[str]) -> list[str]:
    """Names of the heart failure record's quantities that no column gives."""
    given = {place.partition("|")[0] for place in mapping}
    return [of.name for of in HEART if of.code not in given]


def template() -> str:
    """An empty table with every column and one example row, as CSV that Excel knows as UTF-8."""
    columns = [("mrn", "CC-1001"), ("measured_at", "2026-03-02 09:30")]
    for of in ENTERED.values():
        name = f"{of.code} ({of.unit})" if of.unit else of.code
        columns.append((name, of.choices[0][1] if of.choices else of.number((of.usual[0] + of.usual[1]) / 2)))
    stream = io.StringIO()
    csv.writer(stream).writerows(zip(*columns, strict=True))
    return "\ufeff" + stream.getvalue()


def result_csv(headings: list[str], rows: list[tuple[int, list[str], str, str]]) -> str:
    """The table as it came with line, verdict and reasons before each row."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["line", "verdict", "reasons", *(guarded(name) for name in headings)])
    for line, cells, verdict, reasons in rows:
        writer.writerow([line, verdict, guarded(reasons), *(guarded(cell) for cell in cells)])
    return "\ufeff" + stream.getvalue()
