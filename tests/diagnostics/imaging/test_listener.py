"""The C-STORE door with a real client (pynetdicom), in a process of its own as an operator starts it."""

from __future__ import annotations

import io
import re
import socket
import struct
import sys

import numpy as np
import pytest
from pynetdicom import AE
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.sop_class import ComputedRadiographyImageStorage, Verification

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from deploy.processes import wait_until
from diagnostics.models import DicomInstance, DicomStudy, RefusedObject
from tests import dicoms, factories
from tests.workers import services  # noqa: F401  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture
def arriving(tmp_path):
    """Where the listener keeps what is still arriving."""
    (tmp_path / "arriving").mkdir()
    return tmp_path / "arriving"


@pytest.fixture
def listener(services, arriving):  # noqa: F811
    started = services.start(
        "listener",
        [sys.executable, "manage.py", "dicom_listener", "--port", "0"],
        DICOM_PEERS="MODALITY1=pacs,GONE=nobody",
        DICOM_MAX_MB="1",
        TMPDIR=str(arriving),
    )
    started.wait(lambda: "Listening as CARDIOCARE" in started.text(), "the listener is ready")
    return int(re.search(r"127\.0\.0\.1:(\d+)", started.text()).group(1))


def associate(port, *, calling="MODALITY1", called="CARDIOCARE"):
    entity = AE(ae_title=calling)
    entity.add_requested_context(ComputedRadiographyImageStorage)
    entity.add_requested_context(Verification)
    return entity.associate("127.0.0.1", port, ae_title=called)


def test_known_peers_store_objects_by_the_rules_of_every_door(listener):
    pacs = factories.user(Role.INTEGRATION, "pacs")
    ours = factories.patient(team=(pacs,))
    big = dicoms.dataset(ours, number=3)
    dicoms.pixels(big, np.zeros((1000, 1000)))
    peer = associate(listener)
    assert peer.is_established
    assert peer.send_c_echo().Status == 0x0000
    sent = [
        dicoms.dataset(ours), dicoms.dataset(ours), dicoms.dataset(ours, SeriesDescription="changed"),
        dicoms.dataset(ours, study=2, PatientID="NOBODY"), dicoms.dataset(ours, number=2, StudyInstanceUID=None), big,
        dicoms.dataset(ours, number=4),
    ]  # fmt: skip
    statuses = [peer.send_c_store(one).Status for one in sent]
    assert statuses == [0x0000, 0x0000, 0x0111, 0xB000, 0xC000, 0xA700, 0x0000]
    peer.release()
    assert DicomInstance.objects.filter(study__patient=ours).count() == 2
    assert DicomStudy.objects.get(status="held").door == DicomStudy.Door.CSTORE
    with acting_as(SYSTEM):
        event = AuditEvent.objects.filter(action="create", object_type="diagnostics.dicomstudy").last()
        assert (event.actor_name, event.via, event.ip) == ("pacs", "dicom", "127.0.0.1")

    refused_here = RefusedObject.objects.filter(received_by=pacs).order_by("received_at")
    assert [(one.reason_code, one.calling, one.door) for one in refused_here] == [
        (code, "MODALITY1", "cstore")
        for code in ("dicom_uid_conflict", "dicom_missing_tags", "file_too_large")
    ]

    for refused in (associate(listener, calling="STRANGER"), associate(listener, called="OTHER")):
        assert refused.is_rejected
    associate(listener, calling="STRANGER")
    with acting_as(SYSTEM):
        strangers = RefusedObject.objects.filter(reason_code="dicom_unknown_peer")
        assert wait_until(lambda: strangers.count() == 2, timeout_s=10)
        assert {(one.calling, one.received_by) for one in strangers} == {
            ("STRANGER", None),
            ("MODALITY1", None),
        }
        assert all(
            "127.0.0.1" in one.message and "have it call CARDIOCARE" in one.message for one in strangers
        )
    nobody = associate(listener, calling="GONE")
    assert nobody.send_c_store(dicoms.dataset(ours, number=9)).Status == 0x0124
    nobody.release()


def pieces(peer, size):
    """The messages of an object of so many bytes."""
    asked = C_STORE()
    asked.MessageID, asked.Priority = 1, 2
    asked.AffectedSOPClassUID, asked.AffectedSOPInstanceUID = ComputedRadiographyImageStorage, dicoms.uid(1)
    asked.DataSet = io.BytesIO(b"\0" * size)
    message = C_STORE_RQ()
    message.primitive_to_message(asked)
    for data in message.encode_msg(peer.accepted_contexts[0].context_id, 131_072):
        pdu = P_DATA_TF()
        pdu.from_primitive(data)
        yield pdu.encode()


def hang_up(peer):
    line = peer.dul.socket.socket
    peer.dul.socket.close()
    if line is not None:
        line.close()
    peer.kill()


def test_a_peer_that_cuts_the_line_or_never_ends_leaves_nothing_on_the_disk(listener, arriving):
    cut = associate(listener)
    for piece in list(pieces(cut, 500_000))[:3]:
        cut.dul.socket.send(piece)
    assert wait_until(lambda: any(arriving.iterdir()), timeout_s=10)
    hang_up(cut)
    assert wait_until(lambda: not any(arriving.iterdir()), timeout_s=10)

    endless = associate(listener)
    for piece in pieces(endless, 60_000_000):
        if not endless.is_established:
            break
        endless.dul.socket.send(piece)
    assert wait_until(lambda: not endless.is_established, timeout_s=10)
    hang_up(endless)
    assert wait_until(lambda: not any(arriving.iterdir()), timeout_s=10)
    again = associate(listener)
    assert again.is_established
    again.release()


def test_a_stranger_does_not_fill_the_memory_with_one_message(listener):
    with socket.create_connection(("127.0.0.1", listener), timeout=10) as stranger:
        stranger.sendall(struct.pack(">BBL", 1, 0, 2**32 - 1))  # a request for an association, 4 GB long
        assert stranger.recv(1) == b""
