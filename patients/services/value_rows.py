"""The rows of an imported table: what each would record, and why it is not taken as it is."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_datetime

from patients.clinical.catalogue import CATALOGUE
from patients.clinical.reasons import ValueReason, ValueRefused, ValuesRefused
from patients.clinical.table import MEASURED_AT, MRN
from patients.models import Patient, ValueImport, ValueImportRow
from patients.selectors import read_date
from patients.services.clinical_values import Entry, Record, check_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.actor import Actor

Verdict = ValueImportRow.Verdict
NO_MRN = "The row has no MRN. Fill it in."
NO_PATIENT = "No patient of yours has this MRN. Check it, register the patient, or ask to join the care team."
NO_TIME = "This is not a date or time. Write it as 2026-03-02 or 2026-03-02 09:30."


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """Why a row is not taken as it is: the heading that it is about, a stable code, a sentence."""

    heading: str
    code: str
    sentence: str


def read_rows(
    actor: Actor, found: ValueImport, rows: Sequence[ValueImportRow]
) -> list[tuple[Record | None, list[Reason]]]:
    """What each row would record, or why it can record nothing, whatever its values are."""
    columns = {place.partition("|")[0]: index for index, place in enumerate(found.mapping) if place}
    known = {
        patient.mrn: patient
        for patient in Patient.objects.visible_to(actor).filter(
            mrn__in={cell(row, columns[MRN]) for row in rows}
        )
    }
    return [_read_row(found, row, columns, known) for row in rows]


def judge_rows(
    actor: Actor, found: ValueImport, rows: Sequence[ValueImportRow]
) -> list[tuple[Record | None, list[Reason]]]:
    """What each row would record, with everything that is to be said of it and of its values."""
    read = read_rows(actor, found, rows)
    records = [record for record, _ in read if record is not None]
    checked = iter(check_many(actor, records))
    for record, reasons in read:
        if record is None:
            continue
        outcome = next(checked)
        if isinstance(outcome, ValuesRefused):
            reasons.extend(reasons_of(found, outcome.refusals))
        else:
            unusual = [
                entry for entry in record.entries if not CATALOGUE[entry.code].is_usual(outcome[entry.code])
            ]
            reasons.extend(reasons_of(found, _asked(unusual)))
    return read


def _read_row(
    found: ValueImport, row: ValueImportRow, columns: dict[str, int], known: dict[str, Patient]
) -> tuple[Record | None, list[Reason]]:
    reasons = _wrong_width(found.headings, row.cells)
    patient = known.get(mrn := cell(row, columns[MRN]))
    if patient is None:
        heading = found.headings[columns[MRN]]
        reasons.append(
            Reason(heading, "no_mrn" if not mrn else "patient_not_found", NO_PATIENT if mrn else NO_MRN)
        )
    measured_at = found.measured_at
    if MEASURED_AT in columns and (typed := cell(row, columns[MEASURED_AT])):
        measured_at = read_time(typed)
    if measured_at is None:
        heading = found.headings[columns[MEASURED_AT]] if MEASURED_AT in columns else ""
        reasons.append(Reason(heading, "not_a_time", NO_TIME))
    if patient is None or measured_at is None or reasons:
        return None, reasons
    entries = []
    for index, place in enumerate(found.mapping):
        code, _, unit = place.partition("|")
        if code in CATALOGUE and (text := cell(row, index)):
            entries.append(Entry(code, text, unit, confirmed=True))
    return Record(patient, measured_at, tuple(entries)), reasons


def _wrong_width(headings: list[str], cells: list[str]) -> list[Reason]:
    """A row with fewer or more cells than there are headings; the headings that nothing stands under are named."""
    if len(cells) < len(headings):
        bare = ", ".join(headings[len(cells) :])
        sentence = f"Expected {len(headings)} cells, got {len(cells)}: nothing stands under {bare}."
        return [Reason("", "cells_missing", f"{sentence} Fill it in, or leave the cell empty but there.")]
    if len(cells) > len(headings):
        sentence = f"Expected {len(headings)} cells, got {len(cells)}. Is there a comma inside a value?"
        return [Reason("", "too_many_cells", f"{sentence} Put such a value into quotation marks.")]
    return []


def read_time(text: str) -> dt.datetime | None:
    """A time by ISO 8601, or a date in one of the usual ways with or without hours and minutes; UTC if it names no zone."""
    try:
        read = parse_datetime(text)
    except ValueError:
        return None
    if read is None:
        day, _, clock = text.partition(" ")
        date = read_date(day)
        if date is None:
            return None
        try:
            read = dt.datetime.combine(date, dt.time.fromisoformat(clock or "00:00"))
        except ValueError:
            return None
    return read if read.tzinfo else read.replace(tzinfo=dt.UTC)


def _asked(unusual: Iterable[Entry]) -> list[ValueRefused]:
    """What would be asked about each unusual value if a person typed it."""
    asked = []
    for entry in unusual:
        try:
            dataclasses.replace(entry, confirmed=False).read()
        except ValueRefused as refusal:
            asked.append(refusal)
    return asked


def reasons_of(found: ValueImport, refusals: Iterable[ValueRefused]) -> list[Reason]:
    """What is wrong with values, each under the heading of its column."""
    headings = {
        place.partition("|")[0]: heading for place, heading in zip(found.mapping, found.headings, strict=True)
    }
    return [Reason(headings.get(one.code, ""), one.reason.value, str(one)) for one in refusals]


def verdict_of(reasons: Iterable[Reason]) -> Verdict:
    """Ready without reasons; unusual where nothing else is to be said; else refused."""
    codes = {reason.code for reason in reasons}
    if not codes:
        return Verdict.READY
    return Verdict.UNUSUAL if codes == {ValueReason.UNUSUAL.value} else Verdict.REFUSED


def as_json(reasons: Iterable[Reason]) -> list[tuple[str, ...]]:
    """Reasons as they are kept with a row."""
    return [dataclasses.astuple(reason) for reason in reasons]


def cell(row: ValueImportRow, index: int) -> str:
    """What stands in a column; empty where the row is too short."""
    cells: list[Any] = row.cells
    return str(cells[index]) if index < len(cells) else ""


def mrn_column(found: ValueImport) -> int:
    """Which column holds the MRN."""
    return [place.partition("|")[0] for place in found.mapping].index(MRN)
