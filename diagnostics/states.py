"""The states of a diagnosis and the moves between them."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    """Where a diagnosis stands. `refused` is an answer: the file was read and is not fit for the models."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"
    REVIEWED = "reviewed", "Reviewed"
    SIGNED = "signed", "Signed"
    AMENDED = "amended", "Amended"


MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.FAILED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.REFUSED, Status.FAILED}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.COMPLETED: frozenset(
        {Status.REVIEWED, Status.QUEUED}
    ),  # queued for second opinions, while nobody has judged it
    Status.REFUSED: frozenset({Status.QUEUED}),  # once a person has said what the file does not
    Status.REVIEWED: frozenset({Status.REVIEWED, Status.SIGNED}),
    Status.SIGNED: frozenset({Status.AMENDED}),
    Status.AMENDED: frozenset({Status.AMENDED}),
}

# States in which nothing more happens without a person.
SETTLED = frozenset(Status) - {Status.QUEUED, Status.RUNNING}


class IllegalMove(Exception):  # named after what happened
    """A move that the state machine does not have."""

    def __init__(self, before: Status, after: Status) -> None:
        super().__init__(f"A diagnosis that is {before.label.lower()} cannot become {after.label.lower()}.")
        self.before, self.after = before, after


def check_move(before: str, after: Status) -> None:
    """Raise IllegalMove unless `after` may follow `before`."""
    if after not in MOVES[Status(before)]:
        raise IllegalMove(Status(before), after)
