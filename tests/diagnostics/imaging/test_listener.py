"""The C-STORE door with a real client (pynetdicom), in a process of its own as an operator starts it."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from pynetdicom import AE
from pynetdicom.sop_class import ComputedRadiographyImageStorage, Verification

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from diagnostics.models import DicomInstance, DicomStudy
from tests import dicoms, factories
from tests.workers import services  # noqa: F401  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture
def listener(services):  # noqa: F811
    started = services.start(
        "listener",
        [sys.executable, "manage.py", "dicom_listener", "--port", "0"],
        DICOM_PEERS="MODALITY1=pacs,GONE=nobody",
        DICOM_MAX_MB="1",
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

    for refused in (associate(listener, calling="STRANGER"), associate(listener, called="OTHER")):
        assert refused.is_rejected
    nobody = associate(listener, calling="GONE")
    assert nobody.send_c_store(dicoms.dataset(ours, number=9)).Status == 0x0124
    nobody.release()
