"""The database context of a task: the system actor, one transaction, no stale connection."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.db import close_old_connections, connection

from accounts.actor import acting_as
from accounts.roles import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def system_task() -> Iterator[None]:
    """Run a block as the system, after dropping a connection that a database restart has broken."""
    if not connection.in_atomic_block:
        close_old_connections()
    with acting_as(SYSTEM, via="worker"):
        yield
