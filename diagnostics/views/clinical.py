"""Asking for an assessment of a patient's clinical values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.policy import Permission
from accounts.views.access import page
from diagnostics.services.clinical import request_clinical_diagnosis
from diagnostics.services.inspection import Refused

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from accounts.views.access import PageRequest


@require_POST
@page(Permission.UPLOAD)
def assess(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Queue it, or find it where nothing has changed, and show it."""
    try:
        requested = request_clinical_diagnosis(request.user, patient_id=patient_id)
    except Refused as refusal:
        messages.error(request, refusal.message)
        return redirect("patients:values", patient_id)
    if requested.known:
        messages.info(request, requested.message)
    return redirect("diagnostics:detail", requested.diagnosis.pk)
