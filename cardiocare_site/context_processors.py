"""What every page needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from accounts.policy import Permission, can

if TYPE_CHECKING:
    from django.http import HttpRequest

NAVIGATION = (
    (Permission.READ_HISTORY, "Worklist", "diagnostics:worklist"),
    (Permission.FIND_PATIENTS, "Patients", "patients:list"),
    (Permission.RESOLVE_STUDIES, "Held studies", "diagnostics:held-studies"),
    (Permission.SEE_REFUSED, "Refused files", "diagnostics:refused-studies"),
    (Permission.SEE_DASHBOARDS, "Dashboards", "diagnostics:dashboards"),
    (Permission.READ_OWN_REPORTS, "My reports", "diagnostics:reports"),
    (Permission.READ_OWN_VALUES, "My values", "patients:own-values"),
    (Permission.READ_CONDITIONS, "Conditions", "diagnostics:conditions"),
    (Permission.AUDIT_PREDICTIONS, "Predictions", "diagnostics:predictions"),
    (Permission.READ_AUDIT, "Audit trail", "accounts:audit"),
    (Permission.SEE_MODELS, "Models", "diagnostics:models"),
    (Permission.SEE_WORKERS, "Workers", "diagnostics:workers"),
    (Permission.MANAGE_USERS, "Users", "accounts:users"),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The pages that the user may open, the current one marked."""
    user = getattr(request, "user", None)
    items = []
    for permission, label, route in NAVIGATION:
        if can(user, permission):
            url = reverse(route)
            items.append({"label": label, "url": url, "current": request.path.startswith(url)})
    return {"nav_items": items}
