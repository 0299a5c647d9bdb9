"""Pages of administrators and auditors: predictions with their provenance, workers. No patient is named here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.selectors import audit_events
from accounts.views.access import other_parameters, page, paginate
from diagnostics import opinions, selectors
from diagnostics.forms import PredictionFilterForm
from diagnostics.models import ModelVersion
from diagnostics.services import monitoring
from diagnostics.views.shown import fact, percent, probability_rows, provenance

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from accounts.views.access import PageRequest


@require_safe
@page(Permission.AUDIT_PREDICTIONS)
def predictions(request: PageRequest) -> HttpResponse:
    """Every prediction with what it was computed with, newest first."""
    names = sorted(set(ModelVersion.objects.values_list("name", flat=True)))
    form = PredictionFilterForm(request.GET, models=names)
    rows = selectors.predictions(request.user)
    if form.is_valid():
        if form.cleaned_data["model"]:
            rows = rows.filter(model_version__name=form.cleaned_data["model"])
        if form.cleaned_data["outcome"]:
            rows = rows.filter(outcome=form.cleaned_data["outcome"])
    else:
        rows = rows.none()
    page_obj = paginate(request, rows, per_page=50)
    audit.record(audit.Action.SEARCH, detail={"list": "predictions"})
    shown = [
        (prediction, percent(prediction.confidence), percent(prediction.threshold)) for prediction in page_obj
    ]
    context = {"form": form, "rows": shown, "page_obj": page_obj, "query": other_parameters(request)}
    return render(request, "diagnostics/predictions.html", context)


@require_safe
@page(Permission.AUDIT_PREDICTIONS)
def prediction(request: PageRequest, prediction_id: uuid.UUID) -> HttpResponse:
    """One prediction's provenance, and everybody who read or changed its diagnosis."""
    found = selectors.predictions(request.user).get(pk=prediction_id)
    audit.record(audit.Action.READ, obj=found)
    facts = [
        fact("Prediction", found.pk),
        fact("Diagnosis", found.diagnosis_id),
        fact("Computed", found.created_at.strftime("%-d %b %Y, %H:%M:%S UTC")),
        fact("Label", found.label),
        fact("Confidence", percent(found.confidence)),
        fact("Prediction set", ", ".join(found.prediction_set)),
        fact("Reason code", found.reason_code),
        *provenance(found),
    ]
    events = audit_events(request.user, object_id=str(found.diagnosis_id))
    context = {
        "prediction": found,
        # Who audits sees no patient, so not the values that a sentence may name either.
        "message": "" if opinions.reads_values(found.model) else found.message,
        "facts": facts,
        "rows": probability_rows(found),
        "page_obj": paginate(request, events, per_page=50),
        "query": other_parameters(request),
    }
    return render(request, "diagnostics/prediction.html", context)


@require_safe
@page(Permission.SEE_WORKERS)
def workers(request: PageRequest) -> HttpResponse:
    """The workers, what they compute on, and the models that have answered."""
    versions = ModelVersion.objects.defer("contract")
    context = {
        "workers": selectors.workers(request.user),
        "versions": versions,
        "alarms": monitoring.one_sided(request.user),
    }
    return render(request, "diagnostics/workers.html", context)
