"""The start page and the style guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect, render

from accounts.policy import Permission, can
from accounts.views.access import page
from cardiocare_site.styleguide import styleguide_context

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.views.access import PageRequest

START = (
    (Permission.READ_HISTORY, "diagnostics:worklist"),
    (Permission.READ_OWN_REPORTS, "diagnostics:reports"),
    (Permission.AUDIT_PREDICTIONS, "diagnostics:predictions"),
    (Permission.FIND_PATIENTS, "patients:list"),
)


def home(request: HttpRequest) -> HttpResponse:
    """Send each role to where its work begins."""
    for permission, route in START:
        if can(request.user, permission):
            return redirect(route)
    return redirect("accounts:login")


@page(None)
def styleguide(request: PageRequest) -> HttpResponse:
    """Every component of the design system with all its states."""
    return render(request, "styleguide.html", styleguide_context())
