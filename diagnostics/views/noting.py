"""Reads that come in pieces are noted in the audit trail once, not by the piece."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid

    from accounts.views.access import PageRequest

READ = "signals_read"
NOTED_EVERY_S = 600


def noted_lately(request: PageRequest, key: uuid.UUID) -> bool:
    """Whether this session's reading of an object is in the trail already; a viewer asks for hundreds of pieces of one."""
    noted: dict[str, int] = request.session.get(READ, {})
    now = int(time.time())
    if now - noted.get(str(key), 0) < NOTED_EVERY_S:
        return True
    recent = {pk: at for pk, at in noted.items() if now - at < NOTED_EVERY_S}
    request.session[READ] = recent | {str(key): now}
    return False
