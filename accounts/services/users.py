"""Writes of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.policy import Permission, require

if TYPE_CHECKING:
    from accounts.actor import Actor


class UserChangeRefused(Exception):  # named after what happened
    """The change would lock somebody out; the text says how, for the administrator."""


@transaction.atomic
def create_user(actor: Actor, *, username: str, password: str, role: str, **names: Any) -> User:
    """Add a user.

    Raises:
        PermissionDenied: the actor may not manage users.
        django.db.IntegrityError: the user name is taken, or the role unknown.
    """
    require(actor, Permission.MANAGE_USERS)
    user = User.objects.create_user(username, password=password, role=role, **names)
    audit.record(audit.Action.CREATE, obj=user, detail={"role": role})
    return user


@transaction.atomic
def set_active(actor: Actor, *, user_id: int, active: bool) -> User:
    """Let a user sign in, or no longer; open sessions and API keys of an inactive user stop working at once.

    Raises:
        PermissionDenied, User.DoesNotExist: not allowed, unknown.
        UserChangeRefused: administrators cannot deactivate themselves.
    """
    require(actor, Permission.MANAGE_USERS)
    user = User.objects.select_for_update().get(pk=user_id)
    if user.pk == actor.pk and not active:
        raise UserChangeRefused("You cannot deactivate yourself. Ask another administrator.")
    user.is_active = active
    user.save(update_fields=["is_active"])
    audit.record(audit.Action.PERMISSION, obj=user, detail={"active": active})
    return user
