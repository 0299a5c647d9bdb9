"""The patient's own pages: signed reports in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import other_parameters, page, paginate
from diagnostics import selectors
from diagnostics.models import Report

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from accounts.views.access import PageRequest


@require_safe
@page(Permission.READ_OWN_REPORTS)
def reports(request: PageRequest) -> HttpResponse:
    """The latest version of each signed report, newest first."""
    page_obj = paginate(request, selectors.reports(request.user))
    audit.record(audit.Action.SEARCH, detail={"list": "reports", "found": page_obj.paginator.count})
    context = {"page_obj": page_obj, "query": other_parameters(request)}
    return render(request, "diagnostics/reports.html", context)


@require_safe
@page(Permission.READ_OWN_REPORTS)
def report(request: PageRequest, report_id: uuid.UUID) -> HttpResponse:
    """One report, fit to be printed. An earlier version stays readable and names the one that replaced it."""
    found = (
        Report.objects.visible_to(request.user)
        .select_related("signed_by", "patient", "about__condition")
        .get(pk=report_id)
    )
    detail = {"diagnosis": str(found.diagnosis_id)}
    audit.record(audit.Action.READ, obj=found, patient_id=found.patient_id, detail=detail)
    latest = selectors.reports(request.user).filter(diagnosis=found.diagnosis_id).exclude(pk=found.pk).first()
    return render(request, "diagnostics/report.html", {"report": found, "latest": latest})
