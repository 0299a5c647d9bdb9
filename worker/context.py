"""The database context of a task: the system actor, one transaction, no stale connection."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from accounts.actor import acting_as
from accounts.roles import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
# A database restart with its recovery takes seconds, on a busy disk about ten; what is not recorded by then the sweeper finds.
PAUSES_S = (0.1, 0.3, 0.6, 1.0, 2.0, 3.0, 5.0)


@contextlib.contextmanager
def system_task() -> Iterator[None]:
    """Run a block as the system, after dropping a connection that a database restart has broken."""
    if not connection.in_atomic_block:
        close_old_connections()
    with acting_as(SYSTEM, via="worker"):
        yield


def persistently(act: Callable[[], T]) -> T:
    """Do `act` as the system, again and again while the database is away.

    `act` must change nothing when its effect is there already: a commit may have succeeded although its answer was lost.

    Raises:
        OperationalError, InterfaceError: the database stayed away for about 12 seconds.
    """
    for pause in PAUSES_S:
        try:
            with system_task():
                return act()
        except (OperationalError, InterfaceError):
            time.sleep(pause)
    with system_task():
        return act()
