"""Signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.backends import ModelBackend

if TYPE_CHECKING:
    from accounts.models import User


class CardioCareBackend(ModelBackend):
    """Django's own, except that demo users exist in demo mode only: neither sign-in nor an old session works elsewhere."""

    def user_can_authenticate(self, user: User | None) -> bool:  # type: ignore[override]  # the stub knows another user model
        """Active, and not a demo user outside demo mode."""
        allowed = settings.DEMO_MODE or not getattr(user, "is_demo", False)
        return allowed and super().user_can_authenticate(user)
