"""How far the recording and assessment of an imported table are, and the table with what became of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import page
from diagnostics import import_results
from patients.clinical.table import result_csv
from patients.models import ValueImport

if TYPE_CHECKING:
    import uuid

    from accounts.views.access import PageRequest


@require_safe
@page(Permission.IMPORT_VALUES)
def progress(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
    """A part of the import's page: asks again until everything is recorded and assessed, when the page is loaded anew."""
    found = ValueImport.objects.visible_to(request.user).get(pk=import_id)
    told = import_results.progress(request.user, found)
    audit.record(audit.Action.READ, obj=found)
    if told.finished and "running" in request.GET:
        return HttpResponseClientRefresh()
    return render(request, "diagnostics/_import_progress.html", {"found": found, "progress": told})


@require_safe
@page(Permission.IMPORT_VALUES)
def result(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
    """The table as it came, with verdict, reasons and risk before each row."""
    found = ValueImport.objects.visible_to(request.user).get(pk=import_id)
    rows = list(import_results.results(request.user, found))
    audit.record(audit.Action.EXPORT, obj=found, detail={"rows": len(rows), "format": "csv"})
    text = result_csv(found.headings, rows, said=import_results.SAID)
    name = f"import-{str(found.pk)[:8]}-result.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
