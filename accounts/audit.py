"""Writing the audit trail. One call, `record`, wherever something is read, written, refused or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accounts import actor as acting_module
from accounts.models import AuditEvent
from accounts.roles import SYSTEM

if TYPE_CHECKING:
    import uuid

    from django.db import models

    from accounts.actor import Actor

Action = AuditEvent.Action
Outcome = AuditEvent.Outcome


def record(  # each is a column of the trail
    action: AuditEvent.Action,
    *,
    obj: models.Model | None = None,
    patient_id: uuid.UUID | None = None,
    outcome: AuditEvent.Outcome = AuditEvent.Outcome.ALLOWED,
    detail: dict[str, Any] | None = None,
    actor: Actor | None = None,
) -> None:
    """Note one event. Inside `acting_as` it is written at the end of the transaction, else at once.

    `detail` holds ids, codes and counts only: no names, no clinical content.
    """
    acting = acting_module.current()
    who = actor or (acting.actor if acting else None)
    known = who is not None and who.is_authenticated
    event = AuditEvent(
        actor_id=who.pk if who is not None and known else None,
        actor_name=who.username if who is not None and known else "",
        actor_role=str(getattr(who, "role", "")) if known else "",
        via=acting.via if acting else "command",
        ip=acting.ip if acting else None,
        request_id=acting.request_id if acting else "",
        action=action,
        outcome=outcome,
        object_type=obj._meta.label_lower if obj is not None else "",  # Django's documented Model._meta
        object_id=str(obj.pk) if obj is not None else "",
        patient_id=patient_id,
        detail=detail or {},
    )
    if acting is None:
        with acting_module.acting_as(SYSTEM) as acting:
            acting.events.append(event)
    else:
        acting.events.append(event)
