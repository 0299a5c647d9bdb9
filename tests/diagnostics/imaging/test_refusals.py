"""Whoever sent a file that was refused, by whatever door, finds it on a page with the reason; administrators find all."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actor import acting_as
from accounts.models.api_key import Scope
from accounts.roles import SYSTEM, Role
from accounts.services.api_keys import create_api_key
from diagnostics.imaging import refusals, studies
from diagnostics.models import RefusedObject
from tests import dicoms, factories
from tests.diagnostics.imaging.test_dicomweb import body
from worker.tasks import forget_refusals

pytestmark = pytest.mark.django_db
PAGE = "diagnostics:refused-studies"


@pytest.fixture
def read(client):
    """The page as somebody reads it."""

    def page(user):
        client.force_login(user)
        answer = client.get(reverse(PAGE))
        assert answer.status_code == 200
        return answer.content.decode()

    return page


def upload(client, doctor, patient, *files):
    client.force_login(doctor)
    named = [dicoms.named(name, data) for name, data in files]
    assert (
        client.post(reverse("diagnostics:upload-study", args=[patient.pk]), {"files": named}).status_code
        == 200
    )


def test_an_upload_is_told_to_the_doctor_and_to_administrators_without_the_name_of_the_file(
    client, read, doctor, patient
):
    first, other = dicoms.xray(patient), dicoms.xray(patient, SeriesDescription="other")
    upload(client, doctor, patient, ("im1", first), ("Jane Example.dcm", other), ("notes.txt", b"hello"))
    found = read(doctor)
    for shown in (
        "Jane Example.dcm",
        "notes.txt",
        "dicom_uid_conflict",
        "not_dicom",
        dicoms.uid(1),
        "Ask whoever exported it",
    ):
        assert shown in found
    assert "im1" not in found
    administrator = read(factories.user(Role.ADMIN))
    assert "dicom_uid_conflict" in administrator
    assert str(doctor) in administrator
    assert "Jane Example" not in administrator
    assert "Nothing was refused" in read(factories.user(Role.DOCTOR))


def test_a_key_that_sent_by_stow_is_named(client, read, patient):
    pacs = factories.user(Role.INTEGRATION, "pacs")
    with acting_as(SYSTEM):
        row, key = create_api_key(user=pacs, scopes=[Scope.UPLOADS_WRITE])
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    whole = body(dicoms.xray(patient, number=2), b"no DICOM")
    for data in (whole, whole[:-30]):
        client.generic(
            "POST",
            "/api/dicomweb/studies",
            data,
            content_type=kind,
            headers={"authorization": f"Bearer {key}"},
        )
    found = read(factories.user(Role.ADMIN))
    assert (found.count('<code class="small">not_dicom'), found.count("stow_broken_multipart")) == (1, 1)
    assert str(row) in found
    assert key not in found


def test_a_rejected_study_is_listed_for_those_who_could_decide(read, doctor, patient):
    held = factories.study(patient, doctor, held=True)
    with acting_as(doctor):
        studies.reject(doctor, study_id=held.pk)
    assert held.study_uid in read(doctor)
    assert "ELSEWHERE" in read(doctor)
    assert held.study_uid not in read(factories.user(Role.DOCTOR))
    assert held.study_uid not in read(factories.user(Role.ADMIN))


def test_devices_that_were_not_let_in_are_told_once_to_administrators_and_a_scan_does_not_fill_the_list(
    read, doctor
):
    def call(calling):
        with acting_as(SYSTEM):
            refusals.note_stranger(calling=calling, called="ANY-SCP", title="CARDIOCARE", address="10.0.0.9")

    call("<b>SCANNER</b>")
    call("<b>SCANNER</b>")
    found = read(factories.user(Role.ADMIN))
    assert found.count("dicom_unknown_peer") == 1
    assert "A device that is not known" in found
    assert "&lt;b&gt;SCANNER" in found
    assert "dicom_unknown_peer" not in read(doctor)
    for number in range(80):
        call(f"SCANNER{number}")
    assert RefusedObject.objects.count() == 50


def test_it_is_forgotten_after_the_days_of_the_setting(client, doctor, patient, settings):
    upload(client, doctor, patient, ("old", b"x"), ("new", b"y"))
    settings.DICOM_REFUSALS_DAYS = 3
    rows = RefusedObject.objects.filter(filename="old")
    rows.update(received_at=timezone.now() - dt.timedelta(days=3, minutes=1))
    forget_refusals()
    assert list(RefusedObject.objects.values_list("filename", flat=True)) == ["new"]


def test_the_page_asks_the_database_as_often_for_many_as_for_one(client, doctor, patient):
    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(PAGE))
        return len(queries)

    upload(client, doctor, patient, ("one", b"x"))
    with acting_as(doctor):
        studies.reject(doctor, study_id=factories.study(patient, doctor, held=True).pk)
    before = count()
    upload(client, doctor, patient, *((f"{n}", b"x") for n in range(10)))
    for _ in range(3):
        held = factories.study(patient, doctor, held=True)
        with acting_as(doctor):
            studies.reject(doctor, study_id=held.pk)
    assert count() == before
