"""The copy of a study without identity: asking for it, how far it is, and the download."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import page
from diagnostics.imaging import deidentified, selectors
from diagnostics.models import StudyExport
from diagnostics.reasons import Reason, sentence
from diagnostics.views.noting import noted_lately

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse
    from django.http.response import HttpResponseBase

    from accounts.views.access import PageRequest

log = logging.getLogger(__name__)


@require_POST
@page(Permission.EXPORT_STUDIES)
def prepare(request: PageRequest, study_id: uuid.UUID) -> HttpResponse:
    """Have a copy made."""
    deidentified.request(request.user, study_id=study_id)
    messages.success(request, "The copy is being prepared; this page says when it is there.")
    return redirect(f"{reverse('diagnostics:study', args=[study_id])}#export")


@require_safe
@page(Permission.EXPORT_STUDIES)
def progress(request: PageRequest, study_id: uuid.UUID) -> HttpResponse:
    """A part of the study's page: asks again until the copy is there."""
    study = selectors.get_filed(request.user, study_id)
    if not noted_lately(request, study.pk):
        audit.record(audit.Action.READ, obj=study, patient_id=study.patient_id)
    context = {"study": study, "export": deidentified.of_study(request.user, study)}
    return render(request, "diagnostics/imaging/_export.html", context)


@require_safe
@page(Permission.EXPORT_STUDIES)
def download(request: PageRequest, study_id: uuid.UUID) -> HttpResponseBase:
    """The copy, in pieces as it lies in the storage."""
    study = selectors.get_filed(request.user, study_id)
    row = deidentified.of_study(request.user, study)
    if row is None or row.status != StudyExport.Status.READY:
        raise Http404
    try:
        file = default_storage.open(row.storage_name, "rb")
    except Exception:  # each storage back end raises its own
        log.exception("export %s is not in the storage", row.pk)
        said = {"reason_code": Reason.FILE_MISSING.value, "message": sentence(Reason.FILE_MISSING)}
        return JsonResponse(said, status=503)
    detail = {"deidentified": "downloaded", "instances": row.written}
    audit.record(audit.Action.EXPORT, obj=study, patient_id=study.patient_id, detail=detail)
    name = f"study-{row.pk.hex[:8]}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
