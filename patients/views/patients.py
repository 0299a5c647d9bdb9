"""Finding and registering patients, their care team and their history's entries. The history page is in diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.policy import Permission, can
from accounts.views.access import other_parameters, page, paginate
from patients import selectors
from patients.forms import ENTRY_FORMS, AddMemberForm, RegisterPatientForm
from patients.services import history as history_services
from patients.services import patients as patient_services

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from accounts.views.access import PageRequest

HISTORY = "diagnostics:history"


@require_safe
@page(Permission.FIND_PATIENTS)
def patient_list(request: PageRequest) -> HttpResponse:
    """The user's patients, searched by name, MRN or birth date while the user types. The trail keeps no search text."""
    query = request.GET.get("q", "")
    page_obj = paginate(request, selectors.find_patients(request.user, query))
    audit.record(audit.Action.SEARCH, detail={"list": "patients", "found": page_obj.paginator.count})
    context = {
        "page_obj": page_obj,
        "query": other_parameters(request),
        "q": query,
        "may_open": can(request.user, Permission.READ_HISTORY),
        "may_register": can(request.user, Permission.REGISTER_PATIENT),
    }
    return render(request, "patients/_found.html" if request.htmx else "patients/list.html", context)


@require_http_methods(["GET", "POST"])
@page(Permission.REGISTER_PATIENT)
def register(request: PageRequest) -> HttpResponse:
    """The form of a new patient, and its answer."""
    form = RegisterPatientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        account = fields.pop("username")
        try:
            patient = patient_services.register_patient(request.user, user=account, **fields)
        except IntegrityError as error:
            taken = "mrn" if "mrn" in str(error) else "username"
            form.add_error(taken, TAKEN[taken])
        else:
            messages.success(request, "The patient was registered, and you are on the care team.")
            return redirect(HISTORY, patient.pk)
    status = 422 if form.errors else 200
    return render(request, "patients/register.html", {"form": form}, status=status)


TAKEN = {
    "mrn": "This MRN is in use already. If you treat this patient too, ask a colleague of the care team to add you.",
    "username": "This account belongs to another patient.",
}


@require_http_methods(["GET", "POST"])
@page(Permission.WRITE_HISTORY)
def add_entry(request: PageRequest, patient_id: uuid.UUID, kind: str) -> HttpResponse:
    """One more condition, medication, allergy or note. The history page posts here; wrong entries are corrected here."""
    if kind not in ENTRY_FORMS:
        raise Http404
    patient = selectors.get_patient(request.user, patient_id)
    form = ENTRY_FORMS[kind](request.POST or None, auto_id=f"{kind}_%s")
    if request.method == "POST" and form.is_valid():
        model = form._meta.model  # Django's own attribute, the model of the form
        history_services.add_entry(request.user, model=model, patient=patient, **form.cleaned_data)
        messages.success(request, f"The {kind} was added.")
        return redirect(HISTORY, patient.pk)
    if request.method == "GET":
        audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk, detail={"form": kind})
    status = 422 if form.errors else 200
    return render(
        request, "patients/add_entry.html", {"form": form, "kind": kind, "patient": patient}, status=status
    )


@require_POST
@page(Permission.WRITE_HISTORY)
def add_member(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Put a colleague on the care team."""
    patient = selectors.get_patient(request.user, patient_id)
    form = AddMemberForm(request.POST)
    if form.is_valid():
        user = form.cleaned_data["username"]
        patient_services.add_to_care_team(request.user, patient=patient, user=user)
        messages.success(request, f"{user} is on the care team.")
    else:
        for error in form.errors.get("username", []):
            messages.error(request, str(error))
    return redirect(HISTORY, patient.pk)
