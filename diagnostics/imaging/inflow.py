"""What a C-STORE connection may send before anybody looks at it: pynetdicom reads whatever length a peer announces.

Without limits anybody who can connect, known or not, fills the memory with one message, and a known peer the disk with one object.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from pynetdicom.association import Association

log = logging.getLogger(__name__)
# Of a request for an association with many contexts, and of a command (PS3.7 E.1); an object comes in pieces of LONGEST_PDU.
MOST_IN_MEMORY = 1_000_000
# Beyond twice the limit of an object, so that one somewhat too large is read to its end and answered.
_ROOM = 16_000_000


class BeyondLimits(OSError):
    """The connection sends more than is taken. As an OSError it ends the connection, as one that the peer cuts would."""


class Inflow:
    """Counts what a connection has sent and nobody has taken yet."""

    def __init__(self, assoc: Association) -> None:
        """Stands in for the reading of the connection's socket from now on."""
        socket: Any = assoc.dul.socket
        self._dimse, self._receive = assoc.dimse, socket.recv
        self._received = self._taken = 0
        socket.recv = self.receive

    def receive(self, size: int) -> bytearray:
        """The next `size` bytes. Raises BeyondLimits before they are read."""
        waiting = self._received - self._taken
        message = self._dimse.message
        parts = (message.encoded_command_set, message.data_set) if message else ()
        held = sum(part.tell() for part in parts if part is not None)
        if size + held > MOST_IN_MEMORY or waiting > 2 * settings.DICOM_MAX_BYTES + _ROOM:
            log.warning("a connection sent more than is taken, and was ended")
            raise BeyondLimits
        data: bytearray = self._receive(size)
        self._received += len(data)
        return data

    def took(self, size: int) -> None:
        """An object of so many bytes has been dealt with. What wraps it on the way counts as 2 % and a few commands."""
        self._taken = min(self._taken + size + size // 50 + 4096, self._received)

    def discard(self) -> None:
        """The connection is over: remove what it had sent of objects and nobody will look at."""
        requests: list[Any] = []
        with contextlib.suppress(queue.Empty):
            while True:
                requests.append(self._dimse.msg_queue.get_nowait()[1])
        files = [getattr(one, "_dataset_file", None) for one in requests]
        files.append(getattr(self._dimse.message, "_data_set_file", None))
        for file in files:
            if file is not None:
                file.close()
                Path(file.name).unlink(missing_ok=True)
