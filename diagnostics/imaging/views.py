"""Pages of imaging studies: upload, the study, what is held, and what the viewer asks for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.policy import Permission, can
from accounts.views.access import other_parameters, page, paginate
from diagnostics.imaging import deidentified, rendering, selectors, shown, studies
from diagnostics.imaging.forms import ReleaseForm, WindowForm
from diagnostics.imaging.reasons import ImagingReason, ImagingRefused, sentence
from diagnostics.imaging.states import IllegalStudyMove, StudyStatus
from diagnostics.imaging.storage import stored_object
from diagnostics.imaging.upload_handler import ImagingUploadHandler
from diagnostics.imaging.uploading import upload_objects
from diagnostics.models import Heatmap
from diagnostics.reasons import Reason
from diagnostics.reasons import sentence as file_sentence
from diagnostics.services.claims import StoredFileMissing
from diagnostics.views.noting import noted_lately
from patients.selectors import get_patient

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from django.http import HttpRequest

    from accounts.views.access import PageRequest
    from diagnostics.models import DicomInstance, DicomStudy
    from patients.models import Patient

log = logging.getLogger(__name__)
STUDY, HELD = "diagnostics:study", "diagnostics:held-studies"
MOST_REJECTED = 50  # of the newest on the page
MOST_VERDICTS = 500  # of one upload on the page; each is counted, and each refusal is shown first


@csrf_exempt
def upload(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Take a study in. The token is checked inside: it is read with the files, which need a handler of their own."""
    received = ImagingUploadHandler(request)
    request.upload_handlers = [received]
    try:
        return _upload(request, patient_id)
    finally:
        received.close()


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.UPLOAD)
def _upload(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient = get_patient(request.user, patient_id)
    context: dict[str, Any] = {"patient": patient}
    if request.method == "POST":
        files = [*request.FILES.getlist("files"), *request.FILES.getlist("folder")]
        context |= _taken(request, patient, files)
    audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk)
    return render(request, "diagnostics/imaging/upload.html", context)


def _taken(request: PageRequest, patient: Patient, files: list[Any]) -> dict[str, Any]:
    if not files:
        return {"upload_error": file_sentence(Reason.NO_FILES)}
    verdicts = upload_objects(request.user, patient=patient, files=files)
    counts = [
        (name, sum(one.outcome == name for one in verdicts)) for name in ("filed", "held", "known", "refused")
    ]
    ranked = sorted(verdicts, key=lambda one: one.outcome == "filed")
    filed = {one.study_id for one in verdicts if one.study_id and one.outcome in {"filed", "known"}}
    return {
        "verdicts": ranked[:MOST_VERDICTS],
        "left_out": max(0, len(ranked) - MOST_VERDICTS),
        "counts": [(name, number) for name, number in counts if number],
        "studies": selectors.studies(request.user, patient=patient).filter(pk__in=filed),
    }


@require_safe
@page(Permission.READ_STUDIES)
def study(request: PageRequest, study_id: uuid.UUID) -> HttpResponse:
    """One study: its series and objects, what became of each, and whose it is where that is open."""
    return _study_page(request, selectors.get_study(request.user, study_id), ReleaseForm())


def _study_page(request: PageRequest, found: DicomStudy, form: ReleaseForm) -> HttpResponse:
    patient = found.patient_id or found.claimed_patient_id
    audit.record(audit.Action.READ, obj=found, patient_id=patient)
    held = found.status == StudyStatus.HELD
    may_export = found.patient_id is not None and can(request.user, Permission.EXPORT_STUDIES)
    context = {
        "study": found,
        "facts": shown.study_facts(found),
        "tables": list(shown.series_tables(found)),
        "columns": shown.COLUMNS,
        "picture": shown.first_picture(found),
        "held": held,
        "identity": shown.said_identity(found) if held else [],
        "form": form,
        "may_export": may_export,
        "export": deidentified.of_study(request.user, found) if may_export else None,
        "may_decide": held and can(request.user, Permission.RESOLVE_STUDIES),
        "may_complete": found.status == StudyStatus.RECEIVING and can(request.user, Permission.UPLOAD),
    }
    return render(request, "diagnostics/imaging/study.html", context, status=422 if form.errors else 200)


@require_safe
@page(Permission.RESOLVE_STUDIES)
def held_studies(request: PageRequest) -> HttpResponse:
    """What waits for somebody to say whose it is."""
    page_obj = paginate(request, selectors.held(request.user))
    audit.record(audit.Action.SEARCH, detail={"list": "held-studies", "found": page_obj.paginator.count})
    context = {"page_obj": page_obj, "query": other_parameters(request)}
    return render(request, "diagnostics/imaging/held.html", context)


@require_safe
@page(Permission.SEE_REFUSED)
def refused_studies(request: PageRequest) -> HttpResponse:
    """What was not taken at a door, and what a person rejected."""
    page_obj = paginate(request, selectors.refused(request.user))
    rejected = list(selectors.rejected(request.user)[:MOST_REJECTED])
    detail = {"list": "refused-studies", "found": page_obj.paginator.count, "rejected": len(rejected)}
    audit.record(audit.Action.SEARCH, detail=detail)
    context = {
        "page_obj": page_obj,
        "query": other_parameters(request),
        "rejected": rejected,
        "most_rejected": MOST_REJECTED,
        "days": settings.DICOM_REFUSALS_DAYS,
    }
    return render(request, "diagnostics/imaging/refused.html", context)


@require_POST
@page(Permission.UPLOAD)
def complete(request: PageRequest, study_id: uuid.UUID) -> HttpResponse:
    """Everything is there: ask the models."""
    try:
        studies.complete(request.user, study_id=study_id)
    except IllegalStudyMove as move:
        messages.error(request, str(move))
    else:
        messages.success(request, "The study is complete. What a model reads of it is queued.")
    return redirect(STUDY, study_id)


@require_POST
@page(Permission.RESOLVE_STUDIES)
def release(request: PageRequest, study_id: uuid.UUID) -> HttpResponse:
    """File a held study."""
    form = ReleaseForm(request.POST)
    if form.is_valid():
        try:
            filed = studies.release(request.user, study_id=study_id, mrn=form.cleaned_data["mrn"])
        except ImagingRefused as refusal:
            form.add_error("mrn", refusal.message)
        except IllegalStudyMove as move:
            messages.error(request, str(move))
            return redirect(STUDY, study_id)
        else:
            messages.success(request, f"Filed to {filed.patient}.")
            return redirect(STUDY, filed.pk)
    return _study_page(request, selectors.get_study(request.user, study_id), form)


@require_POST
@page(Permission.RESOLVE_STUDIES)
def reject(request: PageRequest, study_id: uuid.UUID) -> HttpResponse:
    """Say that a held study belongs to nobody here."""
    try:
        studies.reject(request.user, study_id=study_id)
    except IllegalStudyMove as move:
        messages.error(request, str(move))
    else:
        messages.success(
            request, "Rejected. It is kept for the record, of no patient, and listed under Refused files."
        )
    return redirect(HELD)


@require_safe
@page(Permission.READ_STUDIES)
def viewer(request: PageRequest, study_id: uuid.UUID) -> JsonResponse:
    """What the viewer shows: series, instances, what lies on them, and the study before."""
    found = selectors.get_study(request.user, study_id)
    before = selectors.prior(request.user, found)
    patient = found.patient_id or found.claimed_patient_id
    detail = {"viewer": True} | ({"prior": str(before.pk)} if before else {})
    audit.record(audit.Action.READ, obj=found, patient_id=patient, detail=detail)
    return JsonResponse(
        shown.for_viewer(found, _overlays(request, found))
        | {"prior": shown.for_viewer(before, _overlays(request, before)) if before else None}
    )


def _overlays(request: PageRequest, found: DicomStudy) -> dict[Any, list[dict[str, str]]]:
    """Where the models looked, by instance."""
    if not can(request.user, Permission.READ_DIAGNOSES):
        return {}
    maps = Heatmap.objects.visible_to(request.user).filter(
        prediction__diagnosis__upload__instances__study=found
    )
    rows = maps.values_list(
        "prediction__diagnosis__upload__instances",
        "prediction__diagnosis",
        "prediction",
        "prediction__model_version__name",
    )
    laid: dict[Any, list[dict[str, str]]] = {}
    for instance, diagnosis, prediction, model in rows.order_by("prediction__model_version__name"):
        laid.setdefault(instance, []).append({"name": model, "url": shown.heatmap_url(diagnosis, prediction)})
    return laid


@require_safe
@page(Permission.READ_STUDIES)
def frame_png(request: PageRequest, instance_id: uuid.UUID, index: int) -> HttpResponse:
    """One frame as a picture."""
    form = WindowForm(request.GET)
    if not form.is_valid():
        return _refused(ImagingReason.BAD_WINDOW.value, sentence(ImagingReason.BAD_WINDOW), status=400)
    window, invert = form.window(), form.cleaned_data["invert"]

    def draw(instance: DicomInstance) -> HttpResponse:
        png = rendering.frame_png(instance, index, window=window, invert=invert)
        return HttpResponse(png, content_type="image/png")

    return _frame(request, instance_id, f"{index}-{window}-{invert}", draw)


@require_safe
@page(Permission.READ_STUDIES)
def frame_raw(request: PageRequest, instance_id: uuid.UUID, index: int) -> HttpResponse:
    """One frame as values."""

    def draw(instance: DicomInstance) -> HttpResponse:
        frame = rendering.frame_raw(instance, index)
        return HttpResponse(frame.data, content_type="application/octet-stream", headers=frame.headers())

    return _frame(request, instance_id, f"{index}-raw", draw)


@require_safe
@page(Permission.READ_STUDIES)
def frame_table(request: PageRequest, instance_id: uuid.UUID, index: int) -> HttpResponse:
    """The table through which the object is shown until somebody chooses a window."""

    def draw(instance: DicomInstance) -> HttpResponse:
        return HttpResponse(rendering.frame_table(instance, index), content_type="application/octet-stream")

    return _frame(request, instance_id, f"{index}-voi", draw)


@require_safe
@page(Permission.READ_STUDIES)
def attributes(request: PageRequest, instance_id: uuid.UUID) -> HttpResponse:
    """What an object says, attribute by attribute."""

    def read(instance: DicomInstance) -> HttpResponse:
        from ml.dicom.attributes import attributes as attributes_of

        with stored_object(instance) as path:
            return JsonResponse({"attributes": attributes_of(path)})

    return _frame(request, instance_id, "attributes", read)


def _frame(
    request: PageRequest, instance_id: uuid.UUID, what: str, draw: Callable[[DicomInstance], HttpResponse]
) -> HttpResponse:
    """Access first, then the browser's own copy if it is this frame, then the frame."""
    instance = selectors.get_instance(request.user, instance_id)
    if not noted_lately(request, instance.pk):
        patient = instance.study.patient_id or instance.study.claimed_patient_id
        audit.record(audit.Action.READ, obj=instance, patient_id=patient, detail={"frames": True})
    tag = f'"{instance.sha256[:32]}-{what.replace(" ", "")}"'
    kept = request.headers.get("If-None-Match", "") == tag
    response = HttpResponse(status=304) if kept else _drawn(instance, draw)
    if response.status_code in {200, 304}:
        response["ETag"], response["Cache-Control"] = tag, "private, no-cache"
    return response


def _drawn(instance: DicomInstance, draw: Callable[[DicomInstance], HttpResponse]) -> HttpResponse:
    from ml.dicom.reasons import DicomReason, UnusableDicom

    try:
        return draw(instance)
    except UnusableDicom as refusal:
        if refusal.reason_code == DicomReason.NO_SUCH_FRAME:
            raise Http404 from None
        return _refused(refusal.reason_code, refusal.message, status=422)
    except ImagingRefused as refusal:
        return _refused(refusal.reason.value, refusal.message, status=422)
    except StoredFileMissing:
        log.exception("instance %s cannot be shown", instance.pk)
        return _refused(Reason.FILE_MISSING.value, file_sentence(Reason.FILE_MISSING), status=503)


def _refused(code: str, message: str, *, status: int) -> JsonResponse:
    return JsonResponse({"reason_code": code, "message": message}, status=status)
