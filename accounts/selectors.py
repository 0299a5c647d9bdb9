"""Reads of identity and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q

from accounts.actor import acting_as
from accounts.models import AuditEvent, User
from accounts.policy import Permission, require
from accounts.roles import SYSTEM

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.actor import Actor


def audit_events(
    actor: Actor, *, object_id: str = "", patient_id: str = "", user_name: str = ""
) -> QuerySet[AuditEvent]:
    """The events that the actor may read, newest first, narrowed by what is given.

    The id of a diagnosis also finds the events of its upload, heatmaps and reports.
    """
    require(actor, Permission.READ_AUDIT)
    events = AuditEvent.objects.visible_to(actor)
    if object_id:
        events = events.filter(Q(object_id=object_id) | Q(detail__diagnosis=object_id))
    if patient_id:
        events = events.filter(patient_id=patient_id)
    if user_name:
        events = events.filter(actor_name=user_name)
    return events


def users(actor: Actor) -> QuerySet[User]:
    """Every user, for those who manage them."""
    require(actor, Permission.MANAGE_USERS)
    return User.objects.order_by("username")


def broken_audit_links() -> tuple[int, list[int]]:
    """How many events there are, and the ids of those whose hash or link to the one before does not fit."""
    with acting_as(SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, fits FROM (SELECT e.id, e.hash = cc_audit_hash(e) AND e.prev_hash ="
            " coalesce(lag(e.hash) OVER (ORDER BY e.id), '') AS fits FROM accounts_auditevent e) AS chain ORDER BY id"
        )
        rows = cursor.fetchall()
    return len(rows), [event_id for event_id, fits in rows if not fits]
