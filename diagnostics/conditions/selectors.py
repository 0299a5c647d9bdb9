"""Reads of the condition library."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from accounts.policy import Permission, require
from accounts.roles import Role
from diagnostics.models import ConditionRevision
from diagnostics.models.condition import Audience, Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from accounts.actor import Actor


def audiences(actor: Actor) -> list[Audience]:
    """Whose texts the actor reads: patients the plain words alone."""
    plain_only = getattr(actor, "role", None) == Role.PATIENT
    return [Audience.PATIENT] if plain_only else [Audience.DOCTOR, Audience.PATIENT]


def library(actor: Actor, query: str = "") -> list[ConditionRevision]:
    """The conditions with the texts in force, by name; all words of the query stand in a text that the actor reads."""
    require(actor, Permission.READ_CONDITIONS)
    rows = ConditionRevision.objects.visible_to(actor).latest_of_each()
    words = query.casefold().split()
    found = [row for row in rows if all(word in _searched(row, audiences(actor)) for word in words)]
    return sorted(found, key=lambda row: row.condition.name.casefold())


def _searched(row: ConditionRevision, of: Iterable[Audience]) -> str:
    texts = [text for audience in of for _, text in row.sections(audience)]
    return " ".join([row.condition.name, *row.condition.labels, *texts]).casefold()


def revision(actor: Actor, slug: str) -> ConditionRevision:
    """The texts in force of one condition. Raises ConditionRevision.DoesNotExist for an unknown one."""
    require(actor, Permission.READ_CONDITIONS)
    return ConditionRevision.objects.visible_to(actor).latest_of_each().get(condition=slug)


def revisions(actor: Actor, slug: str) -> QuerySet[ConditionRevision]:
    """Every version of the texts of one condition, newest first."""
    require(actor, Permission.SEE_CONDITION_HISTORY)
    rows = ConditionRevision.objects.visible_to(actor).filter(condition=slug)
    return rows.select_related("author", "condition")


def revisions_for(
    actor: Actor, *, labels: Iterable[str], episodes: Iterable[str] = ()
) -> list[ConditionRevision]:
    """The texts in force for labels of models and kinds of episodes, those of labels first, each once."""
    wanted = list(dict.fromkeys(label for label in labels if label))
    kinds = list(dict.fromkeys(episodes))
    if not wanted and not kinds:
        return []
    named = Q(condition__labels__overlap=wanted) | Q(condition__episodes__overlap=kinds)
    rows = list(ConditionRevision.objects.visible_to(actor).filter(named).latest_of_each())
    of_labels = [row for label in wanted for row in rows if label in row.condition.labels]
    of_episodes = [row for kind in kinds for row in rows if kind in row.condition.episodes]
    return list(dict.fromkeys([*of_labels, *of_episodes]))


class Change(NamedTuple):
    """A stretch of words: `kept`, `added` or `removed`."""

    what: str
    words: str


class ChangedSection(NamedTuple):
    """A section that differs."""

    title: str
    changes: list[Change]


def changed(before: ConditionRevision | None, after: ConditionRevision) -> list[ChangedSection]:
    """What differs between two versions, section by section and word by word; sources and date like sections."""
    old, new = (_parts(before) if before else {}), _parts(after)
    return [
        ChangedSection(title, word_changes(old.get(title, ""), text))
        for title, text in new.items()
        if old.get(title, "") != text
    ]


def _parts(row: ConditionRevision) -> dict[str, str]:
    parts = {
        f"{section.label}, {audience.label[0].lower()}{audience.label[1:]}": row.texts[audience][section]
        for audience in Audience
        for section in Section
    }
    return parts | {"Sources": "; ".join(row.sources), "Review by": row.review_by.isoformat()}


def word_changes(before: str, after: str) -> list[Change]:
    """How one text became another; what is kept or added is `after`, what is kept or removed is `before`, but for white space."""
    old, new = before.split(), after.split()
    found: list[Change] = []
    for tag, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(
        a=old, b=new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            found.append(Change("kept", " ".join(new[new_from:new_to])))
            continue
        if old_from < old_to:
            found.append(Change("removed", " ".join(old[old_from:old_to])))
        if new_from < new_to:
            found.append(Change("added", " ".join(new[new_from:new_to])))
    return found
