"""Reads of studies, series and instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Prefetch, Q

from accounts.policy import Permission, require
from diagnostics.imaging.states import StudyStatus
from diagnostics.models import DicomInstance, DicomSeries, DicomStudy, RefusedObject

if TYPE_CHECKING:
    import uuid

    from django.db.models import QuerySet

    from accounts.actor import Actor
    from diagnostics.models import Upload
    from patients.models import Patient


def studies(actor: Actor, *, patient: Patient | None = None) -> QuerySet[DicomStudy]:
    """The filed studies that the actor may view, newest first, with their size as `size` (of instances)."""
    require(actor, Permission.READ_STUDIES)
    rows = DicomStudy.objects.visible_to(actor).filed().annotate(size=Count("instances"))
    rows = rows.order_by("-study_date", "-received_at", "pk")
    return rows.filter(patient=patient) if patient else rows


def held(actor: Actor) -> QuerySet[DicomStudy]:
    """What waits for somebody to say whose it is, the oldest first."""
    require(actor, Permission.RESOLVE_STUDIES)
    rows = DicomStudy.objects.visible_to(actor).filter(status=StudyStatus.HELD)
    rows = rows.select_related("claimed_patient", "received_by").annotate(size=Count("instances"))
    return rows.order_by("received_at", "pk")


def refused(actor: Actor) -> QuerySet[RefusedObject]:
    """Files that were refused at a door, the newest first: a doctor's own, for administrators those of all."""
    require(actor, Permission.SEE_REFUSED)
    return (
        RefusedObject.objects.visible_to(actor).select_related("received_by").order_by("-received_at", "pk")
    )


def rejected(actor: Actor) -> QuerySet[DicomStudy]:
    """Held studies of which a person said that they belong to nobody here, the newest decision first."""
    require(actor, Permission.SEE_REFUSED)
    rows = DicomStudy.objects.visible_to(actor).filter(status=StudyStatus.REJECTED)
    rows = rows.select_related("received_by", "decided_by").annotate(size=Count("instances"))
    return rows.order_by("-decided_at", "pk")


def get_study(actor: Actor, study_id: uuid.UUID) -> DicomStudy:
    """One filed or held study with series and instances. Raises DicomStudy.DoesNotExist for a foreign or rejected one alike."""
    require(actor, Permission.READ_STUDIES)
    rows = DicomStudy.objects.visible_to(actor).exclude(status=StudyStatus.REJECTED)
    return with_content(rows).get(pk=study_id)


def get_filed(actor: Actor, study_id: uuid.UUID) -> DicomStudy:
    """One filed study by itself. Raises DicomStudy.DoesNotExist."""
    require(actor, Permission.READ_STUDIES)
    return DicomStudy.objects.visible_to(actor).filed().get(pk=study_id)


def with_content(rows: QuerySet[DicomStudy]) -> QuerySet[DicomStudy]:
    """Studies with patient, series, instances, and the diagnoses of these, in a few statements."""
    instances = DicomInstance.objects.select_related("upload__diagnosis", "series")
    series = DicomSeries.objects.prefetch_related(Prefetch("instances", instances))
    return rows.select_related("patient", "claimed_patient", "received_by").prefetch_related(
        Prefetch("series", series)
    )


def prior(actor: Actor, study: DicomStudy) -> DicomStudy | None:
    """The study of the same patient before this one that shares a modality with it, with series and instances."""
    if study.patient_id is None:
        return None
    modalities = {series.modality for series in study.series.all()}
    before = Q(received_at__lt=study.received_at)
    if study.study_date:
        before = Q(study_date__lt=study.study_date) | Q(study_date=study.study_date) & before
    rows = DicomStudy.objects.visible_to(actor).filter(before, patient=study.patient_id)
    rows = rows.filter(series__modality__in=modalities).exclude(pk=study.pk)
    return with_content(rows.distinct().order_by("-study_date", "-received_at")).first()


def instance_of(actor: Actor, upload: Upload) -> DicomInstance | None:
    """The object that an upload of an X-ray is, with its study."""
    rows = DicomInstance.objects.visible_to(actor).filter(upload=upload).select_related("study", "series")
    return rows.first()


def get_instance(actor: Actor, instance_id: uuid.UUID) -> DicomInstance:
    """One instance of a study that the actor may view. Raises DicomInstance.DoesNotExist."""
    require(actor, Permission.READ_STUDIES)
    rows = DicomInstance.objects.visible_to(actor).exclude(study__status=StudyStatus.REJECTED)
    return rows.select_related("study", "series").get(pk=instance_id)
