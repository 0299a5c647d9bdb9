"""What becomes of a study once its objects are there: completed, diagnosed; of a held one: released, assigned or rejected."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.policy import Permission, require
from diagnostics.imaging.reasons import ImagingReason, ImagingRefused
from diagnostics.imaging.routing import send_to_models
from diagnostics.imaging.states import StudyStatus, check_study_move
from diagnostics.models import DicomInstance, DicomSeries, DicomStudy
from diagnostics.services.uploads import discard_file
from diagnostics.states import SETTLED
from patients.models import Patient

if TYPE_CHECKING:
    import uuid

    from accounts.actor import Actor

log = logging.getLogger(__name__)
AT_ONCE = 20


@transaction.atomic
def complete(actor: Actor, *, study_id: uuid.UUID) -> DicomStudy:
    """Say that a study is all there, so that the models are asked now and not after the idle time.

    Raises:
        PermissionDenied, DicomStudy.DoesNotExist, IllegalStudyMove: not allowed, not the actor's, not receiving.
    """
    require(actor, Permission.UPLOAD)
    study = _locked(actor, study_id)
    _complete(study, by_person=True)
    return study


def _complete(study: DicomStudy, *, by_person: bool) -> None:
    check_study_move(study.status, StudyStatus.COMPLETE)
    queued = send_to_models(study)
    study.status, study.completed_at = StudyStatus.COMPLETE, timezone.now()
    study.save(update_fields=["status", "completed_at"])
    detail = {"status": study.status, "queued": queued, "by_person": by_person}
    audit.record(audit.Action.UPDATE, obj=study, patient_id=study.patient_id, detail=detail)


@transaction.atomic
def sweep_studies() -> dict[str, int]:
    """As the system: complete what has been idle, and note what is diagnosed. Several sweepers at once do no harm."""
    now = timezone.now()
    idle = DicomStudy.objects.filter(
        status=StudyStatus.RECEIVING,
        last_received_at__lt=now - dt.timedelta(seconds=settings.DICOM_IDLE_S),
    )
    completed = 0
    for study in idle.select_for_update(skip_locked=True)[:AT_ONCE]:
        _complete(study, by_person=False)
        completed += 1
    open_ = DicomInstance.objects.exclude(upload=None).exclude(upload__diagnosis__status__in=SETTLED)
    done = DicomStudy.objects.filter(status=StudyStatus.COMPLETE).exclude(pk__in=open_.values("study"))
    diagnosed = 0
    for study in done.select_for_update(skip_locked=True)[:AT_ONCE]:
        check_study_move(study.status, StudyStatus.DIAGNOSED)
        study.status = StudyStatus.DIAGNOSED
        study.save(update_fields=["status"])
        diagnosed += 1
    return {"completed": completed, "diagnosed": diagnosed}


@transaction.atomic
def release(actor: Actor, *, study_id: uuid.UUID, mrn: str = "") -> DicomStudy:
    """File a held study: to the patient whom the sender named, or to the one with this MRN.

    Raises:
        PermissionDenied, DicomStudy.DoesNotExist, IllegalStudyMove: not allowed, not the actor's, not held.
        ImagingRefused: no such patient of the actor's, or the patient has other objects under the same UIDs.
    """
    require(actor, Permission.RESOLVE_STUDIES)
    study = _locked(actor, study_id)
    check_study_move(study.status, StudyStatus.RECEIVING)
    patient = _chosen(actor, study, mrn.strip())
    detail = {"status": "released", "reason_code": study.reason_code}
    into = DicomStudy.objects.filter(patient=patient, study_uid=study.study_uid).select_for_update().first()
    _check_uids(study, patient)
    study.status, study.patient = StudyStatus.RECEIVING, patient
    study.decided_by_id, study.decided_at = actor.pk, timezone.now()
    study.last_received_at = timezone.now()
    if into is not None:
        detail["into"] = str(into.pk)
        study = _merged(study, into)
    study.save()
    audit.record(audit.Action.UPDATE, obj=study, patient_id=patient.pk, detail=detail)
    return study


def _chosen(actor: Actor, study: DicomStudy, mrn: str) -> Patient:
    mine = Patient.objects.visible_to(actor)
    claimed = study.claimed_patient_id
    named = mine.filter(mrn__iexact=mrn) if mrn else mine.filter(pk=claimed) if claimed else mine.none()
    patient = named.first()
    if patient is None:
        raise ImagingRefused(ImagingReason.NO_SUCH_PATIENT)
    return patient


def _check_uids(study: DicomStudy, patient: Patient) -> None:
    """Refuse to file objects under whose UIDs the patient has others; the same ones again are taken out of what is held."""
    held = {row.sop_uid: row for row in study.instances.all()}
    there = DicomInstance.objects.filter(study__patient=patient, sop_uid__in=held)
    known = dict(there.values_list("sop_uid", "sha256"))
    others = [uid for uid, sha256 in known.items() if held[uid].sha256 != sha256]
    if others:
        raise ImagingRefused(ImagingReason.CANNOT_MERGE, count=len(others))
    for uid in known:
        transaction.on_commit(functools.partial(discard_file, held[uid].storage_name), robust=True)
    DicomInstance.objects.filter(study=study, sop_uid__in=known).delete()


def _merged(study: DicomStudy, into: DicomStudy) -> DicomStudy:
    """Move the series and instances of a held study into the one that the patient has; the emptied one is removed."""
    there = {row.series_uid: row for row in into.series.all()}
    for series in study.series.all():
        if same := there.get(series.series_uid):
            DicomInstance.objects.filter(series=series).update(series=same, study=into)
            series.delete()
        else:
            DicomInstance.objects.filter(series=series).update(study=into)
            DicomSeries.objects.filter(pk=series.pk).update(study=into)
    into.last_received_at = study.last_received_at
    into.status = StudyStatus.RECEIVING
    DicomStudy.objects.filter(pk=study.pk).delete()
    return into


@transaction.atomic
def reject(actor: Actor, *, study_id: uuid.UUID) -> DicomStudy:
    """Say that a held study belongs to nobody here. It is kept, of no patient, and its pictures are shown nowhere.

    Raises:
        PermissionDenied, DicomStudy.DoesNotExist, IllegalStudyMove: not allowed, not the actor's, not held.
    """
    require(actor, Permission.RESOLVE_STUDIES)
    study = _locked(actor, study_id)
    check_study_move(study.status, StudyStatus.REJECTED)
    study.status, study.decided_by_id, study.decided_at = StudyStatus.REJECTED, actor.pk, timezone.now()
    study.save()
    detail = {"status": study.status, "reason_code": study.reason_code}
    audit.record(audit.Action.UPDATE, obj=study, patient_id=study.claimed_patient_id, detail=detail)
    return study


def _locked(actor: Actor, study_id: uuid.UUID) -> DicomStudy:
    return DicomStudy.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=study_id)
