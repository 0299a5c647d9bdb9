"""What a doctor works from: the worklist, a patient's history, uploading, and the state of one diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts import audit
from accounts.policy import Permission, can
from accounts.views.access import other_parameters, page, paginate
from diagnostics import selectors
from diagnostics.forms import UploadOptionsForm
from diagnostics.imaging import selectors as imaging
from diagnostics.kinds import ACCEPTED
from diagnostics.reasons import Reason, sentence
from diagnostics.services.uploads import submit_uploads
from diagnostics.views.patient_levels import ShownLevel, shown_level
from patients import selectors as patient_selectors
from patients.clinical.selectors import latest_values
from patients.forms import ENTRY_FORMS, AddMemberForm

if TYPE_CHECKING:
    import uuid

    from accounts.views.access import PageRequest
    from patients.models import Patient

MOST_STUDIES = 50


@require_safe
@page(Permission.READ_HISTORY)
def worklist(request: PageRequest) -> HttpResponse:
    """What waits for the doctor, the most urgent first."""
    page_obj = paginate(request, selectors.worklist(request.user))
    audit.record(audit.Action.SEARCH, detail={"list": "worklist", "found": page_obj.paginator.count})
    context = {"page_obj": page_obj, "query": other_parameters(request)}
    return render(request, "diagnostics/worklist.html", context)


@require_safe
@page(Permission.READ_HISTORY)
def history(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """One patient: who, care team, history, uploads and their diagnoses."""
    patient = patient_selectors.get_patient(request.user, patient_id)
    audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk)
    return render(request, "diagnostics/history.html", _history_context(request, patient))


@require_POST
@page(Permission.UPLOAD)
def upload(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Take files in; answers what became of each, and the diagnoses as they are now."""
    patient = patient_selectors.get_patient(request.user, patient_id)
    files = request.FILES.getlist("files")
    options = UploadOptionsForm(request.POST)
    options.full_clean()
    verdicts = submit_uploads(request.user, patient_id=patient.pk, files=files, **options.cleaned_data)
    context: dict[str, Any] = {
        "verdicts": verdicts,
        "upload_error": "" if files else sentence(Reason.NO_FILES),
    }
    if request.htmx:
        # A quick worker may have answered already, and a row that is settled asks for nothing any more.
        context |= _diagnoses_context(request, patient) | {"shown": _level(request, patient)}
        return render(request, "diagnostics/_uploaded.html", context)
    audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk)
    return render(request, "diagnostics/history.html", _history_context(request, patient) | context)


@require_safe
@page(Permission.READ_DIAGNOSES)
def status(request: PageRequest, diagnosis_id: uuid.UUID) -> HttpResponse:
    """The state of a diagnosis for a page that polls; 204 while it is what the page has seen.

    Polls are not in the audit trail: the page that polls is.
    """
    diagnosis = selectors.get_diagnosis(request.user, diagnosis_id)
    if request.GET.get("seen") == diagnosis.state_token:
        return HttpResponse(status=204)
    layout = request.GET.get("layout", "")
    if layout == "page" and diagnosis.settled:
        return HttpResponseClientRefresh()
    template = "diagnostics/_progress.html" if layout == "page" else "diagnostics/_status.html"
    context: dict[str, Any] = {"diagnosis": diagnosis, "with_patient": layout == "worklist"}
    if diagnosis.settled and layout != "page":
        patient = diagnosis.patient
        shown = _level(request, patient)
        diagnosis.patient_level = shown.level  # type: ignore[attr-defined]  # as in the worklist
        context |= {"patient": patient} | ({"shown": shown} if layout != "worklist" else {})
    return render(request, template, context)


def _level(request: PageRequest, patient: Patient) -> ShownLevel:
    return shown_level(selectors.patient_risks(request.user, patient).first(), now=timezone.now())


def _diagnoses_context(request: PageRequest, patient: Patient) -> dict[str, Any]:
    page_obj = paginate(request, selectors.diagnoses(request.user, patient=patient))
    # Read now: the patient's level, read after them, is never older than they are.
    page_obj.object_list = list(page_obj.object_list)
    return {
        "patient": patient,
        "page_obj": page_obj,
        "query": other_parameters(request),
    }


def _history_context(request: PageRequest, patient: Patient) -> dict[str, Any]:
    entries = patient_selectors.history(request.user, patient)
    sections = [
        {
            "kind": kind,
            "plural": str(
                form._meta.model._meta.verbose_name_plural
            ).capitalize(),  # Django's documented Model._meta
            "entries": entries[kind],
            "form": form(auto_id=f"{kind}_%s"),
        }
        for kind, form in ENTRY_FORMS.items()
    ]
    facts = [
        {"label": "MRN", "value": patient.mrn},
        {"label": "Age", "value": f"{patient.age()} years"},
        {"label": "Born", "value": patient.birth_date.strftime("%-d %b %Y")},
        {"label": "Sex", "value": patient.get_sex_display()},
        {
            "label": "Allergies",
            "value": ", ".join(str(entry) for entry in entries["allergy"]) or "none recorded",
        },
    ]
    return _diagnoses_context(request, patient) | {
        "facts": facts,
        "shown": _level(request, patient),
        "values": [
            {"label": point.quantity.name, "value": f"{point.words}, {point.measured_at:%-d %b %Y}"}
            for point in latest_values(request.user, patient).values()
        ],
        "studies": imaging.studies(request.user, patient=patient)[:MOST_STUDIES],
        "held_studies": imaging.held(request.user).filter(claimed_patient=patient).count(),
        "team": patient_selectors.care_team(request.user, patient),
        "sections": sections,
        "member_form": AddMemberForm(auto_id="member_%s"),
        "may_write": can(request.user, Permission.WRITE_HISTORY),
        "may_assess": can(request.user, Permission.UPLOAD),
        "upload_help": f"ECG pictures, of a heartbeat or a 12-lead page, as PNG, JPEG, WebP, TIFF or PDF, up to"
        f" {settings.UPLOAD_MAX_BYTES // 1_000_000} MB each; recordings as"
        " WFDB (zipped), EDF, DICOM, HL7 aECG, SCP-ECG, MUSE XML or CSV. Up to"
        f" {settings.UPLOAD_MAX_FILES} at once.",
        "upload_accept": ",".join(ACCEPTED),
        "upload_options": UploadOptionsForm(auto_id="upload_%s"),
    }
