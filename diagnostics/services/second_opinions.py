"""Asking every model of pictures, not the deciding one alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts import audit
from accounts.policy import Permission, require
from diagnostics.kinds import is_picture
from diagnostics.models import Diagnosis, Recording
from diagnostics.reasons import Reason
from diagnostics.services.lifecycle import requeue
from diagnostics.states import IllegalMove, Status

if TYPE_CHECKING:
    import uuid

    from accounts.actor import Actor


class AlreadyAsked(Exception):  # named after what happened
    """There is nobody left to ask; the text says why, for the doctor."""


def may_be_asked(diagnosis: Diagnosis) -> bool:
    """Whether a result is of a picture, of the deciding model alone, and judged by nobody yet."""
    fresh = diagnosis.status == Status.COMPLETED and not diagnosis.second_opinions
    return fresh and _of_heartbeat(diagnosis)


def _of_heartbeat(diagnosis: Diagnosis) -> bool:
    """Whether a picture is of a single heartbeat, as far as it is known. Of a page every model has answered at once."""
    picture = is_picture(diagnosis.upload.media_type)
    return picture and not Recording.objects.filter(pk=diagnosis.pk).exists()


@transaction.atomic
def ask_every_model(actor: Actor, *, diagnosis_id: uuid.UUID) -> Diagnosis:
    """Analyse a finished picture once more with every model, as a new attempt; the earlier answers stay in the audit.

    Raises:
        PermissionDenied, Diagnosis.DoesNotExist: not allowed, not the actor's.
        IllegalMove: it is not finished, or somebody has judged it already.
        AlreadyAsked: every model has answered, or it is a recording.
    """
    require(actor, Permission.RETRY_DIAGNOSIS)
    diagnosis = _locked(Diagnosis.objects.visible_to(actor).get(pk=diagnosis_id))
    if diagnosis.status != Status.COMPLETED:
        raise IllegalMove(Status(diagnosis.status), Status.QUEUED)
    if not may_be_asked(diagnosis):
        raise AlreadyAsked("Every model that reads this file has answered already.")
    _ask(diagnosis)
    return diagnosis


@transaction.atomic
def ask_for_known(known: Diagnosis) -> Reason:
    """Ask every model about a file that was uploaded again with that wish; the reason code says what became of the wish.

    The caller has checked that the actor may upload for this patient. What a doctor has judged is never computed again.
    """
    diagnosis = _locked(known)
    if diagnosis.second_opinions or not _of_heartbeat(diagnosis):
        return Reason.DUPLICATE
    if diagnosis.status == Status.QUEUED:  # whoever claims it reads the wish
        diagnosis.second_opinions = True
        diagnosis.save(update_fields=["second_opinions"])
        _note(diagnosis)
    elif may_be_asked(diagnosis):
        _ask(diagnosis)
    else:
        return Reason.DUPLICATE_NOT_ASKED
    return Reason.DUPLICATE_ASKED


def _locked(diagnosis: Diagnosis) -> Diagnosis:
    rows = Diagnosis.objects.select_for_update(of=("self",)).select_related("upload")
    return rows.get(pk=diagnosis.pk)


def _ask(diagnosis: Diagnosis) -> None:
    diagnosis.second_opinions = True
    requeue(diagnosis)
    _note(diagnosis)


def _note(diagnosis: Diagnosis) -> None:
    detail = {"second_opinions": True, "attempt": diagnosis.attempt}
    audit.record(audit.Action.UPDATE, obj=diagnosis, patient_id=diagnosis.patient_id, detail=detail)
