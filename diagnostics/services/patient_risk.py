"""Assesses patients again whenever their evidence changes, and keeps every assessment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection
from django.db.models import Q

from diagnostics import opinions
from diagnostics.models import Diagnosis, PatientRisk, Review
from diagnostics.models.patient_risk import as_json
from diagnostics.patient_risk import (
    EVENT,
    MODEL,
    RULES_VERSION,
    Evidence,
    Judgement,
    Kind,
    PatientLevel,
    RedFlag,
    assess,
    changes,
    kind_of,
    newest_of_kind,
    stored_tiers,
)
from diagnostics.risk_clinical import beside_the_estimate
from diagnostics.states import Status
from patients.models import Patient

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Iterable

# How many results that no doctor has judged are looked at: the weightiest of a patient, and the newest of each kind and level. The
# level is the highest of all, so that the others cannot change it.
MOST = 12
EVIDENCE = (Path(__file__).parents[1] / "sql" / "evidence.sql").read_text(encoding="utf-8")


class Answer(NamedTuple):
    """What of a prediction counts."""

    model: str
    label: str
    outcome: str
    confidence: float | None
    probabilities: dict[str, float]
    explanation: dict[str, Any]


class Row(NamedTuple):
    """A row of EVIDENCE; the last three are None where no doctor has judged."""

    patient_id: uuid.UUID
    key: uuid.UUID
    at: dt.datetime
    kind: str
    media_type: str
    level: str
    reasons: list[str]
    red_flags: list[str]
    answers: list[list[Any]]
    decision: str | None
    found: str | None
    found_level: str | None


def update_patient_risk(patients: Iterable[uuid.UUID], *, cause: PatientRisk.Cause) -> list[PatientRisk]:
    """Assess patients and add a row for each; part of the caller's transaction, with the rights of the system.

    Four statements for any number of patients. The patients are locked in the order of their ids until the transaction ends: whoever
    comes second reads what the first one wrote. To be called as late as possible for that reason, and after diagnoses are locked.
    """
    ids = sorted(set(patients))
    if not ids:
        return []
    list(
        Patient.objects.select_for_update(no_key=True)
        .filter(pk__in=ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    evidence = evidence_of(ids)
    before = {row.patient_id: row for row in PatientRisk.objects.filter(patient_id__in=ids).latest_of_each()}
    return PatientRisk.objects.bulk_create(
        [_row(patient_id, evidence[patient_id], before.get(patient_id), cause) for patient_id in ids]
    )


def _row(
    patient_id: uuid.UUID, evidence: list[Evidence], before: PatientRisk | None, cause: PatientRisk.Cause
) -> PatientRisk:
    found = assess(evidence, tiers=stored_tiers())
    everything = sum(one.judgement is None for one in evidence) < MOST
    return PatientRisk(
        patient_id=patient_id,
        previous=before,
        level=found.level,
        probability=found.probability,
        red_flags=[flag.value for flag in found.red_flags],
        evidence=as_json(found.counted),
        newest=newest_of_kind(evidence),
        changes=changes(before.assessment() if before else None, found, everything=everything),
        cause=cause,
        rules_version=RULES_VERSION,
    )


def assess_unassessed() -> int:
    """Assess every patient who has results but no level yet, as after an upgrade; how many."""
    answered = Q(status=Status.REFUSED) | ~Q(risk_level="")
    waiting = Diagnosis.objects.filter(answered, patient__risks=None).values_list("patient_id", flat=True)
    return len(update_patient_risk(waiting.distinct(), cause=PatientRisk.Cause.RULES))


def evidence_of(patients: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Evidence]]:
    """What is known about each patient; results that wait for a second opinion count as they were."""
    found: dict[uuid.UUID, list[Evidence]] = {patient_id: [] for patient_id in patients}
    with connection.cursor() as cursor:
        cursor.execute(EVIDENCE, {"patients": [str(one) for one in found], "most": MOST})
        rows = [Row(*row) for row in cursor.fetchall()]
    for row in rows:
        found[row.patient_id].append(_evidence(row))
    return found


def _evidence(row: Row) -> Evidence:
    answers = [Answer(*answer) for answer in row.answers]
    labelled = [answer for answer in opinions.deciding(answers) if answer.label]
    return Evidence(
        key=str(row.key),
        kind=Kind(row.kind or kind_of(row.media_type, [answer.model for answer in answers])),
        at=row.at,
        level=PatientLevel(row.level or PatientLevel.UNKNOWN),
        label=max(labelled, key=lambda answer: answer.confidence or 0.0).label if labelled else "",
        probability=next((one.probabilities.get(EVENT) for one in answers if one.model == MODEL), None),
        reasons=tuple(beside_the_estimate(row.reasons)),
        red_flags=tuple(RedFlag(flag) for flag in row.red_flags),
        judgement=_judgement(row),
    )


def _judgement(row: Row) -> Judgement | None:
    if row.decision is None or row.found is None or row.found_level is None:
        return None
    return Judgement(row.found, PatientLevel(row.found_level), row.decision == Review.Decision.OVERRIDE)
