"""Levels for pages of the room of patients, which knows nothing of diagnoses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from diagnostics.selectors import levels_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.actor import Actor
    from patients.models import Patient

register = template.Library()


@register.simple_tag
def with_levels(actor: Actor, patients: Iterable[Patient]) -> list[dict[str, Any]]:
    """`patient` and `level` of each row, in one query; no level where the actor may not know it."""
    rows = list(patients)
    levels = levels_of(actor, rows)
    return [{"patient": row, "level": levels.get(row.pk, "")} for row in rows]
