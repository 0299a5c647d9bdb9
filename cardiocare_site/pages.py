"""The start page and the style guide."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.policy import Permission, can


def home(request: HttpRequest) -> HttpResponse:
    """Send each role to where its work begins."""
    for permission, route in (
        (Permission.READ_HISTORY, "diagnostics:worklist"),
        (Permission.READ_OWN_REPORTS, "diagnostics:reports"),
        (Permission.AUDIT_PREDICTIONS, "diagnostics:predictions"),
    ):
        if can(request.user, permission):
            return redirect(route)
    return redirect("accounts:login")


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component of the design system with all its states."""
    return render(request, "styleguide.html")
