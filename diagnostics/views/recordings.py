"""What the viewer of a recording asks for: findings, beats, stretches of the signal; and what a doctor says about it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import page
from diagnostics import selectors, signals
from diagnostics.forms import TellForm, WindowForm
from diagnostics.reasons import Reason, sentence
from diagnostics.services import recordings
from diagnostics.states import IllegalMove
from diagnostics.views.noting import noted_lately
from diagnostics.views.shown import heat_rows, recording_findings

if TYPE_CHECKING:
    import uuid

    from accounts.views.access import PageRequest
    from diagnostics.models import Recording

log = logging.getLogger(__name__)


def _refused(reason: Reason, message: str, *, status: int) -> JsonResponse:
    return JsonResponse({"reason_code": reason.value, "message": message}, status=status)


def _read(request: PageRequest, diagnosis_id: uuid.UUID, **detail: Any) -> Recording:
    found = selectors.recording(request.user, diagnosis_id)
    _note(found, **detail)
    return found


def _note(recording: Recording, **detail: Any) -> None:
    diagnosis = recording.diagnosis
    audit.record(
        audit.Action.READ,
        obj=diagnosis,
        patient_id=diagnosis.patient_id,
        detail={"recording": True} | detail,
    )


@require_safe
@page(Permission.READ_DIAGNOSES)
def summary(request: PageRequest, diagnosis_id: uuid.UUID) -> JsonResponse:
    """Leads, length, classes with their letters and counts, episodes, stretches that could not be analysed."""
    return JsonResponse(recording_findings(_read(request, diagnosis_id)))


@require_safe
@page(Permission.READ_DIAGNOSES)
def beats(request: PageRequest, diagnosis_id: uuid.UUID) -> JsonResponse:
    """Every beat: sample, class, confidence, and a doctor's own class where there is one."""
    recording = _read(request, diagnosis_id, beats=True)
    found = recording.beats()
    return JsonResponse(
        {
            "samples": found.samples,
            "classes": found.classes,
            "confidence": found.confidences,
            "overrides": {str(row.beat): row.label for row in selectors.overrides(request.user, recording)},
            "heat": heat_rows(recording),
        }
    )


@require_safe
@page(Permission.READ_DIAGNOSES)
def signal(request: PageRequest, diagnosis_id: uuid.UUID) -> JsonResponse:
    """A stretch of the signal for a screen."""
    form = WindowForm(request.GET)
    if not form.is_valid():
        return _refused(Reason.BAD_WINDOW, sentence(Reason.BAD_WINDOW), status=400)
    asked = form.cleaned_data
    recording = selectors.recording(request.user, diagnosis_id)
    if not noted_lately(request, diagnosis_id):
        _note(recording, signal=True)
    leads = asked["leads"].split(",") if asked["leads"] else None
    try:
        found = signals.window(
            recording, from_s=asked["from"], seconds=asked["seconds"], columns=asked["columns"], leads=leads
        )
    except signals.SignalMissing:
        log.exception("signal of diagnosis %s cannot be shown", diagnosis_id)
        return _refused(Reason.SIGNAL_MISSING, sentence(Reason.SIGNAL_MISSING), status=503)
    return JsonResponse(found)


@require_safe
@page(Permission.READ_DIAGNOSES)
def page_picture(request: PageRequest, diagnosis_id: uuid.UUID, name: str) -> HttpResponse:
    """One of the pictures that the worker made of a 12-lead page: cropped, grey, blurred, black and white, the trace, or lead weights."""
    recording = selectors.recording(request.user, diagnosis_id)
    kept = [*recording.summary.get("pictures", []), *recording.summary.get("lead_maps", [])]
    file = next((one["file"] for one in kept if one["name"] == name), None)
    if file is None:
        raise Http404
    _note(recording, page=name)
    try:
        with default_storage.open(f"{recording.signal['prefix']}/{file}", "rb") as stored:
            data = stored.read()
    except Exception:  # each storage back end raises its own
        log.exception("picture %s of diagnosis %s cannot be shown", name, diagnosis_id)
        return HttpResponse(sentence(Reason.SIGNAL_MISSING), content_type="text/plain", status=503)
    return HttpResponse(data, content_type="image/webp")


@require_POST
@page(Permission.REVIEW)
def override(request: PageRequest, diagnosis_id: uuid.UUID) -> JsonResponse:
    """A doctor's own class for one beat."""
    beat = request.POST.get("beat", "")
    try:
        row = recordings.override_beat(
            request.user,
            diagnosis_id=diagnosis_id,
            beat=int(beat) if beat.isascii() and beat.isdigit() else -1,
            label=request.POST.get("label", ""),
        )
    except recordings.OverrideRefused as refusal:
        return _refused(refusal.reason, refusal.message, status=422)
    return JsonResponse({"beat": row.beat, "label": row.label, "by": str(request.user)})


@require_POST
@page(Permission.UPLOAD)
def tell(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """Say what a recording's file does not say about itself, and analyse it again."""
    form = TellForm(request.POST)
    try:
        if not form.is_valid():
            raise recordings.AnswerRefused(
                "The sampling rate is a number of samples per second, for example 250."
            )
        recordings.tell(request.user, diagnosis_id=diagnosis_id, **form.cleaned_data)
    except (recordings.AnswerRefused, IllegalMove) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Thank you. The recording is analysed again with what you said.")
    return redirect("diagnostics:detail", diagnosis_id)
