"""Signing in and out, and one's own password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.urls import reverse_lazy

from accounts import audit

if TYPE_CHECKING:
    from django.contrib.auth.forms import PasswordChangeForm
    from django.http import HttpResponse


class SignInView(LoginView):
    """User name and password."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True


class ChangePasswordView(PasswordChangeView):
    """A new password for oneself; other sessions of the user end."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Keep the new password and note that it changed."""
        response = super().form_valid(form)
        audit.record(audit.Action.UPDATE, obj=form.user, detail={"password": True})
        messages.success(self.request, "Your password was changed.")
        return response
