"""Reads of imported tables: how far recording and assessment are, and what became of every row."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from django.db.models import Count, F

from accounts.policy import Permission, require
from diagnostics.models import Diagnosis, Prediction
from diagnostics.opinions import CLINICAL
from diagnostics.patient_risk import EVENT, PatientLevel
from diagnostics.risk import RiskLevel
from diagnostics.selectors import levels_of
from diagnostics.states import Status
from patients.models import Patient, ValueImport, ValueImportRow
from patients.services import value_imports

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Sequence

    from accounts.actor import Actor

OPEN = (Status.QUEUED, Status.RUNNING)
# Headings of what is said of each row, before its cells.
SAID = ("line", "verdict", "reasons", "assessment", "risk", f"probability of {EVENT}", "level of the patient")


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is.

    Attributes:
        recorded: rows that are records.
        aim: rows that are or will be.
        asked: assessments that there are, finished or not.
        answered: those that need no worker any more.
        levels: how many of each risk level, by its word, highest first.
        finished: nothing is left to do.
    """

    recorded: int
    aim: int
    asked: int
    answered: int
    levels: dict[str, int]
    finished: bool


def progress(actor: Actor, found: ValueImport) -> Progress:
    """How far recording and assessment of an import are."""
    require(actor, Permission.READ_DIAGNOSES)
    counts = value_imports.counts(actor, found)
    recorded = counts.get(ValueImportRow.Verdict.RECORDED, 0)
    waiting = sum(counts.get(verdict, 0) for verdict in value_imports.to_record(found))
    assessments = ValueImportRow.objects.visible_to(actor).filter(table=found, assessment__isnull=False)
    rows = (
        Diagnosis.objects.visible_to(actor)
        .filter(pk__in=assessments.values("assessment"))
        .order_by()
        .values_list("status", "risk_level")
        .annotate(count=Count("pk"))
    )
    told = list(rows)
    answered = sum(count for status, _, count in told if status not in OPEN)
    asked = sum(count for _, _, count in told)
    levels = {
        level.label: sum(count for _, risk, count in told if risk == level) for level in reversed(RiskLevel)
    }
    done = found.state == ValueImport.State.RECORDED and found.handed_on is None
    return Progress(recorded, recorded + waiting, asked, answered, levels, done and asked == answered)


def results(actor: Actor, found: ValueImport) -> Iterator[tuple[Sequence[object], Sequence[str]]]:
    """What became of each row, in the order of `SAID`, and its cells. Risk and probability are of the record, at its assessment."""
    require(actor, Permission.READ_DIAGNOSES)
    rows = list(ValueImportRow.objects.visible_to(actor).filter(table=found))
    wanted = [row.assessment for row in rows if row.assessment]
    diagnoses = Diagnosis.objects.visible_to(actor).in_bulk(wanted)
    probabilities = _probabilities(actor, wanted)
    of = {diagnosis.patient_id for diagnosis in diagnoses.values()}
    levels = levels_of(actor, Patient.objects.visible_to(actor).filter(pk__in=of))
    for row in rows:
        diagnosis = diagnoses.get(row.assessment) if row.assessment else None
        said: tuple[object, ...] = ("", "", "", "")
        if diagnosis is not None:
            level = levels.get(diagnosis.patient_id, "")
            said = (
                Status(diagnosis.status).label,
                RiskLevel(diagnosis.risk_level).label if diagnosis.risk_level else "",
                probabilities.get(diagnosis.pk, ""),
                PatientLevel(level).label if level else "",
            )
        yield (row.line, row.verdict, row.why, *said), row.cells


def _probabilities(actor: Actor, diagnoses: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The deciding model's probability of each assessment that has one."""
    rows = (
        Prediction.objects.visible_to(actor)
        .filter(diagnosis__in=diagnoses, attempt=F("diagnosis__attempt"), model_version__name=CLINICAL)
        .order_by()
        .values_list("diagnosis_id", "probabilities")
    )
    return {pk: f"{shares[EVENT]:.3f}" for pk, shares in rows if EVENT in shares}
