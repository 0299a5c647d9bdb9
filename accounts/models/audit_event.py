"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet

if TYPE_CHECKING:
    from accounts.actor import Actor


class AuditEventQuerySet(VisibleQuerySet["AuditEvent"]):
    """Administrators and auditors read the trail."""

    def visible_to_admin(self, actor: Actor) -> Self:  # the rule's signature
        """Every event."""
        return self.all()

    def visible_to_auditor(self, actor: Actor) -> Self:  # the rule's signature
        """Every event."""
        return self.all()


class AuditEvent(models.Model):
    """One thing that somebody did or was refused. Append-only and hash-chained by database triggers.

    `prev_hash` and `hash` are set by the database (accounts/sql/audit.sql); `manage.py verify_audit` checks the chain.
    """

    class Action(models.TextChoices):
        """Verbs of the trail."""

        SIGN_IN = "sign_in", "Signed in"
        SIGN_OUT = "sign_out", "Signed out"
        SEARCH = "search", "Searched"
        READ = "read", "Read"
        CREATE = "create", "Created"
        UPDATE = "update", "Changed"
        EXPORT = "export", "Exported"
        REVIEW = "review", "Reviewed"
        SIGN = "sign", "Signed"
        ANALYSE = "analyse", "Analysed"
        PERMISSION = "permission", "Changed access"
        REFUSE = "refuse", "Refused"

    class Outcome(models.TextChoices):
        """Whether it happened."""

        ALLOWED = "allowed", "Allowed"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), db_index=True, editable=False)
    actor_id = models.BigIntegerField(null=True, db_index=True)
    actor_name = models.CharField(max_length=150, blank=True)
    actor_role = models.CharField(max_length=16, blank=True)
    via = models.CharField(max_length=16)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=16, choices=Action)
    outcome = models.CharField(max_length=16, choices=Outcome)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    patient_id = models.UUIDField(null=True, db_index=True)
    detail = models.JSONField(default=dict)
    prev_hash = models.CharField(max_length=64, db_default="", editable=False)
    hash = models.CharField(max_length=64, db_default="", editable=False)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["object_type", "object_id"])]

    def __str__(self) -> str:
        """Who did what to which object."""
        return f"{self.actor_name or 'unknown'} {self.action} {self.object_type} {self.object_id}"
