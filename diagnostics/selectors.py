"""Reads of diagnoses, predictions, reports and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import CharField, F, OuterRef, Prefetch, Subquery, Value

from accounts.policy import Permission, can, require
from diagnostics.models import (
    BeatOverride,
    Diagnosis,
    Heatmap,
    PatientRisk,
    Prediction,
    Recording,
    Report,
    Review,
    WorkerNode,
)

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from accounts.actor import Actor
    from patients.models import Patient


def diagnoses(actor: Actor, *, patient: Patient | None = None) -> QuerySet[Diagnosis]:
    """The diagnoses that the actor may read, newest first, with upload, patient and predictions."""
    require(actor, Permission.READ_DIAGNOSES)
    heatmaps = Heatmap.objects.visible_to(actor).defer("png")  # only whether there is one
    predictions = (
        Prediction.objects.visible_to(actor)
        .filter(attempt=F("diagnosis__attempt"))  # not what an earlier attempt was refused with
        .select_related("model_version")
        .defer("model_version__contract")
        .prefetch_related(Prefetch("heatmap", heatmaps))
    )
    rows = (
        Diagnosis.objects.visible_to(actor)
        .select_related("upload__uploaded_by", "patient")
        .prefetch_related(Prefetch("predictions", predictions))
    )
    return rows.filter(patient=patient) if patient else rows


def get_diagnosis(actor: Actor, diagnosis_id: uuid.UUID) -> Diagnosis:
    """One diagnosis. Raises Diagnosis.DoesNotExist for a foreign or unknown one alike."""
    return diagnoses(actor).get(pk=diagnosis_id)


def worklist(actor: Actor) -> QuerySet[Diagnosis]:
    """What waits for the actor: results without a signature, with their patient's level; the most urgent first.

    Red flags that nobody has judged, high risk, contested answers (`opinions.contested`), failures, moderate risk; of equals the oldest.
    """
    from django.db.models import Case, IntegerField, Q, When

    from diagnostics.risk import RiskLevel
    from diagnostics.states import Status

    unjudged_flag = ~Q(red_flags=[]) & ~Q(status=Status.REVIEWED)
    urgency = Case(
        When(unjudged_flag, then=Value(-1)),
        When(risk_level=RiskLevel.HIGH, then=Value(0)),
        When(models_disagree=True, then=Value(1)),
        When(status=Status.FAILED, then=Value(2)),
        When(risk_level=RiskLevel.MODERATE, then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    waiting = (Status.QUEUED, Status.RUNNING, Status.COMPLETED, Status.REVIEWED, Status.FAILED)
    return (
        diagnoses(actor)
        .filter(status__in=waiting)
        .annotate(urgency=urgency, patient_level=_level_of(actor, "patient_id"))
        .order_by("urgency", "created_at", "pk")
    )


def with_levels(actor: Actor, patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """The patients with their level as `level`; None where there is none, or where the actor may not read diagnoses."""
    level = _level_of(actor, "pk") if can(actor, Permission.READ_DIAGNOSES) else Value(None, CharField())
    return patients.annotate(level=level)


def levels_of(actor: Actor, patients: Iterable[Patient]) -> dict[uuid.UUID, str]:
    """The level of each of these patients; none for an actor who may not read diagnoses."""
    if not can(actor, Permission.READ_DIAGNOSES):
        return {}
    ids = [patient.pk for patient in patients]
    latest = PatientRisk.objects.visible_to(actor).filter(patient__in=ids).order_by("patient_id", "-pk")
    return dict(latest.distinct("patient_id").values_list("patient_id", "level"))


def _level_of(actor: Actor, patient: str) -> Subquery:
    latest = PatientRisk.objects.visible_to(actor).filter(patient=OuterRef(patient)).order_by("-pk")
    return Subquery(latest.values("level")[:1])


def patient_risks(actor: Actor, patient: Patient) -> QuerySet[PatientRisk]:
    """The assessments of a patient, the one in force first."""
    require(actor, Permission.READ_DIAGNOSES)
    return PatientRisk.objects.visible_to(actor).filter(patient=patient)


def heatmap(actor: Actor, prediction_id: uuid.UUID) -> Heatmap:
    """The heatmap of a prediction. Raises Heatmap.DoesNotExist if there is none that the actor may see."""
    require(actor, Permission.READ_DIAGNOSES)
    return Heatmap.objects.visible_to(actor).select_related("prediction__diagnosis").get(pk=prediction_id)


def heatmap_png(actor: Actor, prediction_id: uuid.UUID) -> bytes:
    """The bytes of `heatmap`."""
    return bytes(heatmap(actor, prediction_id).png)


def recording(actor: Actor, diagnosis_id: uuid.UUID) -> Recording:
    """What was found in a recording. Raises Recording.DoesNotExist if there is none that the actor may see."""
    require(actor, Permission.READ_DIAGNOSES)
    return Recording.objects.visible_to(actor).select_related("diagnosis").get(pk=diagnosis_id)


def overrides(actor: Actor, found: Recording) -> QuerySet[BeatOverride]:
    """Doctors' own classes for single beats, the latest of a beat last."""
    return BeatOverride.objects.visible_to(actor).filter(recording=found)


def reviews(actor: Actor, diagnosis: Diagnosis) -> QuerySet[Review]:
    """The reviews of a diagnosis, newest first."""
    return Review.objects.visible_to(actor).filter(diagnosis=diagnosis).select_related("reviewer", "report")


def reports(actor: Actor) -> QuerySet[Report]:
    """The signed reports that the actor may read: the latest version of each diagnosis, newest first."""
    latest = Report.objects.visible_to(actor).order_by("diagnosis_id", "-version").distinct("diagnosis_id")
    return Report.objects.visible_to(actor).filter(pk__in=latest.values("pk")).select_related("signed_by")


def predictions(actor: Actor) -> QuerySet[Prediction]:
    """Every prediction with its provenance, newest first, for those who audit."""
    require(actor, Permission.AUDIT_PREDICTIONS)
    return (
        Prediction.objects.visible_to(actor).select_related("model_version").defer("model_version__contract")
    )


def workers(actor: Actor) -> QuerySet[WorkerNode]:
    """The workers heard of, alive or not."""
    require(actor, Permission.SEE_WORKERS)
    return WorkerNode.objects.all()
