"""What people say about a recording: a class of their own for single beats, and what its file does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, require
from diagnostics.kinds import UNITS
from diagnostics.models import BeatOverride, Diagnosis, Recording
from diagnostics.reasons import Reason, sentence
from diagnostics.services.lifecycle import requeue
from diagnostics.states import IllegalMove, Status

if TYPE_CHECKING:
    import uuid

    from accounts.actor import Actor

LOWEST_HZ, HIGHEST_HZ = 50.0, 20_000.0
# What a person can tell about a file that does not say it itself.
ASKED = {Reason.RATE_UNKNOWN.value, Reason.UNIT_UNKNOWN.value}


class OverrideRefused(Exception):  # named after what happened
    """The beat or the class does not exist; carries the reason code and the sentence for the doctor."""

    def __init__(self, reason: Reason, **values: object) -> None:
        self.reason, self.message = reason, sentence(reason, **values)
        super().__init__(self.message)


class AnswerRefused(Exception):  # named after what happened
    """What was said about the file cannot be; the text says why."""


@transaction.atomic
def override_beat(actor: Actor, *, diagnosis_id: uuid.UUID, beat: int, label: str) -> BeatOverride:
    """Note a doctor's own class for one beat; the model's answer stays beside it.

    Raises:
        PermissionDenied, Recording.DoesNotExist: not allowed, not the actor's.
        OverrideRefused: there is no such beat or class.
    """
    require(actor, Permission.REVIEW)
    recording = Recording.objects.visible_to(actor).select_related("diagnosis").get(pk=diagnosis_id)
    beats = len(recording.beat_classes)
    if not 0 <= beat < beats:
        raise OverrideRefused(Reason.NO_SUCH_BEAT, beats=beats, beat=beat)
    if label not in recording.classes:
        raise OverrideRefused(Reason.NO_SUCH_CLASS, classes=", ".join(recording.classes))
    row = BeatOverride.objects.create(recording=recording, beat=beat, label=label, by_id=person_id(actor))
    detail = {"beat": beat, "diagnosis": str(diagnosis_id)}
    audit.record(audit.Action.REVIEW, obj=row, patient_id=recording.diagnosis.patient_id, detail=detail)
    return row


@transaction.atomic
def tell(actor: Actor, *, diagnosis_id: uuid.UUID, sampling_rate_hz: float | None, unit: str) -> Diagnosis:
    """Say what a recording's file does not say about itself, and analyse it again.

    Raises:
        PermissionDenied, Diagnosis.DoesNotExist, IllegalMove: not allowed, not the actor's, nothing was asked.
        AnswerRefused: no answer, or one that no recorder gives.
    """
    require(actor, Permission.UPLOAD)
    diagnosis = Diagnosis.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=diagnosis_id)
    if diagnosis.status != Status.REFUSED or diagnosis.reason_code not in ASKED:
        raise IllegalMove(Status(diagnosis.status), Status.QUEUED)
    if sampling_rate_hz is None and not unit:
        raise AnswerRefused("Enter the sampling rate, the unit, or both.")
    if sampling_rate_hz is not None and not LOWEST_HZ <= sampling_rate_hz <= HIGHEST_HZ:
        raise AnswerRefused(f"A sampling rate is between {LOWEST_HZ:.0f} and {HIGHEST_HZ:.0f} Hz.")
    if unit and unit not in UNITS:
        raise AnswerRefused(f"The unit is one of {', '.join(UNITS)}.")
    upload = diagnosis.upload
    upload.sampling_rate_hz = sampling_rate_hz if sampling_rate_hz is not None else upload.sampling_rate_hz
    upload.unit = unit or upload.unit
    upload.save(update_fields=["sampling_rate_hz", "unit"])
    requeue(diagnosis)
    detail: dict[str, Any] = {"told": {"sampling_rate_hz": sampling_rate_hz, "unit": unit}}
    audit.record(audit.Action.UPDATE, obj=diagnosis, patient_id=diagnosis.patient_id, detail=detail)
    return diagnosis
