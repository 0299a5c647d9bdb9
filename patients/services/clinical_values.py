"""Writes of clinical values: entering several for one time, correcting one, taking one back."""

from __future__ import annotations

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
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from accounts.actor import Actor

# Another system's clock may be a little ahead of ours.
CLOCKS_DIFFER = dt.timedelta(minutes=2)
SYSTOLIC, DIASTOLIC = "systolic_pressure", "diastolic_pressure"
# The reasons that are about the time, and those about the row that is corrected, rather than about what was typed.
OF_TIME = frozenset({ValueReason.FUTURE, ValueReason.BEFORE_BIRTH})
OF_ROW = frozenset({ValueReason.ALREADY_CORRECTED, ValueReason.UNCHANGED, ValueReason.NO_REASON})


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


@transaction.atomic
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
    require(actor, Permission.WRITE_VALUES)
    patient = Patient.objects.visible_to(actor).get(pk=patient.pk)
    given = list(entries)
    _lock(patient)
    values = _check(patient, measured_at, given)
    rows = ClinicalValue.objects.bulk_create(
        ClinicalValue(
            patient=patient,
            code=entry.code,
            value=values[entry.code],
            measured_at=measured_at,
            entered_by_id=person_id(actor),
            source=source,
            **entry.columns(),
        )
        for entry in given
    )
    detail = {"values": [row.pk for row in rows], "codes": [row.code for row in rows], "source": str(source)}
    audit.record(audit.Action.CREATE, obj=patient, patient_id=patient.pk, detail=detail)
    return rows


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
    values = _check(old.patient, measured_at, [entry], instead_of=old)
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
    _lock(old.patient)
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


def _lock(patient: Patient) -> None:
    """Let one transaction at a time enter values of a patient, so that two clicks do not enter them twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"values {patient.pk}"])


def _check(
    patient: Patient,
    measured_at: dt.datetime,
    entries: list[Entry],
    *,
    instead_of: ClinicalValue | None = None,
) -> dict[str, Decimal]:
    """The canonical value of each code. Raises ValuesRefused with every reason that there is."""
    refusals = _refusals_of_time(patient, measured_at)
    if not entries:
        refusals.append(ValueRefused(ValueReason.NO_VALUES))
    current = ClinicalValue.objects.filter(patient=patient, measured_at=measured_at).current()
    if instead_of is not None:
        current = current.exclude(pk=instead_of.pk)
    known = {row.code: row.value for row in current if row.value is not None}
    values: dict[str, Decimal] = {}
    for entry in entries:
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
