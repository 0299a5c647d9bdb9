"""Tables of clinical values on their way in: the file's rows, what their columns are, and what became of each."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet

if TYPE_CHECKING:
    from accounts.actor import Actor


class ValueImportQuerySet(VisibleQuerySet["ValueImport"]):
    """An import is seen by who began it and by nobody else: its rows may be about anybody."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """The doctor's own imports."""
        return self.filter(created_by_id=actor.pk)


class ValueImportRowQuerySet(VisibleQuerySet["ValueImportRow"]):
    """Rows go with their import."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Rows of the doctor's own imports."""
        return self.filter(table__created_by_id=actor.pk)


class ValueImport(models.Model):
    """One table; `mapping` says what each column is, in the words of patients.clinical.table."""

    class State(models.TextChoices):
        """How far it is."""

        UPLOADED = "uploaded", "Columns to be named"
        CHECKED = "checked", "Checked"
        RECORDING = "recording", "Being recorded"
        RECORDED = "recorded", "Recorded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    filename = models.CharField(max_length=255)
    headings = models.JSONField()
    mapping = models.JSONField()
    measured_at = models.DateTimeField(null=True, help_text="of rows that do not say it themselves")
    take_unusual = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    handed_on = models.PositiveIntegerField(
        null=True,
        help_text="up to which line a layer above has dealt with the recorded rows; empty if none waits",
    )

    objects = ValueImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        """The file's name."""
        return self.filename


class ValueImportRow(models.Model):
    """One row of a table and its verdict; `reasons` are sentences with the heading that each is about."""

    class Verdict(models.TextChoices):
        """What becomes, or became, of a row."""

        OPEN = "open", "Not checked"
        READY = "ready", "Ready"
        UNUSUAL = "unusual", "Unusual"
        REFUSED = "refused", "Refused"
        RECORDED = "recorded", "Recorded"

    table = models.ForeignKey(ValueImport, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    cells = models.JSONField()
    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.OPEN)
    reasons = models.JSONField(default=list)
    assessment = models.UUIDField(
        null=True, help_text="what a layer above has made of the recorded row: the id of its diagnosis"
    )

    objects = ValueImportRowQuerySet.as_manager()

    class Meta:
        ordering = ["line"]
        indexes = [models.Index(fields=["table", "verdict", "line"])]

    def __str__(self) -> str:
        """The line and what became of it."""
        return f"line {self.line}: {self.verdict}"

    @property
    def why(self) -> str:
        """Its reasons in sentences."""
        return " ".join(f"{heading}: {text}" if heading else text for heading, _, text in self.reasons)
