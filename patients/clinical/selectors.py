"""Reads of clinical values: what is current, the latest of each, the course of one, and what is computed from them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from accounts.policy import Permission, require
from ml.clinical.snapshot import Snapshot, Value, record_of
from patients.clinical.catalogue import BMI, CATALOGUE, COMPUTED, EGFR, ENTERED
from patients.clinical.computed import ADULT, body_mass_index, glomerular_filtration
from patients.models import ClinicalValue, Patient

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Iterable
    from decimal import Decimal

    from django.db.models import QuerySet

    from accounts.actor import Actor
    from patients.clinical.quantities import Quantity

WEIGHT, HEIGHT, CREATININE = "weight", "height", "serum_creatinine"


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """A current value at its time; `row` is None for a computed one, which `source` explains."""

    quantity: Quantity
    value: Decimal
    measured_at: dt.datetime
    row: ClinicalValue | None = None
    source: str = ""

    @property
    def words(self) -> str:
        """The value with its unit."""
        return self.quantity.words(self.value)


def clinical_values(
    actor: Actor, patient: Patient, *, code: str = "", current: bool = False
) -> QuerySet[ClinicalValue]:
    """The patient's values, newest first, with who entered them; of one quantity, or only the current ones, where asked for."""
    require(actor, Permission.READ_VALUES)
    rows = ClinicalValue.objects.visible_to(actor).filter(patient=patient)
    if code:
        rows = rows.filter(code=code) if code in CATALOGUE else rows.none()
    if current:
        rows = rows.current()
    return rows.select_related("entered_by", "correction")


def latest_values(actor: Actor, patient: Patient) -> dict[str, Point]:
    """The latest current value of each quantity that there is, in the order of the catalogue, with the computed ones."""
    rows = clinical_values(actor, patient, current=True).order_by("code", "-measured_at", "-pk")
    found = {point.quantity.code: point for point in points_of(rows.distinct("code"))}
    for of in COMPUTED.values():
        parts = [point for code in PARTS[of.code] if (point := found.get(code))]
        if points := computed(of, patient, parts):
            found[of.code] = points[-1]
    return {code: found[code] for code in CATALOGUE if code in found}


def latest_of_many(
    actor: Actor, patients: Iterable[Patient]
) -> dict[uuid.UUID, dict[str, tuple[Decimal, dt.datetime]]]:
    """The latest current value of each entered quantity with its time, by patient and code; one query however many there are.

    For services whose own permission says that the values may be used; they are not for showing.
    """
    found: dict[uuid.UUID, dict[str, tuple[Decimal, dt.datetime]]] = {}
    rows = (
        ClinicalValue.objects.visible_to(actor)
        .filter(patient__in=[patient.pk for patient in patients], code__in=ENTERED)
        .current()
        .order_by("patient_id", "code", "-measured_at", "-pk")
        .distinct("patient_id", "code")
    )
    for patient_id, code, value, measured_at in rows.values_list(
        "patient_id", "code", "value", "measured_at"
    ):
        if value is not None:
            found.setdefault(patient_id, {})[code] = (value, measured_at)
    return found


def course(actor: Actor, patient: Patient, of: Quantity) -> list[Point]:
    """The current values of one quantity, entered or computed, oldest first."""
    wanted = PARTS.get(of.code, (of.code,))
    rows = clinical_values(actor, patient, current=True).filter(code__in=wanted)
    points = points_of(rows.order_by("measured_at", "pk"))
    return computed(of, patient, points) if of.code in COMPUTED else points


def heart_failure_record(patient: Patient, latest: dict[str, Point]) -> dict[str, float | None]:
    """The features of the heart-failure data, by its column names and in its units, from `latest_values`; None where missing.

    Its twelfth column, `time`, is how long the patient was followed afterwards, which nobody knows when the record is taken.
    """
    values = {
        code: Value(float(point.value), point.quantity.unit, point.measured_at.isoformat())
        for code, point in latest.items()
    }
    return record_of(Snapshot(patient.age(), patient.sex, values))


def not_computed(patient: Patient, of: Quantity) -> str:
    """Why a computed quantity has no value, for people; empty if nothing but values is missing."""
    if of is EGFR and patient.sex not in {Patient.Sex.FEMALE, Patient.Sex.MALE}:
        return "The equation needs female or male as the patient's sex."
    if of is EGFR and patient.age() < ADULT:
        return "The equation is for adults."
    return ""


PARTS = {BMI.code: (WEIGHT, HEIGHT), EGFR.code: (CREATININE,)}


def points_of(rows: Iterable[ClinicalValue]) -> list[Point]:
    """Rows that have a value as points, in their order."""
    return [Point(row.quantity, row.value, row.measured_at, row) for row in rows if row.value is not None]


def computed(of: Quantity, patient: Patient, parts: list[Point]) -> list[Point]:
    """The course of a computed quantity from the values that it is made of, oldest first."""
    parts = sorted(parts, key=lambda point: point.measured_at)
    return _filtration(patient, parts) if of is EGFR else _mass_index(parts)


def _filtration(patient: Patient, parts: list[Point]) -> list[Point]:
    """A rate for each creatinine of adult age."""
    if patient.sex not in {Patient.Sex.FEMALE, Patient.Sex.MALE}:
        return []
    sex: Literal["female", "male"] = "female" if patient.sex == Patient.Sex.FEMALE else "male"
    return [
        Point(
            EGFR,
            glomerular_filtration(creatinine_mg_dl=point.value, age_years=age, sex=sex),
            point.measured_at,
            source=f"computed from creatinine {point.words}, age {age} and sex",
        )
        for point in parts
        if (age := patient.age(point.measured_at.date())) >= ADULT
    ]


def _mass_index(parts: list[Point]) -> list[Point]:
    """An index for each weight, with the height known at that time, or else the first one after it."""
    heights = [point for point in parts if point.quantity.code == HEIGHT]
    if not heights:
        return []
    points = []
    for weight in (point for point in parts if point.quantity.code == WEIGHT):
        before = [point for point in heights if point.measured_at <= weight.measured_at]
        height = before[-1] if before else heights[0]
        value = body_mass_index(weight_kg=weight.value, height_cm=height.value)
        source = f"computed from {weight.words} and {height.words}"
        points.append(Point(BMI, value, weight.measured_at, source=source))
    return points
