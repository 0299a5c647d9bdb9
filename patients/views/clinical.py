"""Pages of clinical values: what is known, entering, checking while typing, the course of one, correcting, the export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.policy import Permission, can
from accounts.views.access import other_parameters, page, paginate
from patients import selectors
from patients.clinical import selectors as clinical
from patients.clinical.catalogue import CATALOGUE, COMPUTED, ENTERED
from patients.clinical.chart import chart
from patients.clinical.export import as_csv
from patients.clinical.forms import CorrectionForm, MeasuredForm, ValueForm, groups, value_forms
from patients.clinical.quantities import Group
from patients.clinical.reasons import ValuesRefused
from patients.services import clinical_values as services

if TYPE_CHECKING:
    import uuid

    from accounts.views.access import PageRequest
    from patients.models import ClinicalValue, Patient


@require_safe
@page(Permission.READ_VALUES)
def values(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The latest value of each quantity, the computed ones among them."""
    patient = selectors.get_patient(request.user, patient_id)
    latest = clinical.latest_values(request.user, patient)
    record = clinical.heart_failure_record(patient, latest)
    audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk, detail={"values": "latest"})
    context = {
        "patient": patient,
        "groups": [
            (group, rows)
            for group in Group
            if (rows := [point for point in latest.values() if point.quantity.group is group])
        ],
        "missing": [_column_name(name) for name, value in record.items() if value is None],
        "features": len(record),
        "may_write": can(request.user, Permission.WRITE_VALUES),
        "may_assess": can(request.user, Permission.UPLOAD),
        "may_see_trends": can(request.user, Permission.SEE_DASHBOARDS),
    }
    return render(request, "patients/values.html", context)


@require_http_methods(["GET", "POST"])
@page(Permission.WRITE_VALUES)
def enter(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The form for several values of one time, and its answer."""
    patient = selectors.get_patient(request.user, patient_id)
    data = request.POST if request.method == "POST" else None
    measured, rows = MeasuredForm(data), value_forms(data, check_url=_check_url(patient))
    refused = ""
    if data is not None:
        entries = [entry for form in rows if (entry := form.entry())]
        for form in rows:
            form.judge()
        if measured.is_valid():
            at = measured.cleaned_data["measured_at"]
            try:
                services.record_values(request.user, patient=patient, measured_at=at, entries=entries)
            except ValuesRefused as error:
                refused = _show_refusals(error, measured, {form.of.code: form for form in rows})
            else:
                messages.success(request, f"{len(entries)} value{'s' * (len(entries) != 1)} recorded.")
                return redirect("patients:values", patient.pk)
    else:
        audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk, detail={"form": "values"})
    context = {"patient": patient, "measured": measured, "groups": groups(rows), "refused": refused}
    return render(request, "patients/enter_values.html", context, status=200 if data is None else 422)


@require_POST
@page(Permission.WRITE_VALUES)
def check(request: PageRequest, patient_id: uuid.UUID, code: str) -> HttpResponse:
    """What is to be said of one value while the form is filled in. Nothing is read or kept."""
    if code not in ENTERED:
        raise Http404
    selectors.get_patient(request.user, patient_id)
    form = ValueForm(request.POST, of=ENTERED[code])
    form.judge()
    return render(request, "patients/_value_said.html", {"form": form})


@require_safe
@page(Permission.READ_VALUES)
def course(request: PageRequest, patient_id: uuid.UUID, code: str) -> HttpResponse:
    """One quantity: its course as a chart, and every value that was ever entered."""
    if code not in CATALOGUE:
        raise Http404
    patient = selectors.get_patient(request.user, patient_id)
    of = CATALOGUE[code]
    points = clinical.course(request.user, patient, of)
    audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk, detail={"values": code})
    context: dict[str, Any] = {"patient": patient, "of": of, "points": points, "chart": chart(points)}
    if code in COMPUTED:
        context |= {"points": points[::-1], "why_not": clinical.not_computed(patient, of)}
    else:
        context["page_obj"] = paginate(request, clinical.clinical_values(request.user, patient, code=code))
        context["query"] = other_parameters(request)
        context["may_write"] = can(request.user, Permission.WRITE_VALUES)
    return render(request, "patients/course.html", context)


@require_http_methods(["GET", "POST"])
@page(Permission.WRITE_VALUES)
def correct(request: PageRequest, patient_id: uuid.UUID, value_id: int) -> HttpResponse:
    """The form that replaces a value or takes it back, and its answer."""
    patient = selectors.get_patient(request.user, patient_id)
    old = clinical.clinical_values(request.user, patient).get(pk=value_id)
    data = request.POST if request.method == "POST" else None
    form = CorrectionForm(data, initial={"measured_at": old.measured_at})
    typed = {"value": old.entered_value, "unit": old.entered_unit}
    value = ValueForm(data, of=old.quantity, check_url=_check_url(patient)(old.code), initial=typed)
    if data is not None and form.is_valid():
        try:
            _correct(request, old, form, value)
        except ValuesRefused as error:
            if refused := _show_refusals(error, form, {old.code: value}):
                form.add_error(None, refused)
        else:
            messages.success(request, "The value was corrected. The old one stays in the list.")
            return redirect("patients:course", patient.pk, old.code)
    if data is None:
        audit.record(audit.Action.READ, obj=old, patient_id=patient.pk)
    context = {"patient": patient, "old": old, "form": form, "value": value}
    return render(request, "patients/correct_value.html", context, status=200 if data is None else 422)


@require_safe
@page(Permission.READ_VALUES)
def export(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Every value of the patient as CSV, corrected and taken back ones too."""
    patient = selectors.get_patient(request.user, patient_id)
    rows = list(clinical.clinical_values(request.user, patient))
    audit.record(
        audit.Action.EXPORT, obj=patient, patient_id=patient.pk, detail={"values": len(rows), "format": "csv"}
    )
    # The file's name names nobody: downloads lie about.
    name = f"clinical-values-{str(patient.pk)[:8]}-{timezone.now():%Y%m%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(as_csv(rows), content_type="text/csv; charset=utf-8", headers=headers)


def _correct(request: PageRequest, old: ClinicalValue, form: CorrectionForm, value: ValueForm) -> None:
    reason = form.cleaned_data["reason"]
    if form.cleaned_data["take_back"]:
        services.withdraw_value(request.user, value_id=old.pk, reason=reason)
        return
    entry = value.entry()
    services.correct_value(
        request.user,
        value_id=old.pk,
        text=entry.text if entry else "",
        unit=entry.unit if entry else "",
        measured_at=form.cleaned_data["measured_at"],
        reason=reason,
        confirmed=bool(entry and entry.confirmed),
    )


def _show_refusals(error: ValuesRefused, measured: MeasuredForm, by_code: dict[str, ValueForm]) -> str:
    """Put each refusal beside what it is about; returns what is about none of the values."""
    general = []
    for refusal in error.refusals:
        if refusal.reason in services.OF_TIME:
            measured.add_error("measured_at", str(refusal))
        elif refusal.code in by_code and refusal.reason not in services.OF_ROW:
            by_code[refusal.code].refuse(refusal)
        else:
            general.append(str(refusal))
    return " ".join(general)


def _check_url(patient: Patient) -> Any:
    return lambda code: reverse("patients:check-value", args=[patient.pk, code])


def _column_name(column: str) -> str:
    """A feature of the heart-failure data for people."""
    return CATALOGUE[column].name if column in CATALOGUE else column.capitalize()
