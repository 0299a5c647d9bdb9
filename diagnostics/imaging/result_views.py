"""A model's answer about an X-ray as DICOM: downloads, and the button that has it sent to the archive."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.policy import Permission, can
from accounts.views.access import page
from diagnostics.imaging import deliveries, exports
from diagnostics.imaging.reasons import ImagingRefused
from diagnostics.models import ArchiveDelivery
from diagnostics.reasons import Reason
from diagnostics.reasons import sentence as file_sentence
from diagnostics.services.claims import StoredFileMissing

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from pydicom.dataset import Dataset

    from accounts.actor import Actor
    from accounts.views.access import PageRequest
    from diagnostics.models import Diagnosis, Prediction

log = logging.getLogger(__name__)


def offered(actor: Actor, diagnosis: Diagnosis) -> dict[str, Any] | None:
    """What the result page offers of a diagnosis as DICOM; None where nothing was measured."""
    found = next((one for one in diagnosis.predictions.all() if exports.is_exportable(one)), None)
    if found is None:
        return None
    may_send = bool(settings.DICOM_ARCHIVE_URL) and can(actor, Permission.SEND_RESULTS)
    delivery = ArchiveDelivery.objects.visible_to(actor).filter(prediction=found).first()
    waits = delivery is not None and delivery.status in {delivery.Status.WAITING, delivery.Status.SENT}
    return {"prediction": found, "delivery": delivery, "may_send": may_send and not waits}


@require_safe
@page(Permission.READ_DIAGNOSES)
def report(request: PageRequest, prediction_id: uuid.UUID) -> HttpResponse:
    """The structured report."""
    return _download(request, prediction_id, "report", exports.report_of)


@require_safe
@page(Permission.READ_DIAGNOSES)
def capture(request: PageRequest, prediction_id: uuid.UUID) -> HttpResponse:
    """The secondary capture."""
    return _download(request, prediction_id, "capture", exports.capture_of)


def _download(
    request: PageRequest, prediction_id: uuid.UUID, name: str, make: Callable[[Prediction], Dataset]
) -> HttpResponse:
    from ml.dicom.reasons import UnusableDicom

    prediction = exports.get_prediction(request.user, prediction_id)
    stream = io.BytesIO()
    try:
        make(prediction).save_as(stream, enforce_file_format=True)
    except ImagingRefused as refusal:
        return _refused(refusal.reason.value, refusal.message, status=422)
    except UnusableDicom as refusal:
        return _refused(refusal.reason_code, refusal.message, status=422)
    except StoredFileMissing:
        log.exception("prediction %s cannot be exported", prediction.pk)
        return _refused(Reason.FILE_MISSING.value, file_sentence(Reason.FILE_MISSING), status=503)
    patient = prediction.diagnosis.patient_id
    audit.record(audit.Action.EXPORT, obj=prediction, patient_id=patient, detail={"dicom": name})
    headers = {"Content-Disposition": f'attachment; filename="{prediction.model}-{name}.dcm"'}
    return HttpResponse(stream.getvalue(), content_type="application/dicom", headers=headers)


def _refused(code: str, message: str, *, status: int) -> JsonResponse:
    return JsonResponse({"reason_code": code, "message": message}, status=status)


@require_POST
@page(Permission.SEND_RESULTS)
def send(request: PageRequest, prediction_id: uuid.UUID) -> HttpResponse:
    """Have it sent to the archive."""
    prediction = exports.get_prediction(request.user, prediction_id)
    try:
        deliveries.request(request.user, prediction_id=prediction_id)
    except ImagingRefused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "It is on its way to the archive; this page says when it is there.")
    return redirect("diagnostics:detail", prediction.diagnosis_id)
