"""Pages of administrators and auditors: users and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit, selectors
from accounts.forms import AuditFilterForm, CreateUserForm
from accounts.models import AuditEvent
from accounts.policy import Permission
from accounts.services import users as user_services
from accounts.views.access import other_parameters, page, paginate

if TYPE_CHECKING:
    from django.http import HttpResponse

    from accounts.views.access import PageRequest


@require_safe
@page(Permission.MANAGE_USERS)
def users(request: PageRequest) -> HttpResponse:
    """Everybody who may sign in, or once could."""
    audit.record(audit.Action.SEARCH, detail={"list": "users"})
    page_obj = paginate(request, selectors.users(request.user))
    return render(request, "accounts/users.html", {"page_obj": page_obj, "query": other_parameters(request)})


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_USERS)
def create_user(request: PageRequest) -> HttpResponse:
    """The form of a new user, and its answer."""
    form = CreateUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in CreateUserForm.Meta.fields}
        user = user_services.create_user(request.user, password=form.cleaned_data["password1"], **fields)
        messages.success(request, f"{user} can now sign in as {user.username}.")
        return redirect("accounts:users")
    status = 422 if form.errors else 200
    return render(request, "accounts/create_user.html", {"form": form}, status=status)


@require_POST
@page(Permission.MANAGE_USERS)
def set_active(request: PageRequest, user_id: int) -> HttpResponse:
    """Activate or deactivate a user."""
    active = request.POST.get("active") == "true"
    try:
        user = user_services.set_active(request.user, user_id=user_id, active=active)
    except user_services.UserChangeRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{user.username} is now {'active' if active else 'inactive'}.")
    return redirect("accounts:users")


@require_safe
@page(Permission.READ_AUDIT)
def audit_trail(request: PageRequest) -> HttpResponse:
    """Who did what to which object, newest first."""
    form = AuditFilterForm(request.GET)
    if form.is_valid():
        events = selectors.audit_events(
            request.user,
            object_id=form.cleaned_data["object_id"],
            patient_id=str(form.cleaned_data["patient_id"] or ""),
            user_name=form.cleaned_data["user"],
        )
    else:
        events = AuditEvent.objects.none()
    audit.record(audit.Action.SEARCH, detail={"list": "audit trail"})
    context = {
        "form": form,
        "page_obj": paginate(request, events, per_page=50),
        "query": other_parameters(request),
    }
    return render(request, "accounts/audit.html", context)
