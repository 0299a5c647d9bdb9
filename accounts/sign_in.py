"""Signing in and out, as the audit trail sees it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from accounts import actor as acting_module
from accounts import audit
from accounts.models import AuditEvent, User


def _signed_in(user: User, **_: Any) -> None:
    if acting_module.current() is not None:
        acting_module.become(user)
    audit.record(audit.Action.SIGN_IN, obj=user, actor=user)


def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        audit.record(audit.Action.SIGN_OUT, obj=user, actor=user)


def _failed(credentials: dict[str, Any], **_: Any) -> None:
    known = User.objects.filter(username=credentials.get("username", "")).first()
    audit.record(audit.Action.SIGN_IN, obj=known, outcome=AuditEvent.Outcome.REFUSED)


def connect() -> None:
    """Attach the handlers to Django's sign-in signals."""
    user_logged_in.connect(_signed_in, dispatch_uid="accounts.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="accounts.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="accounts.sign_in_failed")
