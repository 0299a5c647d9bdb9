"""Writes of clinical values: entering several for one time, correcting one, taking one back."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, require
from patients.clinical.catalogue import CATALOGUE
from patients.clinical.reading import LONGEST, quantity, read_value
from patients.clinical.reasons import ValueReason, ValueRefused, ValuesRefused
from patients.models import ClinicalValue, Patient

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from accounts.actor import Actor

# Another system's clock may be a little ahead of ours.
CLOCKS_DIFFER = dt.timedelta(minutes=2)
SYSTOLIC, DIASTOLIC = "systolic_pressure", "diastolic_pressure"
# The reasons that are about the time, and those about the row that is corrected, rather than about what was typed.
OF_TIME = frozenset({ValueReason.FUTURE, ValueReason.BEFORE_BIRTH})
OF_ROW = frozenset({ValueReason.ALREADY_CORRECTED, ValueReason.UNCHANGED, ValueReason.NO_REASON})

INSERT = """INSERT INTO patients_clinicalvalue
    (entered_by_id, source, reason, patient_id, code, value, measured_at, entered_value, entered_unit)
    SELECT %s, %s, '', r.patient_id, r.code, r.value, r.measured_at, r.entered_value, r.entered_unit
    FROM unnest(%s::uuid[], %s::text[], %s::numeric[], %s::timestamptz[], %s::text[], %s::text[]) WITH ORDINALITY
        AS r(patient_id, code, value, measured_at, entered_value, entered_unit, place)
    ORDER BY r.place RETURNING id"""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One value as it was typed; `confirmed` says that somebody looked again at an unusual one."""

    code: str
    text: str
    unit: str = ""
    confirmed: bool = False

    def read(self) -> Decimal:
        """The value in the canonical unit. Raises ValueRefused."""
        return read_value(quantity(self.code), self.text, self.unit, confirmed=self.confirmed)

    def columns(self) -> dict[str, str]:
        """What is kept of the typing, the unit as the catalogue writes it."""
        unit = CATALOGUE[self.code].unit_named(self.unit)
        return {
            "entered_value": self.text.strip()[:LONGEST],
            "entered_unit": unit.name if unit else "",
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """Values of one patient for one time, as they were typed."""

    patient: Patient
    measured_at: dt.datetime
    entries: tuple[Entry, ...]


def record_values(
    actor: Actor,
    *,
    patient: Patient,
    measured_at: dt.datetime,
    entries: Iterable[Entry],
    source: ClinicalValue.Source = ClinicalValue.Source.MANUAL,
) -> list[ClinicalValue]:
    """Add values of one patient for one time: all of them, or none.

    Raises:
        PermissionDenied: the actor may not enter values.
        Patient.DoesNotExist: the patient is not the actor's.
        ValuesRefused: some cannot be taken; it holds a coded reason for each.
    """
    (outcome,) = record_many(actor, [Record(patient, measured_at, tuple(entries))], source=source)
    if isinstance(outcome, ValuesRefused):
        raise outcome
    return list(ClinicalValue.objects.filter(pk__in=outcome).select_related("patient").order_by("pk"))


@transaction.atomic
def record_many(
    actor: Actor, records: Sequence[Record], *, source: ClinicalValue.Source
) -> list[list[int] | ValuesRefused]:
    """Add the values of each record that can be taken as a whole; the others say why not. In the order given.

    Returns:
        For each record the ids of its new rows in the order of its entries, or its refusal.

    Raises:
        PermissionDenied: the actor may not enter values.
        Patient.DoesNotExist: one of the patients is not the actor's; nothing is added.
    """
    require(actor, Permission.WRITE_VALUES)
    _lock({record.patient.pk for record in records})
    outcomes = check_many(actor, records)
    stored = iter(_insert(actor, records, outcomes, source=source))
    done: list[list[int] | ValuesRefused] = []
    codes: dict[uuid.UUID, list[str]] = {}
    ids: dict[uuid.UUID, list[int]] = {}
    patients: dict[uuid.UUID, Patient] = {}
    for record, values in zip(records, outcomes, strict=True):
        if isinstance(values, ValuesRefused):
            done.append(values)
            continue
        added = [next(stored) for _ in record.entries]
        of = record.patient.pk
        patients[of] = record.patient
        ids.setdefault(of, []).extend(added)
        codes.setdefault(of, []).extend(entry.code for entry in record.entries)
        done.append(added)
    for of, patient in patients.items():
        detail = {"values": ids[of], "codes": codes[of], "source": str(source)}
        audit.record(audit.Action.CREATE, obj=patient, patient_id=of, detail=detail)
    return done


def _insert(
    actor: Actor,
    records: Sequence[Record],
    outcomes: Sequence[Mapping[str, Decimal] | ValuesRefused],
    *,
    source: ClinicalValue.Source,
) -> list[int]:
    """Add the values of the records that can be taken, in one statement; the new ids in their order.

    Arrays in the place of a parameter for each value of each row: a tenth of the time of `bulk_create` for thousands of rows. COPY would
    be no faster way, because it is refused on tables with row-level security.
    """
    rows = [
        (
            str(record.patient.pk),
            entry.code,
            str(values[entry.code]),
            record.measured_at,
            *entry.columns().values(),
        )
        for record, values in zip(records, outcomes, strict=True)
        if not isinstance(values, ValuesRefused)
        for entry in record.entries
    ]
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [person_id(actor), str(source), *map(list, zip(*rows, strict=True))])
        return [pk for (pk,) in cursor.fetchall()]


def check_many(actor: Actor, records: Sequence[Record]) -> list[dict[str, Decimal] | ValuesRefused]:
    """What `record_many` would add, by code in canonical units, or why it would not.

    Raises:
        PermissionDenied: the actor may not enter values.
        Patient.DoesNotExist: one of the patients is not the actor's.
    """
    require(actor, Permission.WRITE_VALUES)
    wanted = {record.patient.pk for record in records}
    if Patient.objects.visible_to(actor).filter(pk__in=wanted).count() != len(wanted):
        raise Patient.DoesNotExist
    known: dict[tuple[uuid.UUID, dt.datetime], dict[str, Decimal]] = collections.defaultdict(dict)
    times = {record.measured_at for record in records}
    for row in ClinicalValue.objects.filter(patient__in=wanted, measured_at__in=times).current():
        known[row.patient_id, row.measured_at][row.code] = row.value  # type: ignore[assignment]  # current ones have a value
    outcomes: list[dict[str, Decimal] | ValuesRefused] = []
    for record in records:
        there = known[record.patient.pk, record.measured_at]
        try:
            values = _check(record, there)
        except ValuesRefused as refused:
            outcomes.append(refused)
        else:
            there.update(values)
            outcomes.append(values)
    return outcomes


@transaction.atomic
def correct_value(
    actor: Actor, *, value_id: int, text: str, unit: str, measured_at: dt.datetime, reason: str, confirmed: bool = False
) -> ClinicalValue:  # fmt: skip
    """Replace a value, or its time, by a new row that says why; the old row stays.

    Raises:
        PermissionDenied: the actor may not enter values.
        ClinicalValue.DoesNotExist: the value is not of a patient of the actor's.
        ValuesRefused: the correction cannot be taken.
    """
    old = _correctable(actor, value_id)
    entry = Entry(old.code, text, unit, confirmed)
    others = ClinicalValue.objects.filter(patient=old.patient, measured_at=measured_at).exclude(pk=old.pk)
    known = {row.code: row.value for row in others.current() if row.value is not None}
    values = _check(Record(old.patient, measured_at, (entry,)), known)
    if (values[old.code], measured_at) == (old.value, old.measured_at):
        raise ValuesRefused([ValueRefused(ValueReason.UNCHANGED, code=old.code)])
    return _replace(actor, old, reason, value=values[old.code], measured_at=measured_at, **entry.columns())


@transaction.atomic
def withdraw_value(actor: Actor, *, value_id: int, reason: str) -> ClinicalValue:
    """Take a value back that should never have been entered, for example for the wrong patient; the old row stays.

    Raises:
        PermissionDenied: the actor may not enter values.
        ClinicalValue.DoesNotExist: the value is not of a patient of the actor's.
        ValuesRefused: it was corrected or taken back already, or no reason is given.
    """
    old = _correctable(actor, value_id)
    return _replace(actor, old, reason, value=None, measured_at=old.measured_at)


def _correctable(actor: Actor, value_id: int) -> ClinicalValue:
    require(actor, Permission.WRITE_VALUES)
    old = ClinicalValue.objects.visible_to(actor).select_related("patient").get(pk=value_id)
    _lock({old.patient_id})
    if old.value is None or ClinicalValue.objects.filter(corrects=old).exists():
        raise ValuesRefused([ValueRefused(ValueReason.ALREADY_CORRECTED, code=old.code)])
    return old


def _replace(
    actor: Actor,
    old: ClinicalValue,
    reason: str,
    *,
    value: Decimal | None,
    measured_at: dt.datetime,
    **typed: str,
) -> ClinicalValue:
    if not reason.strip():
        raise ValuesRefused([ValueRefused(ValueReason.NO_REASON, code=old.code)])
    row = ClinicalValue.objects.create(
        patient=old.patient,
        code=old.code,
        value=value,
        measured_at=measured_at,
        entered_by_id=person_id(actor),
        corrects=old,
        reason=reason.strip()[:200],
        **typed,
    )
    detail = {"corrects": old.pk, "code": old.code, "taken_back": value is None}
    audit.record(audit.Action.UPDATE, obj=row, patient_id=old.patient_id, detail=detail)
    return row


def _lock(patients: Iterable[uuid.UUID]) -> None:
    """Let one transaction at a time enter values of a patient, so that two clicks do not enter them twice."""
    names = sorted(f"values {patient}" for patient in patients)  # the same order everywhere: no deadlock
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name", [names]
        )


def _check(record: Record, known: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The canonical value of each code; `known` are the current ones of that time. Raises ValuesRefused with every reason."""
    refusals = _refusals_of_time(record.patient, record.measured_at)
    if not record.entries:
        refusals.append(ValueRefused(ValueReason.NO_VALUES))
    values: dict[str, Decimal] = {}
    for entry in record.entries:
        try:
            value = entry.read()
        except ValueRefused as refusal:
            refusals.append(refusal)
            continue
        name = CATALOGUE[entry.code].name
        if entry.code in values:
            refusals.append(ValueRefused(ValueReason.TWICE, code=entry.code, name=name))
        elif entry.code in known:
            refusals.append(ValueRefused(ValueReason.ALREADY_RECORDED, code=entry.code, name=name))
        values[entry.code] = value
    if _pressures_crossed(values, known):
        refusals.append(ValueRefused(ValueReason.PRESSURES_CROSSED, code=DIASTOLIC))
    if refusals:
        raise ValuesRefused(refusals)
    return values


def _refusals_of_time(patient: Patient, measured_at: dt.datetime) -> list[ValueRefused]:
    if measured_at > timezone.now() + CLOCKS_DIFFER:
        return [ValueRefused(ValueReason.FUTURE)]
    if measured_at.date() < patient.birth_date:
        return [ValueRefused(ValueReason.BEFORE_BIRTH)]
    return []


def _pressures_crossed(new: Mapping[str, Decimal], known: Mapping[str, Decimal]) -> bool:
    both = {**known, **new}
    return (
        bool({SYSTOLIC, DIASTOLIC} & set(new))
        and {SYSTOLIC, DIASTOLIC} <= set(both)
        and both[DIASTOLIC] >= both[SYSTOLIC]
    )
