"""Pages of imports: choosing a table, naming its columns, the verdict of each row, recording. How far it is: diagnostics.views.imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import other_parameters, page, paginate
from patients.clinical import table as tables
from patients.clinical.forms import MappingForm, TableForm
from patients.models import ValueImport, ValueImportRow
from patients.services import value_imports as services

if TYPE_CHECKING:
    import uuid

    from accounts.views.access import PageRequest

PAGE = "patients:import"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Verdict = ValueImportRow.Verdict


@require_http_methods(["GET", "POST"])
@page(Permission.IMPORT_VALUES)
def imports(request: PageRequest) -> HttpResponse:
    """The user's imports, and the form that begins another."""
    form = TableForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["table"]
        try:
            found = services.begin_import(
                request.user, filename=file.name, data=file.read(tables.MOST_BYTES + 1)
            )
        except tables.TableRefused as refused:
            form.add_error("table", str(refused))
        else:
            return redirect(PAGE, found.pk)
    page_obj = paginate(request, ValueImport.objects.visible_to(request.user))
    audit.record(audit.Action.SEARCH, detail={"list": "imports", "found": page_obj.paginator.count})
    context = {"form": form, "page_obj": page_obj, "query": other_parameters(request)}
    return render(request, "patients/imports.html", context, status=422 if form.errors else 200)


@require_safe
@page(Permission.IMPORT_VALUES)
def template(request: PageRequest) -> HttpResponse:
    """A table with every column and one row as an example."""
    return _csv(tables.template(), "clinical-values-template.csv")


@require_safe
@page(Permission.IMPORT_VALUES)
def template_workbook(request: PageRequest) -> HttpResponse:
    """The same as an Excel workbook, with a sheet that says what each column takes."""
    headers = {"Content-Disposition": 'attachment; filename="clinical-values-template.xlsx"'}
    return HttpResponse(tables.template_workbook(), content_type=XLSX, headers=headers)


@require_http_methods(["GET", "POST"])
@page(Permission.IMPORT_VALUES)
def table(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
    """One import: its columns, how many rows would be recorded, and why the others would not."""
    found = ValueImport.objects.visible_to(request.user).get(pk=import_id)
    data = request.POST if request.method == "POST" else None
    initial = {"measured_at": found.measured_at}
    form = MappingForm(data, headings=found.headings, mapping=found.mapping, initial=initial)
    if data is not None and form.is_valid():
        try:
            services.check_import(
                request.user,
                import_id=import_id,
                mapping=form.mapping(),
                measured_at=form.cleaned_data["measured_at"],
            )
        except services.MappingRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect(PAGE, import_id)
    audit.record(audit.Action.READ, obj=found)
    context = _context(request, found) | {"form": form, "columns": _columns(found, form)}
    return render(request, "patients/import.html", context, status=422 if form.errors else 200)


@require_POST
@page(Permission.IMPORT_VALUES)
def record(request: PageRequest, import_id: uuid.UUID) -> HttpResponse:
    """Record the first rows, or the next ones; workers go on from there by themselves."""
    try:
        services.begin_recording(
            request.user, import_id=import_id, take_unusual=bool(request.POST.get("take_unusual"))
        )
    except services.MappingRefused as refused:
        messages.error(request, str(refused))
    else:
        services.record_step(request.user, import_id=import_id)
    return redirect(PAGE, import_id)


def _context(request: PageRequest, found: ValueImport) -> dict[str, Any]:
    counts = services.counts(request.user, found)
    waiting = sum(counts.get(verdict, 0) for verdict in services.to_record(found))
    recorded = counts.get(Verdict.RECORDED, 0)
    objections = ValueImportRow.objects.visible_to(request.user).filter(
        table=found, verdict__in=(Verdict.UNUSUAL, Verdict.REFUSED)
    )
    page_obj = paginate(request, objections)
    missing = tables.missing_features(found.mapping)
    return {
        "found": found,
        "counts": counts,
        "total": sum(counts.values()),
        "recorded": recorded,
        "aim": recorded + waiting,
        "missing": missing,
        "features": len(tables.HEART),
        "given": len(tables.HEART) - len(missing),
        "page_obj": page_obj,
        "objections": page_obj,
        "query": other_parameters(request),
    }


def _columns(found: ValueImport, form: MappingForm) -> list[dict[str, Any]]:
    """Each column with the cell of the first row, and what it may be where nothing was chosen."""
    first = found.rows.first()
    cells = list(first.cells) if first else []
    cells += [""] * len(found.headings)
    return [
        {"field": field, "example": cell, "perhaps": "" if field.value() else tables.suggestion(heading)}
        for field, cell, heading in zip(form.columns(), cells, found.headings, strict=False)
    ]


def _csv(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
