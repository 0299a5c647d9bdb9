"""Which answers of the clinical record a coded history gives without doubt: a disease by its ICD-10 code, a drug by its ATC code.

Only ever "yes": that an entry is missing does not say that the disease is. An answer that somebody entered goes before this. What
two readers could take differently is not here and has to be asked: whether a beta blocker is given against high pressure, and
whether a diuretic is. Free text is not read.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from patients.models import Condition, Medication

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Iterator

    from accounts.actor import Actor
    from patients.models import HistoryEntry, Patient

ARTERIES = ("I20", "I21", "I22", "I23", "I24", "I25", "I70", "I71", "I73.9", "I74")
STROKES = ("I63", "I64", "G45")
# Quantity of the catalogue -> beginnings of the ICD-10 codes that answer it with yes.
DISEASES: dict[str, tuple[str, ...]] = {
    "heart_failure": ("I50", "I11.0", "I13.0", "I13.2"),
    "atrial_fibrillation": ("I48",),
    "copd": ("J44",),
    "stroke_or_tia": (*STROKES, "I74"),
    "vascular_disease": ("I21", "I22", "I25.2", "I70", "I73.9"),
    "known_cvd": (*ARTERIES, *STROKES, "I50"),
    "diabetes": ("E10", "E11", "E12", "E13", "E14"),
    "high_blood_pressure": ("I10", "I11", "I12", "I13", "I15"),
}
# The same for drugs by ATC.
DRUGS: dict[str, tuple[str, ...]] = {
    "beta_blocker": ("C07",),
    "acei_or_arb": ("C09A", "C09B", "C09C", "C09D"),
    "statin": ("C10AA", "C10BA", "C10BX"),
}
LONG = dt.timedelta(days=548)  # 18 months


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """A yes that an entry of the history gives."""

    code: str
    source: str
    recorded_at: dt.datetime


def facts_of_many(actor: Actor, patients: Iterable[Patient]) -> dict[uuid.UUID, dict[str, Fact]]:
    """What the coded history of each patient says without doubt, by patient and quantity; two queries however many there are."""
    ids = [patient.pk for patient in patients]
    found: dict[uuid.UUID, dict[str, Fact]] = {}
    conditions = Condition.objects.visible_to(actor).filter(patient__in=ids)
    medications = Medication.objects.visible_to(actor).filter(patient__in=ids)
    for entry in (*conditions.order_by("recorded_at", "pk"), *medications.order_by("recorded_at", "pk")):
        for fact in facts_of(entry):
            found.setdefault(entry.patient_id, {}).setdefault(fact.code, fact)
    return found


def facts_of(entry: HistoryEntry) -> Iterator[Fact]:
    """What one condition or medication says."""
    if not isinstance(entry, Condition | Medication):
        return
    written = entry.code.upper().replace(" ", "")
    table = DISEASES if isinstance(entry, Condition) else DRUGS
    source = f"from the history: {entry.name} ({entry.code})"
    for code, beginnings in table.items():
        if _undotted(written).startswith(tuple(map(_undotted, beginnings))):
            yield Fact(code, source, entry.recorded_at)
    if isinstance(entry, Condition) and written.startswith("I50") and _long_known(entry):
        yield Fact("heart_failure_over_18_months", source, entry.recorded_at)


def _long_known(condition: Condition) -> bool:
    """Whether it had been known for over 18 months when it was recorded."""
    return condition.since is not None and condition.recorded_at.date() - condition.since > LONG


def _undotted(code: str) -> str:
    """ICD-10 is written with and without its dot."""
    return code.replace(".", "")
