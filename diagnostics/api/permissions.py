"""Every API view names the permission that it needs; one that names none is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from accounts.policy import can

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class ScopedPermission(BasePermission):
    """Checks `view.permission` against the actor's role and key."""

    message = "Your role or your API key does not allow this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the policy allows it."""
        permission = getattr(view, "permission", None)
        return permission is not None and can(request.user, permission)
