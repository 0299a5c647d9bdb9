"""The states of a study and the moves between them."""

from __future__ import annotations

from django.db import models


class StudyStatus(models.TextChoices):
    """Where a study stands. A held one is of no patient until a person has decided."""

    HELD = "held", "Held"
    RECEIVING = "receiving", "Receiving"
    COMPLETE = "complete", "Complete"
    DIAGNOSED = "diagnosed", "Diagnosed"
    REJECTED = "rejected", "Rejected"


MOVES: dict[StudyStatus, frozenset[StudyStatus]] = {
    StudyStatus.HELD: frozenset({StudyStatus.RECEIVING, StudyStatus.REJECTED}),
    StudyStatus.RECEIVING: frozenset({StudyStatus.COMPLETE}),
    # What arrives late opens a study again; only what is new is diagnosed then.
    StudyStatus.COMPLETE: frozenset({StudyStatus.RECEIVING, StudyStatus.DIAGNOSED}),
    StudyStatus.DIAGNOSED: frozenset({StudyStatus.RECEIVING}),
    StudyStatus.REJECTED: frozenset(),
}


class IllegalStudyMove(Exception):
    """A move that the state machine does not have."""

    def __init__(self, before: StudyStatus, after: StudyStatus) -> None:
        super().__init__(f"A study that is {before.label.lower()} cannot become {after.label.lower()}.")
        self.before, self.after = before, after


def check_study_move(before: str, after: StudyStatus) -> None:
    """Raise IllegalStudyMove unless `after` may follow `before`."""
    if after not in MOVES[StudyStatus(before)]:
        raise IllegalStudyMove(StudyStatus(before), after)
