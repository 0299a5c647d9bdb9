"""Writes of the condition library: what comes with the platform, and what administrators change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts import audit
from accounts.actor import person_id
from accounts.policy import Permission, require
from diagnostics.conditions.shipped import ShippedCondition, shipped
from diagnostics.models import Condition, ConditionRevision
from diagnostics.models.condition import Audience, Section

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from accounts.actor import Actor


class RevisionRefused(Exception):  # named after what happened
    """The new version cannot be kept; the text says why, for the administrator."""


@transaction.atomic
def load_shipped(conditions: Sequence[ShippedCondition] | None = None) -> int:
    """Bring the library to what comes with the platform; how many versions were added. To be run as the system, any number of times.

    A condition whose version in force an administrator wrote keeps it.
    """
    latest = {row.condition_id: row for row in ConditionRevision.objects.latest_of_each()}
    given = shipped() if conditions is None else conditions
    Condition.objects.bulk_create(
        [
            Condition(slug=one.slug, name=one.name, labels=list(one.labels), episodes=list(one.episodes))
            for one in given
        ],
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=["name", "labels", "episodes"],
    )
    rows = [
        ConditionRevision(
            condition_id=one.slug,
            number=latest[one.slug].number + 1 if one.slug in latest else 1,
            texts=one.texts,
            sources=list(one.sources),
            review_by=one.review_by,
            comment="Came with the platform",
        )
        for one in given
        if _is_new(one, latest.get(one.slug))
    ]
    return len(ConditionRevision.objects.bulk_create(rows))


def _is_new(one: ShippedCondition, known: ConditionRevision | None) -> bool:
    if known is None:
        return True
    same = (known.texts, known.sources, known.review_by) == (one.texts, list(one.sources), one.review_by)
    return known.author_id is None and not same


@transaction.atomic
def revise(  # the fields of a version
    actor: Actor,
    *,
    slug: str,
    based_on: int,
    texts: Mapping[str, Mapping[str, str]],
    sources: Sequence[str],
    review_by: dt.date,
    comment: str,
) -> ConditionRevision:
    """Add a version of a condition's texts; the earlier ones stay.

    Raises:
        PermissionDenied, ConditionRevision.DoesNotExist: not allowed, no such condition.
        RevisionRefused: somebody changed it meanwhile, nothing was changed, or a section, the sources or the reason are missing.
    """
    require(actor, Permission.EDIT_CONDITIONS)
    # Two who save at once: the second one's number is taken, and the unique key refuses it.
    known = ConditionRevision.objects.visible_to(actor).latest_of_each().get(condition=slug)
    if known.number != based_on:
        raise RevisionRefused(
            f"Version {known.number} was saved while you were writing. Open the page again and put your changes into that one."
        )
    kept = _checked(texts)
    named = [line.strip() for line in sources if line.strip()]
    if not named:
        raise RevisionRefused("Name at least one source, with its year.")
    if not comment.strip():
        raise RevisionRefused("Say in a few words why you change the texts.")
    if (kept, named, review_by) == (known.texts, known.sources, known.review_by):
        raise RevisionRefused("Nothing was changed.")
    row = ConditionRevision.objects.create(
        condition_id=slug,
        number=known.number + 1,
        texts=kept,
        sources=named,
        review_by=review_by,
        author_id=person_id(actor),
        comment=comment.strip(),
    )
    detail: dict[str, Any] = {"condition": slug, "version": row.number}
    audit.record(audit.Action.UPDATE, obj=row, detail=detail)
    return row


def _checked(texts: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    kept = {
        audience.value: {section.value: texts[audience.value][section.value].strip() for section in Section}
        for audience in Audience
    }
    empty = [
        f"{section.label} ({audience.label.lower()})"
        for audience in Audience
        for section in Section
        if not kept[audience.value][section.value]
    ]
    if empty:
        raise RevisionRefused(f"Every section needs a text. Empty: {', '.join(empty)}.")
    return kept
