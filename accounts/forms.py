"""Forms of administration."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm

from accounts.models import User
from accounts.roles import Role


class CreateUserForm(BaseUserCreationForm):
    """A new user with a first password, which the user is asked to change."""

    role = forms.ChoiceField(choices=Role)

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = ("username", "first_name", "last_name", "email", "role")


class AuditFilterForm(forms.Form):
    """What the audit trail is narrowed by."""

    object_id = forms.CharField(max_length=64, required=False, label="Object")
    user = forms.CharField(max_length=150, required=False, label="User name")
    patient_id = forms.UUIDField(required=False, label="Patient")
