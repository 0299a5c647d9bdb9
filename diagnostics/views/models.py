"""Pages of the suite's models: which are installed, their cards, and how they compare. Nothing of a patient is here."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.policy import Permission
from accounts.views.access import page
from diagnostics.views import compared
from diagnostics.views.cards import card_html
from diagnostics.views.shown import installed_models
from ml import comparison, registry

if TYPE_CHECKING:
    from django.http import HttpResponse

    from accounts.views.access import PageRequest

log = logging.getLogger(__name__)


@require_safe
@page(Permission.SEE_MODELS)
def models(request: PageRequest) -> HttpResponse:
    """The installed models, what each decides and between which classes."""
    return render(request, "diagnostics/models.html", {"models": installed_models(registry.contracts())})


@require_safe
@page(Permission.SEE_MODELS)
def card(request: PageRequest, name: str) -> HttpResponse:
    """One model's card: limits, figures, calibration, training, files."""
    contract = next((one for one in registry.contracts() if one.name == name), None)
    if contract is None:
        raise Http404
    path = contract.folder / "card.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return render(request, "diagnostics/model_card.html", {"model": contract, "card": card_html(text)})


@require_safe
@page(Permission.SEE_MODELS)
def compare(request: PageRequest) -> HttpResponse:
    """The models of heartbeats on the same folds, and what the reports claim."""
    try:
        found = comparison.read()
    except comparison.MalformedComparisonError:
        log.exception("the stored comparison of the models cannot be shown")
        return render(request, "diagnostics/comparison.html", {"broken": True}, status=500)
    names = {contract.name for contract in registry.contracts()}
    context = compared.page(found, names) if found else {}
    return render(request, "diagnostics/comparison.html", context)
