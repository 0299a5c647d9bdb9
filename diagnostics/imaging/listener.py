"""The C-STORE door (PS3.4 annex B): a storage provider that takes objects from known peers alone."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, connection

from accounts.actor import acting_as
from accounts.models import User
from accounts.roles import SYSTEM
from diagnostics.imaging import refusals
from diagnostics.imaging.arrivals import Hall, InstanceVerdict, pieces
from diagnostics.imaging.inflow import Inflow
from diagnostics.imaging.ingest import take_in
from diagnostics.imaging.reasons import ImagingReason
from diagnostics.models import DicomStudy
from diagnostics.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pynetdicom.ae import ApplicationEntity
    from pynetdicom.events import Event

log = logging.getLogger(__name__)
# Status codes of PS3.4 table B.2-1, and of PS3.7 C.5 for what cannot be processed now.
SUCCESS, HELD, OUT_OF_RESOURCES, NOT_UNDERSTOOD, DUPLICATE, NOT_AUTHORISED = (
    0x0000, 0xB000, 0xA700, 0xC000, 0x0111, 0x0124,
)  # fmt: skip
STATUSES = {
    Reason.STORAGE.value: OUT_OF_RESOURCES,
    Reason.TOO_LARGE.value: OUT_OF_RESOURCES,
    ImagingReason.UID_CONFLICT.value: DUPLICATE,
}
MOST_ASSOCIATIONS = 10
IDLE_S = 60.0
LONGEST_PDU = 131_072


class Listener:
    """Takes objects from calling AE titles that are known, each in the name of its integration account."""

    def __init__(self, *, title: str, peers: Mapping[str, str]) -> None:
        """`peers` maps calling AE titles to user names."""
        self.title, self.peers = title, dict(peers)
        self._inflows: weakref.WeakKeyDictionary[Any, Inflow] = weakref.WeakKeyDictionary()

    def start(self, host: str, port: int) -> Any:
        """Listen in a thread of its own; the server has `server_address` and `shutdown`."""
        from pynetdicom import _config, evt

        _config.STORE_RECV_CHUNKED_DATASET = True  # an object goes to the disk as it comes, not into memory
        _config.LOG_HANDLER_LEVEL = "none"  # its lines could carry what a message holds
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self.opened), (evt.EVT_C_STORE, self.store), (evt.EVT_REJECTED, self.rejected),
            (evt.EVT_CONN_CLOSE, self.closed),
        ]  # fmt: skip
        return self._entity().start_server((host, port), block=False, evt_handlers=handlers)

    def _entity(self) -> ApplicationEntity:
        from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts
        from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made when the module is read

        entity = AE(ae_title=self.title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(self.peers)
        entity.maximum_associations = MOST_ASSOCIATIONS
        entity.maximum_pdu_size = LONGEST_PDU
        entity.network_timeout = entity.acse_timeout = entity.dimse_timeout = IDLE_S
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), list(ALL_TRANSFER_SYNTAXES))
        entity.add_supported_context(Verification)
        return entity

    def opened(self, event: Event) -> None:
        """Limit what the connection may send."""
        self._inflows[event.assoc] = Inflow(event.assoc)

    def closed(self, event: Event) -> None:
        """Remove what it had not sent to the end."""
        if inflow := self._inflows.pop(event.assoc, None):
            inflow.discard()

    def rejected(self, event: Event) -> None:
        """Note a peer that is not in the list, or calls by a wrong name; one that came when there were too many is known."""
        asking = event.assoc.requestor
        log.warning("an association from %s was refused", asking.address)
        if asking.primitive is None:
            return
        calling, called = str(asking.ae_title).strip(), str(asking.primitive.called_ae_title).strip()
        if calling in self.peers and called == self.title:
            return
        try:
            with acting_as(SYSTEM, via="dicom", ip=asking.address):
                refusals.note_stranger(
                    calling=calling, called=called, title=self.title, address=str(asking.address)
                )
        finally:
            connection.close()  # the thread ends with the association

    def store(self, event: Event) -> int:
        """One object: the status that the peer is told."""
        calling = str(event.assoc.requestor.ae_title).strip()
        user_name = self.peers.get(calling, "")
        try:
            verdict = self._taken(event, calling, user_name)
        except User.DoesNotExist:
            log.warning("the account %s of a peer does not exist or is not active", user_name)
            return NOT_AUTHORISED
        except (OperationalError, InterfaceError, OSError):
            log.exception("an object could not be taken in now")
            return OUT_OF_RESOURCES
        finally:
            connection.close()  # the thread ends with the association
            if inflow := self._inflows.get(event.assoc):
                inflow.took(Path(event.dataset_path).stat().st_size)
        if verdict.outcome == "held":
            return HELD
        return SUCCESS if verdict.accepted else STATUSES.get(verdict.reason_code, NOT_UNDERSTOOD)

    def _taken(self, event: Event, calling: str, user_name: str) -> InstanceVerdict:
        door = DicomStudy.Door.CSTORE
        with acting_as(SYSTEM, via="dicom"):
            user = User.objects.get(username=user_name, is_active=True)
        address = event.assoc.requestor.address
        with Hall() as hall:
            with Path(event.dataset_path).open("rb") as sent:
                arrival = hall.receive("C-STORE", pieces(sent))
            with acting_as(user, via="dicom", ip=address):
                taken = (
                    [arrival] if isinstance(arrival, InstanceVerdict) else take_in(user, [arrival], door=door)
                )
                refusals.note(user, taken, door=door, calling=calling)
                return taken[0]
