"""Who acts: bound to the database transaction, so that row-level security and the audit trail know it too."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import uuid
from typing import TYPE_CHECKING, TypeAlias

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from accounts.bulk import insert_many
from accounts.roles import SYSTEM, System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.contrib.auth.models import AnonymousUser

    from accounts.models import AuditEvent, User

Actor: TypeAlias = "User | System | AnonymousUser"


@dataclasses.dataclass(slots=True)
class Acting:
    """The actor of the running transaction and the audit events that wait for its end."""

    actor: Actor
    via: str
    ip: str | None = None
    request_id: str = ""
    scopes: frozenset[str] | None = None
    events: list[AuditEvent] = dataclasses.field(default_factory=list)
    undo: contextlib.ExitStack = dataclasses.field(default_factory=contextlib.ExitStack)


_acting: contextvars.ContextVar[Acting | None] = contextvars.ContextVar("acting", default=None)


def current() -> Acting | None:
    """The innermost `acting_as`, or None outside any."""
    return _acting.get()


def _bind(user_id: str, role: str) -> tuple[str, str]:
    """Set the transaction-local settings that the row-level policies read; return the values before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH old AS MATERIALIZED (SELECT current_setting('cardiocare.user_id', true) AS u,"
            " current_setting('cardiocare.role', true) AS r)"
            " SELECT u, r, set_config('cardiocare.user_id', %s, true), set_config('cardiocare.role', %s, true) FROM old",
            [user_id, role],
        )
        row = cursor.fetchone()
    return row[0] or "", row[1] or ""


def _identity(actor: Actor) -> tuple[str, str]:
    if actor is SYSTEM:
        return "", SYSTEM.role
    if not actor.is_authenticated or not actor.is_active:
        return "", ""
    return str(actor.pk), str(actor.role)


@contextlib.contextmanager
def acting_as(
    actor: Actor, *, via: str = "command", ip: str | None = None, request_id: str = ""
) -> Iterator[Acting]:
    """Run a block in one transaction as `actor`; its audit events are written just before the commit.

    The audit chain is locked from the first event written to the commit, hence at the end.
    """
    outer = _acting.get()
    acting = Acting(actor, outer.via if outer else via, outer.ip if outer else ip)
    acting.request_id = outer.request_id if outer else request_id or uuid.uuid4().hex
    if outer is not None and outer.actor.pk == actor.pk:
        acting.scopes = outer.scopes  # a nested block of the same actor does not widen the API key
    token = _acting.set(acting)
    ends_with_block = not connection.in_atomic_block
    try:
        with transaction.atomic(), acting.undo:
            before = _bind(*_identity(actor))
            yield acting
            # After an error nothing can be written any more, and the rollback unbinds.
            if not connection.needs_rollback:
                write_events(acting)
                if not ends_with_block:  # else the commit unbinds
                    _bind(*before)
                done = acting.undo.pop_all()
                if outer is not None:
                    outer.undo.push(done)
    finally:
        _acting.reset(token)


def on_rollback(undo: Callable[[], object]) -> None:
    """Call `undo` if the running block fails or is rolled back: for what a transaction does not cover, like stored files.

    Not called when the commit itself fails, because then it is not known what the database kept.
    """
    acting = _acting.get()
    if acting is not None:
        acting.undo.callback(undo)


def become(actor: Actor, *, scopes: frozenset[str] | None = None) -> None:
    """Change the actor of the running block, once an API key has said who it is."""
    acting = _acting.get()
    if acting is None:
        raise RuntimeError("become() needs a surrounding acting_as() block.")
    acting.actor, acting.scopes = actor, scopes
    _bind(*_identity(actor))


def write_events(acting: Acting) -> None:
    """Insert the waiting audit events; the database chains them. The last step of a block."""
    events, acting.events = acting.events, []
    if events:
        insert_many(events)


def person_id(actor: Actor) -> int:
    """The id of the user who acts. Raises PermissionDenied for the system and for nobody: they author nothing."""
    if actor.pk is None:
        raise PermissionDenied("Only a signed-in person can do this.")
    return int(actor.pk)


@contextlib.contextmanager
def elevated() -> Iterator[None]:
    """Let a service write rows that the actor may not yet see, after it has checked the permission.

    The audit trail keeps naming the actor.
    """
    with transaction.atomic():
        before = _bind("", SYSTEM.role)
        yield
        _bind(*before)
