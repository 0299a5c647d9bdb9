"""A table of clinical values as a laboratory or a study exports it: reading the file, and guessing what its columns are."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from patients.clinical.catalogue import ENTERED, HEART
from patients.clinical.export import guarded
from patients.clinical.table_reasons import (
    LONGEST_CELL,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_ROWS,
    TableReason,
    TableRefused,
)
from patients.clinical.workbook import OLD, PACKED, read_workbook, write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MOST_BYTES", "Table", "TableReason", "TableRefused", "guess", "read_table", "template"]

MRN, MEASURED_AT, LEFT_OUT = "mrn", "measured_at", ""
UNIT_IN_HEADER = re.compile(r"^(.*?)\s*[(\[]([^)\]]*)[)\]]\s*$")
ALIKE = 0.7  # of two headings, 0 to 1 (difflib): "creatinin" and "serum_creatinine" are 0.72
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


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Headings, and the rows under them, each with the number of its line in the file."""

    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(data: bytes) -> Table:
    """A table from the first sheet of an Excel workbook, or from CSV.

    CSV has commas, semicolons or tabs, and is UTF-8, or Windows-1252 as older Excel writes it.

    Raises:
        TableRefused: it is empty, too large, or no table.
    """
    if not data.strip():
        raise TableRefused(TableReason.EMPTY)
    if len(data) > MOST_BYTES:
        raise TableRefused(TableReason.TOO_LARGE, limit=MOST_BYTES // 1_000_000)
    if data.startswith(OLD):
        raise TableRefused(TableReason.OLD_WORKBOOK)
    lines = read_workbook(data) if data.startswith(PACKED) else _text_lines(data)
    if not lines:
        raise TableRefused(TableReason.EMPTY)
    (_, headings), *rows = lines
    _check_shape(headings, len(rows))
    return Table(headings, tuple(rows))


def _text_lines(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    text = _decoded(data)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        return [
            (reader.line_num, tuple(cell.strip()[:LONGEST_CELL] for cell in cells))
            for cells in reader
            if any(cells)
        ]
    except csv.Error as error:
        raise TableRefused(TableReason.NOT_TEXT) from error


def _decoded(data: bytes) -> str:
    if b"\x00" in data:  # a picture, or UTF-16
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
        raise TableRefused(TableReason.TOO_MANY_COLUMNS, limit=MOST_COLUMNS)
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


def _named(heading: str) -> tuple[str, str]:
    """A heading as it is compared, and the unit in its brackets."""
    found = UNIT_IN_HEADER.match(heading)
    name, unit = (found[1], found[2]) if found else (heading, "")
    key = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return SYNONYMS.get(key, key), unit.strip()


def guess(headings: tuple[str, ...]) -> list[str]:
    """What each column is, by its heading and the unit in its brackets; each only once; not with a foreign unit."""
    guessed: list[str] = []
    for heading in headings:
        key, unit = _named(heading)
        place = LEFT_OUT
        if key in {MRN, MEASURED_AT}:
            place = key
        elif key in ENTERED:
            known = ENTERED[key].unit_named(unit)
            place = target(key, known.name) if known else LEFT_OUT if ENTERED[key].units else target(key)
        taken = {other.partition("|")[0] for other in guessed}
        guessed.append(LEFT_OUT if place.partition("|")[0] in taken else place)
    return guessed


def suggestion(heading: str) -> str:
    """What a column that was left out may be, as a question for the person who names it; empty if nothing is like it."""
    key, unit = _named(heading)
    if known := ENTERED.get(key):
        if unit and known.units and known.unit_named(unit) is None:
            return f"{known.name} is not taken in {unit}. If the heading is wrong, choose the unit that the values have."
        return ""
    names = {_named(of.name)[0]: of.name for of in ENTERED.values()} | {
        of.code: of.name for of in ENTERED.values()
    }
    names |= {
        other: ENTERED[code].name if code in ENTERED else code.replace("_", " ")
        for other, code in SYNONYMS.items()
    }
    alike = difflib.get_close_matches(key, names, n=1, cutoff=ALIKE)
    return f"Perhaps {names[alike[0]]}?" if alike else ""


def missing_features(mapping: list[str]) -> list[str]:
    """Names of the heart failure record's quantities that no column gives."""
    given = {place.partition("|")[0] for place in mapping}
    return [of.name for of in HEART if of.code not in given]


def template() -> str:
    """An empty table with every column and one example row, as CSV that Excel knows as UTF-8."""
    stream = io.StringIO()
    csv.writer(stream).writerows(_example())
    return "\ufeff" + stream.getvalue()


def template_workbook() -> bytes:
    """The same as .xlsx, with a second sheet that says what each column takes."""
    quantities: list[tuple[str, ...]] = [("column", "quantity", "units", "lowest", "highest", "answers")]
    for of in ENTERED.values():
        limits = () if of.choices else tuple(of.number(limit) for limit in of.possible)
        answers = ", ".join(word for _, word in of.choices)
        low, high = limits or ("", "")
        quantities.append((of.code, of.name, ", ".join(unit.name for unit in of.units), low, high, answers))
    headings, example = _example()
    numbers = [
        Decimal(cell) if (known := ENTERED.get(name.partition(" ")[0])) and not known.choices else cell
        for name, cell in zip(headings, example, strict=True)
    ]
    return write_workbook({"Values": [headings, numbers], "Quantities": quantities})


def _example() -> list[tuple[str, ...]]:
    """Every heading, and a row under them."""
    columns = [("mrn", "CC-1001"), ("measured_at", "2026-03-02 09:30")]
    for of in ENTERED.values():
        name = f"{of.code} ({of.unit})" if of.unit else of.code
        columns.append((name, of.choices[0][1] if of.choices else of.number((of.usual[0] + of.usual[1]) / 2)))
    return list(zip(*columns, strict=True))


def result_csv(
    headings: Sequence[str], rows: Iterable[tuple[Sequence[object], Sequence[str]]], *, said: Sequence[str]
) -> str:
    """The table as it came with what is to be said of each row before its cells; `said` are the headings of that."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*said, *map(guarded, headings)])
    for before, cells in rows:
        writer.writerow(
            [*(guarded(one) if isinstance(one, str) else one for one in before), *map(guarded, cells)]
        )
    return "\ufeff" + stream.getvalue()
