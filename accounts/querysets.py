"""The one choke point: every queryset that leaves the database for a user goes through `visible_to`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

from accounts.roles import SYSTEM

if TYPE_CHECKING:
    from accounts.actor import Actor

ModelT = TypeVar("ModelT", bound=models.Model)


class VisibleQuerySet(models.QuerySet[ModelT]):
    """A queryset that fails closed: a role without a `visible_to_<role>` method sees no rows."""

    def visible_to(self, actor: Actor | None) -> Self:
        """The rows that the actor may read; none for no actor, an anonymous or an inactive one."""
        if actor is None or not actor.is_authenticated or not actor.is_active:
            return self.none()
        if actor is SYSTEM:
            return self.all()
        rule: Any = getattr(self, f"visible_to_{actor.role}", None)
        return rule(actor) if rule else self.none()
