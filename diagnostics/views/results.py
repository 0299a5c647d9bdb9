"""The result of one diagnosis, and what a doctor decides about it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.policy import Permission, can
from accounts.views.access import page
from diagnostics import selectors
from diagnostics.conditions.selectors import revisions_for
from diagnostics.forms import ReviewForm, TellForm, label_words
from diagnostics.imaging.result_views import offered
from diagnostics.imaging.selectors import instance_of
from diagnostics.kinds import is_clinical, is_imaging, is_shown
from diagnostics.models import Heatmap, Recording
from diagnostics.services import lifecycle, recordings, reviews, second_opinions
from diagnostics.states import IllegalMove, Status
from diagnostics.views import shown, shown_chest, shown_clinical, shown_page
from diagnostics.views.pictures import safe_png

if TYPE_CHECKING:
    import uuid

    from accounts.views.access import PageRequest
    from diagnostics.models import Diagnosis, DicomInstance, Review

log = logging.getLogger(__name__)
DETAIL = "diagnostics:detail"


@require_safe
@page(Permission.READ_DIAGNOSES)
def detail(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """What the models answered, where they looked, how urgent it is, and who judged it."""
    diagnosis = selectors.get_diagnosis(request.user, diagnosis_id)
    audit.record(audit.Action.READ, obj=diagnosis, patient_id=diagnosis.patient_id)
    return _result_page(request, diagnosis, _review_form(diagnosis))


def _result_page(request: PageRequest, diagnosis: Diagnosis, form: ReviewForm) -> HttpResponse:
    past = list(selectors.reviews(request.user, diagnosis)) if can(request.user, Permission.REVIEW) else []
    latest = past[0] if past else None
    unsigned = latest is not None and getattr(latest, "report", None) is None
    mapped = (
        Heatmap.objects.visible_to(request.user)
        .filter(prediction__diagnosis=diagnosis)
        .values_list("pk", flat=True)
    )
    recording = Recording.objects.visible_to(request.user).filter(pk=diagnosis.pk).first()
    paper = shown_page.page_of(recording)
    clinical = is_clinical(diagnosis.upload.media_type)
    imaging = is_imaging(diagnosis.upload.media_type)
    instance = instance_of(request.user, diagnosis.upload) if imaging else None
    context = {
        "diagnosis": diagnosis,
        "clinical": shown_clinical.clinical_result(diagnosis) if clinical else None,
        "refused_title": "There is too little to assess" if clinical else "No model could read this file",
        "is_picture": is_shown(diagnosis.upload.media_type) and not paper,
        "about": revisions_for(
            request.user, labels=_named(diagnosis, latest), episodes=shown.episode_kinds(recording)
        ),
        "recording": recording,
        "paper": paper,
        "picture_alt": "The X-ray image" if instance else "The uploaded ECG picture",
        "ground_url": _ground_url(diagnosis, paper, instance),
        "instance": instance,
        "chest": shown_chest.measured(diagnosis) if instance else None,
        "measures": shown.recording_facts(recording) if recording and not paper else [],
        "tell_form": TellForm() if _may_tell(request, diagnosis) else None,
        "facts": shown.upload_facts(diagnosis),
        "predictions": []
        if clinical
        else shown.shown_predictions(diagnosis, mapped, paper["lead_maps"] if paper else {}),
        "exports": offered(request.user, diagnosis),
        "form": form,
        "reviews": [(review, label_words(review.label)) for review in past],
        "overridden": shown.override_words(latest) if latest else "",
        "may_review": can(request.user, Permission.REVIEW) and shown.may_be_reviewed(diagnosis),
        "may_sign": unsigned and latest is not None and latest.reviewer_id == request.user.pk,
        "may_retry": diagnosis.status == Status.FAILED and can(request.user, Permission.RETRY_DIAGNOSIS),
        "may_ask": second_opinions.may_be_asked(diagnosis) and can(request.user, Permission.RETRY_DIAGNOSIS),
        "opinions": None if clinical else shown.opinions(diagnosis),
        "amending": diagnosis.status in {Status.SIGNED, Status.AMENDED},
    }
    return render(request, "diagnostics/detail.html", context, status=422 if form.errors else 200)


def _review_form(diagnosis: Diagnosis, data: Any = None) -> ReviewForm:
    return ReviewForm(data, answer=diagnosis.answer, labels=reviews.labels_of(diagnosis))


def _ground_url(diagnosis: Diagnosis, paper: dict[str, Any] | None, instance: DicomInstance | None) -> str:
    """The picture that heatmaps lie on: what the models of pages saw, a frame of the study, or the uploaded one."""
    if instance:
        return reverse("diagnostics:frame-png", args=[instance.pk, 0])
    if paper and paper["ground"]:
        return str(paper["ground"]["url"])
    return reverse("diagnostics:image", args=[diagnosis.pk])


def _named(diagnosis: Diagnosis, latest: Review | None) -> list[str]:
    """What the doctor found, and what the models say, the one that decides first."""
    by_doctor = [latest.label] if latest else []
    return [*by_doctor, diagnosis.answer, *(answer.label for answer in diagnosis.answers())]


def _may_tell(request: PageRequest, diagnosis: Diagnosis) -> bool:
    asked = diagnosis.status == Status.REFUSED and diagnosis.reason_code in recordings.ASKED
    return asked and can(request.user, Permission.UPLOAD)


@require_safe
@page(Permission.READ_DIAGNOSES)
def image(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """The uploaded picture as a new PNG, never its own bytes."""
    diagnosis = selectors.get_diagnosis(request.user, diagnosis_id)
    if not is_shown(diagnosis.upload.media_type):
        raise Http404
    audit.record(audit.Action.READ, obj=diagnosis, patient_id=diagnosis.patient_id, detail={"image": True})
    try:
        png = safe_png(diagnosis.upload.storage_name)
    except Exception:  # each storage back end raises its own
        log.exception("picture of diagnosis %s cannot be shown", diagnosis.pk)
        return HttpResponse("The stored picture cannot be read now.", content_type="text/plain", status=503)
    return HttpResponse(png, content_type="image/png")


@require_safe
@page(Permission.READ_DIAGNOSES)
def heatmap(request: PageRequest, diagnosis_id: uuid.UUID, prediction_id: uuid.UUID) -> HttpResponse:
    """Where the model looked: an 8-bit grey PNG."""
    diagnosis = selectors.get_diagnosis(request.user, diagnosis_id)
    if prediction_id not in {prediction.pk for prediction in diagnosis.predictions.all()}:
        raise Http404
    png = selectors.heatmap_png(request.user, prediction_id)
    detail = {"heatmap": str(prediction_id)}
    audit.record(audit.Action.READ, obj=diagnosis, patient_id=diagnosis.patient_id, detail=detail)
    return HttpResponse(png, content_type="image/png")


@require_POST
@page(Permission.REVIEW)
def review(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """Confirm or override."""
    diagnosis = selectors.get_diagnosis(request.user, diagnosis_id)
    form = _review_form(diagnosis, request.POST)
    if form.is_valid():
        try:
            reviews.review(request.user, diagnosis_id=diagnosis_id, **form.cleaned_data)
        except reviews.ReviewRefused as refusal:
            form.add_error(None, str(refusal))
        except IllegalMove as move:
            messages.error(request, str(move))
            return redirect(DETAIL, diagnosis_id)
        else:
            messages.success(request, "Your review is kept. Sign it to release the report to the patient.")
            return redirect(DETAIL, diagnosis_id)
    audit.record(audit.Action.READ, obj=diagnosis, patient_id=diagnosis.patient_id)
    return _result_page(request, diagnosis, form)


@require_POST
@page(Permission.REVIEW)
def sign(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """Sign one's own review; from then on the patient sees the report."""
    try:
        report = reviews.sign(request.user, diagnosis_id=diagnosis_id)
    except (IllegalMove, reviews.ReviewRefused) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Signed. The patient can read version {report.version} of the report now.")
    return redirect(DETAIL, diagnosis_id)


@require_POST
@page(Permission.RETRY_DIAGNOSIS)
def retry(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """Run a failed diagnosis again."""
    try:
        lifecycle.retry(request.user, diagnosis_id=diagnosis_id)
    except IllegalMove as move:
        messages.error(request, str(move))
    else:
        messages.success(request, "The analysis is queued again, with the deciding model alone.")
    return redirect(DETAIL, diagnosis_id)


@require_POST
@page(Permission.RETRY_DIAGNOSIS)
def ask_every_model(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """Let every model answer about a finished picture."""
    try:
        second_opinions.ask_every_model(request.user, diagnosis_id=diagnosis_id)
    except (IllegalMove, second_opinions.AlreadyAsked) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Every model is asked now. Their answers appear here side by side.")
    return redirect(DETAIL, diagnosis_id)
