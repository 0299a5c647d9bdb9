"""What patients read of their own clinical values: the course of every number, in words without judgement."""

from __future__ import annotations

import dataclasses
from itertools import groupby
from typing import TYPE_CHECKING, Any

from accounts.policy import Permission, require
from patients.clinical.catalogue import CATALOGUE, COMPUTED, ENTERED
from patients.clinical.chart import chart
from patients.clinical.quantities import Kind
from patients.clinical.selectors import PARTS, computed, points_of
from patients.models import ClinicalValue, Patient

if TYPE_CHECKING:
    from accounts.actor import Actor
    from patients.clinical.quantities import Quantity
    from patients.clinical.selectors import Point

MOST = 1000
NUMBERS = tuple(code for code, of in ENTERED.items() if of.kind is Kind.NUMBER)


@dataclasses.dataclass(frozen=True, slots=True)
class Course:
    """The current values of one quantity, the newest first; at least one."""

    of: Quantity
    points: tuple[Point, ...]

    @property
    def chart(self) -> dict[str, Any] | None:
        """The drawing; None for a single value."""
        return chart(self.points[::-1])

    @property
    def sentence(self) -> str:
        """The newest value, and how it compares with the one before."""
        newest = self.points[0]
        said = f"{newest.words} on {newest.measured_at:%-d %b %Y}"
        if len(self.points) == 1:
            return f"{said}."
        before = self.points[1]
        if newest.words == before.words:
            return f"{said}, the same as on {before.measured_at:%-d %b %Y}."
        way = "higher" if newest.value > before.value else "lower"
        return f"{said}, {way} than {before.words} on {before.measured_at:%-d %b %Y}."


def own_patient(actor: Actor) -> Patient | None:
    """The record of the person who is signed in; None where no record is linked to the account."""
    require(actor, Permission.READ_OWN_VALUES)
    return Patient.objects.visible_to(actor).filter(user__id=actor.pk or 0).first()


def own_courses(actor: Actor, patient: Patient) -> list[Course]:
    """The course of every number of the actor's own record, of the newest `MOST` values, in the order of the catalogue.

    Answers in words, such as diagnoses and medicines, are not among them: a doctor explains those.
    """
    require(actor, Permission.READ_OWN_VALUES)
    rows = ClinicalValue.objects.visible_to(actor).filter(patient=patient, code__in=NUMBERS).current()
    newest = list(rows.order_by("-measured_at", "-pk")[:MOST])[::-1]
    by_code = sorted(points_of(newest), key=lambda point: point.quantity.code)
    found = {code: list(points) for code, points in groupby(by_code, key=lambda point: point.quantity.code)}
    for of in COMPUTED.values():
        parts = [point for code in PARTS[of.code] for point in found.get(code, [])]
        if points := computed(of, patient, parts):
            found[of.code] = points
    return [Course(CATALOGUE[code], tuple(found[code][::-1])) for code in CATALOGUE if code in found]
