"""Importing a table of clinical values: taking the file in, checking every row, recording the good ones step by step.

Workers record, one step of an import at a time, and whoever presses the button again records a step too.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from celery import current_app
from django.db import connection, transaction
from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform
from django.utils.dateparse import parse_datetime

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, can, require
from patients.clinical.catalogue import CATALOGUE
from patients.clinical.reasons import ValueReason, ValueRefused, ValuesRefused
from patients.clinical.table import LEFT_OUT, MEASURED_AT, MRN, guess, read_table
from patients.models import ClinicalValue, Patient, ValueImport, ValueImportRow
from patients.selectors import read_date
from patients.services.clinical_values import Entry, Record, check_many, record_many

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence

    from accounts.actor import Actor

log = logging.getLogger(__name__)
RUN_IMPORTS = "worker.run_imports"
# Rows that one step records: about a second, so that the page shows how far it is and other work comes in between.
ROWS_PER_STEP = 500
Verdict = ValueImportRow.Verdict
NO_MRN = "The row has no MRN. Fill it in."
NO_PATIENT = "No patient of yours has this MRN. Check it, register the patient, or ask to join the care team."
ASSESSED = """UPDATE patients_valueimportrow r SET assessment = given.id
    FROM unnest(%s::text[], %s::uuid[]) AS given(mrn, id)
    WHERE r.table_id = %s AND r.verdict = 'recorded' AND r.cells ->> %s = given.mrn"""
NO_TIME = "This is not a date or time. Write it as 2026-03-02 or 2026-03-02 09:30."


class MappingRefused(Exception):
    """The columns cannot be what they were said to be; `str()` says why and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """Why a row is not taken as it is: the heading that it is about, a stable code, a sentence."""

    heading: str
    code: str
    sentence: str


@transaction.atomic
def begin_import(actor: Actor, *, filename: str, data: bytes) -> ValueImport:
    """Keep the rows of a file, and guess what its columns are. Nothing is recorded yet.

    Raises:
        PermissionDenied: the actor may not import.
        patients.clinical.table.TableRefused: the file is no table.
    """
    require(actor, Permission.IMPORT_VALUES)
    table = read_table(data)
    printable = "".join(letter for letter in filename if letter.isprintable())
    row = ValueImport.objects.create(
        created_by_id=person_id(actor),
        filename=printable[:255] or "table.csv",
        headings=list(table.headings),
        mapping=guess(table.headings),
    )
    ValueImportRow.objects.bulk_create(
        (ValueImportRow(table=row, line=line, cells=list(cells)) for line, cells in table.rows),
        batch_size=2000,
    )
    audit.record(audit.Action.CREATE, obj=row, detail={"rows": len(table.rows)})
    return row


@transaction.atomic
def check_import(
    actor: Actor, *, import_id: uuid.UUID, mapping: Sequence[str], measured_at: dt.datetime | None
) -> ValueImport:
    """Say of every row whether it would be recorded, with these columns; `measured_at` is for a table without times.

    Raises:
        PermissionDenied: the actor may not import.
        ValueImport.DoesNotExist: it is not the actor's.
        MappingRefused: the columns are wrong as a whole, or it is being recorded already.
    """
    found = _own(actor, import_id)
    if found.state not in {ValueImport.State.UPLOADED, ValueImport.State.CHECKED}:
        raise MappingRefused("The rows are being recorded already, so the columns can no longer be changed.")
    _check_mapping(mapping, measured_at)
    found.mapping, found.measured_at = list(mapping), measured_at
    found.state = ValueImport.State.CHECKED
    found.save(update_fields=["mapping", "measured_at", "state"])
    rows = list(found.rows.all())
    found.rows.update(verdict=Verdict.READY, reasons=[])
    objected, patients = [], set()
    for row, (record, reasons) in zip(rows, _judge(actor, found, rows), strict=True):
        if record is not None:
            patients.add(record.patient.pk)
        if reasons:
            row.verdict, row.reasons = _verdict(reasons), _as_json(reasons)
            objected.append(row)
    ValueImportRow.objects.bulk_update(objected, ["reasons", "verdict"], batch_size=500)
    audit.record(
        audit.Action.SEARCH,
        obj=found,
        detail={"list": "import", "rows": len(rows), "patients": len(patients)},
    )
    return found


@transaction.atomic
def begin_recording(actor: Actor, *, import_id: uuid.UUID, take_unusual: bool) -> ValueImport:
    """Let the good rows be recorded, with the unusual ones too if somebody has looked at them. Again changes nothing.

    Raises:
        PermissionDenied: the actor may not import.
        ValueImport.DoesNotExist: it is not the actor's.
        MappingRefused: it was not checked yet.
    """
    found = _own(actor, import_id)
    if found.state == ValueImport.State.UPLOADED:
        raise MappingRefused("Check the rows first: say what the columns are.")
    if found.state == ValueImport.State.CHECKED:
        found.state, found.take_unusual = ValueImport.State.RECORDING, take_unusual
        found.handed_on = 0
        found.save(update_fields=["state", "take_unusual", "handed_on"])
        audit.record(audit.Action.UPDATE, obj=found, detail={"recording": True, "take_unusual": take_unusual})
        transaction.on_commit(tell_workers, robust=True)
    return found


def tell_workers() -> None:
    """Let a worker do the next step of what waits; without a broker one comes with the next sweep."""
    try:
        current_app.send_task(RUN_IMPORTS)
    except Exception:  # noqa: BLE001  # kombu, redis and the socket raise unrelated types
        log.warning("broker unavailable; imports wait for the sweep")


@transaction.atomic
def record_step(actor: Actor, *, import_id: uuid.UUID) -> ValueImport:
    """Record the next rows, and end the import where none is left. A step that is repeated records nothing twice.

    Raises:
        PermissionDenied: the actor may not import.
        ValueImport.DoesNotExist: it is not the actor's.
    """
    found = _own(actor, import_id)
    if found.state != ValueImport.State.RECORDING:
        return found
    rows = list(found.rows.filter(verdict__in=to_record(found))[:ROWS_PER_STEP])
    good: list[tuple[ValueImportRow, Record]] = []
    refused: list[ValueImportRow] = []
    for row, (record, reasons) in zip(rows, _read(actor, found, rows), strict=True):
        if record is None:
            row.reasons = _as_json(reasons)
            refused.append(row)
        else:
            good.append((row, record))
    outcomes = record_many(actor, [record for _, record in good], source=ClinicalValue.Source.IMPORT)
    for (row, _), outcome in zip(good, outcomes, strict=True):
        if isinstance(outcome, ValuesRefused):
            row.reasons = _as_json(_reasons(found, outcome.refusals))
            refused.append(row)
    found.rows.filter(pk__in=[row.pk for row in rows]).update(verdict=Verdict.RECORDED)
    for row in refused:
        row.verdict = Verdict.REFUSED
    ValueImportRow.objects.bulk_update(refused, ["reasons", "verdict"])
    if len(rows) < ROWS_PER_STEP:
        found.state, found.handed_on = ValueImport.State.RECORDED, 0
        found.save(update_fields=["state", "handed_on"])
    return found


def hold(import_id: uuid.UUID) -> ValueImport | None:
    """An import on which something is left to do, for a step of a worker; None if another process has it. As the system."""
    waiting = ValueImport.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    return waiting.select_related("created_by").filter(pk=import_id, handed_on__isnull=False).first()


@transaction.atomic
def hand_on(actor: Actor, *, import_id: uuid.UUID, most: int) -> tuple[ValueImport, list[Patient]]:
    """The patients of the next recorded rows that a layer above has not dealt with; the rows then count as dealt with.

    A patient comes with the last row, so that what is made of the values is made of all of them. Part of the caller's transaction, so
    that what the caller does with them is done once or, if it fails, again. Left out are patients whom the actor no longer cares for.

    Raises:
        PermissionDenied: the actor may not import.
        ValueImport.DoesNotExist: it is not the actor's, or none of its rows waits.
    """
    require(actor, Permission.IMPORT_VALUES)
    own = ValueImport.objects.visible_to(actor).select_for_update()
    found = own.get(pk=import_id, handed_on__isnull=False)
    waiting = found.rows.filter(verdict=Verdict.RECORDED, assessment=None, line__gt=found.handed_on)
    rows = list(waiting[:most])
    column = _mrn_column(found)
    wanted = {_cell(row, column) for row in rows} - _still_to_come(found, column)
    patients = Patient.objects.visible_to(actor).filter(mrn__in=wanted)
    if found.state == ValueImport.State.RECORDING:
        found.handed_on = rows[-1].line if rows else found.handed_on
    else:
        found.handed_on = rows[-1].line if len(rows) == most else None
    found.save(update_fields=["handed_on"])
    return found, list(patients.order_by("pk"))


def _still_to_come(found: ValueImport, column: int) -> set[str]:
    """MRNs of which rows are still to be recorded."""
    if found.state != ValueImport.State.RECORDING:
        return set()
    rows = found.rows.filter(verdict__in=to_record(found)).order_by()
    return set(rows.annotate(mrn=KeyTextTransform(column, "cells")).values_list("mrn", flat=True))


def note_assessments(found: ValueImport, assessments: Mapping[str, uuid.UUID]) -> None:
    """Keep with the recorded rows of patients, by MRN, what a layer above has made of their values."""
    columns = [list(assessments), [str(one) for one in assessments.values()]]
    with connection.cursor() as cursor:
        cursor.execute(ASSESSED, [*columns, str(found.pk), _mrn_column(found)])


def to_do() -> list[uuid.UUID]:
    """Imports on which something is left to do, the oldest first, as the system; of doctors who may still act."""
    waiting = ValueImport.objects.filter(handed_on__isnull=False, created_by__is_active=True)
    rows = waiting.select_related("created_by").order_by("created_at")
    return [row.pk for row in rows if can(row.created_by, Permission.IMPORT_VALUES)]


def _mrn_column(found: ValueImport) -> int:
    return [place.partition("|")[0] for place in found.mapping].index(MRN)


def to_record(found: ValueImport) -> list[Verdict]:
    """The verdicts of rows that are still to be recorded."""
    return [Verdict.READY, Verdict.UNUSUAL] if found.take_unusual else [Verdict.READY]


def _own(actor: Actor, import_id: uuid.UUID) -> ValueImport:
    require(actor, Permission.IMPORT_VALUES)
    return ValueImport.objects.visible_to(actor).select_for_update().get(pk=import_id)


def _check_mapping(mapping: Sequence[str], measured_at: dt.datetime | None) -> None:
    places = [place.partition("|")[0] for place in mapping if place != LEFT_OUT]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice:
        name = CATALOGUE[twice].name if twice in CATALOGUE else twice
        raise MappingRefused(f"Two columns are said to be {name}. Leave one of them out.")
    if MRN not in places:
        raise MappingRefused(
            "No column is the MRN, so nobody knows whose values these are. Say which one it is."
        )
    if MEASURED_AT not in places and measured_at is None:
        raise MappingRefused(
            "No column says when the values were measured. Name it, or give one time for all rows."
        )
    if not set(places) - {MRN, MEASURED_AT}:
        raise MappingRefused("No column holds values. Say of at least one which quantity it is.")


def _read(
    actor: Actor, found: ValueImport, rows: Sequence[ValueImportRow]
) -> list[tuple[Record | None, list[Reason]]]:
    """What each row would record, or why it can record nothing, whatever its values are."""
    columns = {place.partition("|")[0]: index for index, place in enumerate(found.mapping) if place}
    known = {
        patient.mrn: patient
        for patient in Patient.objects.visible_to(actor).filter(
            mrn__in={_cell(row, columns[MRN]) for row in rows}
        )
    }
    return [_read_row(found, row, columns, known) for row in rows]


def _judge(
    actor: Actor, found: ValueImport, rows: Sequence[ValueImportRow]
) -> list[tuple[Record | None, list[Reason]]]:
    """What each row would record, with everything that is to be said of it and of its values."""
    read = _read(actor, found, rows)
    records = [record for record, _ in read if record is not None]
    checked = iter(check_many(actor, records))
    for record, reasons in read:
        if record is None:
            continue
        outcome = next(checked)
        if isinstance(outcome, ValuesRefused):
            reasons.extend(_reasons(found, outcome.refusals))
        else:
            unusual = [
                entry for entry in record.entries if not CATALOGUE[entry.code].is_usual(outcome[entry.code])
            ]
            reasons.extend(_reasons(found, _asked(unusual)))
    return read


def _read_row(
    found: ValueImport, row: ValueImportRow, columns: dict[str, int], known: dict[str, Patient]
) -> tuple[Record | None, list[Reason]]:
    reasons = _wrong_width(found.headings, row.cells)
    patient = known.get(mrn := _cell(row, columns[MRN]))
    if patient is None:
        heading = found.headings[columns[MRN]]
        reasons.append(
            Reason(heading, "no_mrn" if not mrn else "patient_not_found", NO_PATIENT if mrn else NO_MRN)
        )
    measured_at = found.measured_at
    if MEASURED_AT in columns and (typed := _cell(row, columns[MEASURED_AT])):
        measured_at = read_time(typed)
    if measured_at is None:
        heading = found.headings[columns[MEASURED_AT]] if MEASURED_AT in columns else ""
        reasons.append(Reason(heading, "not_a_time", NO_TIME))
    if patient is None or measured_at is None or reasons:
        return None, reasons
    entries = []
    for index, place in enumerate(found.mapping):
        code, _, unit = place.partition("|")
        if code in CATALOGUE and (text := _cell(row, index)):
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


def _reasons(found: ValueImport, refusals: Iterable[ValueRefused]) -> list[Reason]:
    headings = {
        place.partition("|")[0]: heading for place, heading in zip(found.mapping, found.headings, strict=True)
    }
    return [Reason(headings.get(one.code, ""), one.reason.value, str(one)) for one in refusals]


def _verdict(reasons: Iterable[Reason]) -> Verdict:
    codes = {reason.code for reason in reasons}
    if not codes:
        return Verdict.READY
    return Verdict.UNUSUAL if codes == {ValueReason.UNUSUAL.value} else Verdict.REFUSED


def _as_json(reasons: Iterable[Reason]) -> list[tuple[str, ...]]:
    return [dataclasses.astuple(reason) for reason in reasons]


def _cell(row: ValueImportRow, index: int) -> str:
    cells: list[Any] = row.cells
    return str(cells[index]) if index < len(cells) else ""


def counts(actor: Actor, found: ValueImport) -> dict[str, int]:
    """How many rows have each verdict."""
    require(actor, Permission.IMPORT_VALUES)
    rows = ValueImportRow.objects.visible_to(actor).filter(table=found).order_by()
    return {row["verdict"]: row["count"] for row in rows.values("verdict").annotate(count=Count("pk"))}
