"""Importing a table of clinical values: taking the file in, checking every row, recording the good ones step by step.

Workers record, one step of an import at a time, and whoever presses the button again records a step too.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from celery import current_app
from django.db import connection, transaction
from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, can, require
from patients.clinical.catalogue import CATALOGUE
from patients.clinical.reasons import ValuesRefused
from patients.clinical.table import LEFT_OUT, MEASURED_AT, MRN, guess, read_table
from patients.models import ClinicalValue, Patient, ValueImport, ValueImportRow
from patients.services.clinical_values import Record, record_many
from patients.services.value_rows import (
    as_json,
    cell,
    judge_rows,
    mrn_column,
    read_rows,
    reasons_of,
    verdict_of,
)

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from accounts.actor import Actor

log = logging.getLogger(__name__)
RUN_IMPORTS = "worker.run_imports"
# Rows that one step records: about a second, so that the page shows how far it is and other work comes in between.
ROWS_PER_STEP = 500
Verdict = ValueImportRow.Verdict
ASSESSED = """UPDATE patients_valueimportrow r SET assessment = given.id
    FROM unnest(%s::text[], %s::uuid[]) AS given(mrn, id)
    WHERE r.table_id = %s AND r.verdict = 'recorded' AND r.cells ->> %s = given.mrn"""


class MappingRefused(Exception):
    """The columns cannot be what they were said to be; `str()` says why and what to do."""


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
    for row, (record, reasons) in zip(rows, judge_rows(actor, found, rows), strict=True):
        if record is not None:
            patients.add(record.patient.pk)
        if reasons:
            row.verdict, row.reasons = verdict_of(reasons), as_json(reasons)
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
    for row, (record, reasons) in zip(rows, read_rows(actor, found, rows), strict=True):
        if record is None:
            row.reasons = as_json(reasons)
            refused.append(row)
        else:
            good.append((row, record))
    outcomes = record_many(actor, [record for _, record in good], source=ClinicalValue.Source.IMPORT)
    for (row, _), outcome in zip(good, outcomes, strict=True):
        if isinstance(outcome, ValuesRefused):
            row.reasons = as_json(reasons_of(found, outcome.refusals))
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
    column = mrn_column(found)
    wanted = {cell(row, column) for row in rows} - _still_to_come(found, column)
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
        cursor.execute(ASSESSED, [*columns, str(found.pk), mrn_column(found)])


def to_do() -> list[uuid.UUID]:
    """Imports on which something is left to do, the oldest first, as the system; of doctors who may still act."""
    waiting = ValueImport.objects.filter(handed_on__isnull=False, created_by__is_active=True)
    rows = waiting.select_related("created_by").order_by("created_at")
    return [row.pk for row in rows if can(row.created_by, Permission.IMPORT_VALUES)]


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


def counts(actor: Actor, found: ValueImport) -> dict[str, int]:
    """How many rows have each verdict."""
    require(actor, Permission.IMPORT_VALUES)
    rows = ValueImportRow.objects.visible_to(actor).filter(table=found).order_by()
    return {row["verdict"]: row["count"] for row in rows.values("verdict").annotate(count=Count("pk"))}
