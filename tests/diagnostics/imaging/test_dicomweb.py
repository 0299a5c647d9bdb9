"""DICOMweb as a real client (dicomweb-client) speaks it, and as a broken one does."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from django.db import connection
from PIL import Image
from pydicom import dcmread

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.models.api_key import Scope
from accounts.roles import SYSTEM, Role
from accounts.services.api_keys import create_api_key
from diagnostics.api.dicomweb import stow
from diagnostics.api.dicomweb.multipart import BrokenMultipart, parts
from diagnostics.imaging import arrivals
from diagnostics.models import DicomInstance, DicomStudy
from tests import dicoms, factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def pacs(db):
    return factories.user(Role.INTEGRATION, "pacs")


@pytest.fixture
def ours(doctor, pacs):
    return factories.patient(team=(doctor, pacs), mrn="MRN-77", given_name="Zoë", family_name="Müller")


def key_of(user, *scopes):
    with acting_as(SYSTEM):
        return create_api_key(user=user, scopes=scopes)[1]


@pytest.fixture
def door(live_server, pacs):
    """A client of the platform with a key for storing and reading."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key_of(pacs, Scope.UPLOADS_WRITE, Scope.STUDIES_READ)}"
    with session:
        yield DICOMwebClient(url=f"{live_server.url}/api/dicomweb", session=session)


@pytest.mark.django_db(transaction=True)
def test_a_study_goes_through_the_door_and_comes_back(door, ours):
    sent = [dicoms.dataset(ours, number=n, series=s) for s in (1, 2) for n in (1, 2)]
    cine = dicoms.dataset(ours, number=3, Modality="US")
    dicoms.pixels(cine, np.arange(3 * 24 * 32).reshape(3, 24, 32))
    answer = door.store_instances([*sent, cine])
    assert len(answer.ReferencedSOPSequence) == 5
    assert "FailedSOPSequence" not in answer

    (study,) = door.search_for_studies(
        search_filters={"PatientID": "MRN-77", "StudyDate": "20260301-20260331"}
    )
    uid = study["0020000D"]["Value"][0]
    assert study["00100010"]["Value"] == [{"Alphabetic": "Müller^Zoë"}]
    assert (study["00201206"]["Value"], study["00201208"]["Value"]) == ([2], [5])
    assert door.search_for_studies(search_filters={"PatientName": "Mül*", "ModalitiesInStudy": "US"}) == [
        study
    ]
    assert door.search_for_studies(search_filters={"PatientName": "Other"}) == []
    series = door.search_for_series(uid)
    assert [one["00200011"]["Value"] for one in series] == [[1], [2]]
    found = door.search_for_instances(uid, limit=3)
    assert len(found) == 3

    back = door.retrieve_study(uid)
    assert sorted(one.SOPInstanceUID for one in back) == sorted(one.SOPInstanceUID for one in [*sent, cine])
    here = (uid, cine.SeriesInstanceUID, cine.SOPInstanceUID)
    assert door.retrieve_instance(*here).PixelData == cine.PixelData
    metadata = door.retrieve_instance_metadata(*here)
    assert (metadata["00280010"]["Value"], "7FE00010" in metadata) == ([24], False)
    assert len(door.retrieve_study_metadata(uid)) == 5
    frames = door.retrieve_instance_frames(*here, frame_numbers=[3, 1])
    assert [np.frombuffer(frame, "<u2")[0] for frame in frames] == [2 * 24 * 32, 0]
    png = door.retrieve_instance_rendered(*here, media_types=("image/png",), params={"window": "1000,2"})
    assert set(np.unique(np.asarray(Image.open(io.BytesIO(png))))) <= {0, 255}


@pytest.mark.django_db(transaction=True)
def test_what_is_of_nobody_known_is_held_and_not_given_back(door, ours):
    answer = door.store_instances([dicoms.dataset(ours, PatientID="NOBODY"), dicoms.dataset(ours, study=2)])
    reasons = [one.get("WarningReason") for one in answer.ReferencedSOPSequence]
    assert reasons == [0xB000, None]
    assert answer.ReferencedSOPSequence[0][0x0099, 0x1001].value == "dicom_unknown_patient"
    assert [one["0020000D"]["Value"] for one in door.search_for_studies()] == [[dicoms.uid(2)]]


@pytest.mark.django_db(transaction=True)
def test_the_same_study_through_two_doors_at_once_is_stored_once(live_server, pacs, ours, media):
    key = key_of(pacs, Scope.UPLOADS_WRITE)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=b',
    }
    data = body(*(dicoms.xray(ours, number=n) for n in range(60)))  # more than one batch

    def sent(data):
        return requests.post(
            f"{live_server.url}/api/dicomweb/studies", data=data, headers=headers, timeout=60
        )

    assert sent(body(dicoms.xray(ours, number=0))).status_code == 200  # so that the study is there
    with ThreadPoolExecutor(3) as doors:
        answers = list(doors.map(sent, [data] * 3))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [len(answer.json()["00081199"]["Value"]) for answer in answers] == [60] * 3
    assert (DicomStudy.objects.count(), DicomInstance.objects.count()) == (1, 60)
    assert len(list((media / "dicom").rglob("*.dcm"))) == 60


# --- without a server: the test client speaks for the door


def body(*files, boundary="b", types=None, end="--b--"):
    message = b"preamble"
    for place, file in enumerate(files):
        kind = types[place] if types else "application/dicom"
        message += (
            f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Length: {len(file)}\r\n\r\n".encode() + file
        )
    return message + f"\r\n{end}\r\n".encode()


@pytest.fixture
def post(client, pacs):
    key = key_of(pacs, Scope.UPLOADS_WRITE)

    def posted(
        data,
        *,
        study="",
        content_type='multipart/related; type="application/dicom"; boundary=b',
        stream=None,
        length=0,
    ):
        url = f"/api/dicomweb/studies{study}"
        headers = {"authorization": f"Bearer {key}"}
        given = (
            {"wsgi.input": stream, "CONTENT_LENGTH": str(length), "CONTENT_TYPE": content_type}
            if stream
            else {}
        )
        return client.generic("POST", url, data, content_type=content_type, headers=headers, **given)

    return posted


def failures(answer, sequence="00081198"):
    return [
        (one["00081197"]["Value"][0], one["00991001"]["Value"][0])
        for one in answer.json().get(sequence, {}).get("Value", [])
    ]


def test_each_part_has_its_answer_and_the_rest_goes_through(post, ours):
    first = dicoms.xray(ours)
    data = body(
        first, b"no DICOM", dicoms.xray(ours, SeriesDescription="other"), b"{}", first,
        types=["application/dicom", "application/dicom", "Application/DICOM", "application/json", "application/dicom"],
    )  # fmt: skip
    answer = post(data)
    assert answer.status_code == 202
    assert failures(answer) == [(0x0111, "dicom_uid_conflict")]
    assert failures(answer, "0008119A") == [(0xC000, "not_dicom"), (0xC000, "stow_part_type")]
    assert len(answer.json()["00081199"]["Value"]) == 2  # stored, and known
    assert DicomInstance.objects.count() == 1


def test_a_message_of_endlessly_many_parts_is_taken_in_part(post, ours, monkeypatch):
    monkeypatch.setattr(stow, "MOST_PARTS", 3)
    answer = post(body(dicoms.xray(ours), *[b"x"] * 5))
    assert failures(answer, "0008119A") == [
        (0xC000, "not_dicom"), (0xC000, "not_dicom"), (0xC000, "stow_broken_multipart"),
    ]  # fmt: skip
    assert DicomInstance.objects.count() == 1


def test_where_nothing_is_stored_a_post_is_refused(post):
    found = {
        path: post(b"", study=path).status_code
        for path in ("/1.2/metadata", "/1.2/series", "/1.2/series/1.3")
    }
    assert found == {"/1.2/metadata": 403, "/1.2/series": 403, "/1.2/series/1.3": 405}


def test_nothing_stored_is_a_conflict_and_a_study_takes_its_own_objects_only(post, ours):
    answer = post(body(dicoms.xray(ours)), study=f"/{dicoms.uid('another')}")
    assert (answer.status_code, failures(answer)) == (409, [(0xA900, "dicom_other_study")])
    assert post(body(dicoms.xray(ours)), study=f"/{dicoms.uid(1)}").status_code == 200


def test_a_message_that_breaks_off_keeps_what_was_whole(post, ours):
    whole = body(dicoms.xray(ours), dicoms.xray(ours, number=2))
    answer = post(whole[: len(whole) - 700])
    assert answer.status_code == 202
    assert failures(answer, "0008119A") == [(0xC000, "stow_broken_multipart")]
    assert DicomInstance.objects.count() == 1


@pytest.mark.parametrize(
    ("content_type", "data", "status", "code"),
    [
        ("application/dicom", b"x", 415, "stow_not_multipart"),
        ("multipart/related; type=application/dicom", b"x", 415, "stow_not_multipart"),
        ("multipart/related; type=image/png; boundary=b", b"x", 415, "stow_not_multipart"),
        ("multipart/related; boundary=b", b"nothing of the kind", 400, "stow_broken_multipart"),
    ],
)
def test_a_request_that_is_no_store_is_refused(post, content_type, data, status, code):
    answer = post(data, content_type=content_type)
    assert (answer.status_code, answer.json()["reason_code"]) == (status, code)


class Watched(io.BytesIO):
    """A body that notes whether a transaction is open while it arrives."""

    def read(self, size=-1):
        self.__dict__.setdefault("open", []).append(connection.in_atomic_block)
        return super().read(min(size, 1000) if size > 0 else size)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_message_arrives(post, ours, monkeypatch):
    monkeypatch.setattr(arrivals, "BATCH", 2)
    data = body(*(dicoms.xray(ours, number=n) for n in range(5)), b"no DICOM")
    arriving = Watched(data)
    answer = post(b"", stream=arriving, length=len(data))
    assert (answer.status_code, DicomInstance.objects.count()) == (202, 5)
    assert set(arriving.open) == {False}
    with acting_as(SYSTEM):
        created = AuditEvent.objects.filter(action="create", object_type="diagnostics.dicomstudy")
        assert [len(event.detail["instances"]) for event in created.order_by("pk")] == [2, 2, 1]
        assert set(created.values_list("actor_name", "via")) == {("pacs", "api")}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_parts_are_cut_right_wherever_the_network_cuts(size):
    files = [b"\r\n-", b"", b"\r\n--", b"x" * 50 + b"\r\n--almost", b"\r\n\r\n"]
    stream = io.BytesIO(body(*files))
    got = [b"".join(part.body) for part in parts(lambda most: stream.read(min(most, size)), "b")]
    assert got == files


def test_a_part_that_is_not_read_is_skipped_and_endless_headers_end():
    stream = io.BytesIO(body(b"one", b"two"))
    assert [part.media_type for part in parts(stream.read, "b")] == ["application/dicom"] * 2
    endless = io.BytesIO(b"--b\r\nX: " + b"y" * 100_000 + b"\r\n\r\n--b--")
    with pytest.raises(BrokenMultipart):
        list(parts(endless.read, "b"))


def test_a_key_for_reading_and_a_role_without_uploads_store_nothing(client, pacs, ours):
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    reading = {"authorization": f"Bearer {key_of(pacs, Scope.STUDIES_READ)}"}
    url = "/api/dicomweb/studies"
    assert client.generic("POST", url, body(dicoms.xray(ours)), content_type=kind).status_code == 401
    refused = client.generic("POST", url, body(dicoms.xray(ours)), content_type=kind, headers=reading)
    client.force_login(factories.user(Role.AUDITOR))
    auditor = client.generic("POST", url, body(dicoms.xray(ours)), content_type=kind)
    assert (refused.status_code, auditor.status_code, DicomStudy.objects.count()) == (403, 403, 0)


@pytest.fixture
def ask(client, doctor):
    client.force_login(doctor)

    def asked(path, **options):
        return client.get(f"/api/dicomweb/{path}", **options)

    return asked


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2), ("00100020=MRN-77", 2), ("patientid=MRN-77", None), ("PatientID=MRN-7?", 2), ("PatientID=M*X", 0),
        ("StudyDate=20260302", 1), ("StudyDate=-20260101", 1), ("StudyDate=20250101-20260102", 1), ("StudyDate=soon", None),
        ("PatientName=M%C3%BCller^Zo%C3%AB", 2), ("PatientName=*^Anna", 0), ("limit=1", 1), ("offset=1", 1), ("limit=x", None),
        ("StudyDescription=.*", 0), ("SeriesNumber=1", None), ("includefield=all&fuzzymatching=true", 2), ("Unknown=1", None),
    ],
)  # fmt: skip
def test_studies_are_found_by_what_they_are(ask, doctor, patient, query, found):
    factories.study(patient, doctor)
    factories.study(patient, doctor, StudyDate="20251224", Modality="US")
    answer = ask(f"studies?{query}")
    if found is None:
        assert (answer.status_code, answer.json()["reason_code"]) == (400, "qido_bad_query")
    else:
        assert (answer.status_code, len(answer.json())) == (200, found)


@pytest.mark.parametrize("path", ["studies", "series", "instances"])
def test_the_trail_says_whose_studies_a_search_has_shown(ask, doctor, patient, other_doctor, path):
    ours = factories.study(patient, doctor)
    factories.study(factories.patient(team=(other_doctor,)), other_doctor)
    ask(path)
    with acting_as(SYSTEM):
        detail = AuditEvent.objects.filter(action="search").get().detail
    assert (detail["found"], detail["shown"]) == (1, [str(ours.pk)])


def test_forms_that_are_not_given_are_refused(ask, doctor, patient):
    study = factories.study(patient, doctor)
    instance = study.instances.get()
    here = f"studies/{study.study_uid}/series/{instance.series.series_uid}/instances/{instance.sop_uid}"
    for path, accept in (
        ("studies", "application/xml"), (here, "application/dicom+json"), (f"{here}/metadata", "text/html"),
        (f"{here}/frames/1", 'multipart/related; type="image/jp2"'), (f"{here}/rendered", "video/mp4"),
    ):  # fmt: skip
        assert ask(path, headers={"accept": accept}).status_code == 406, path
    assert ask(here, headers={"accept": "application/dicom"})["Content-Type"] == "application/dicom"
    whole = b"".join(ask(here, headers={"accept": "application/dicom"}).streaming_content)
    assert dcmread(io.BytesIO(whole)).SOPInstanceUID == instance.sop_uid
    for frames in ("0", "2", "x", "1,,1", "1,9"):
        assert ask(f"{here}/frames/{frames}").status_code == 404, frames
    assert ask(f"{here}/rendered?window=1").json()["reason_code"] == "dicom_bad_window"
    assert ask(f"{here}/frames/1/rendered", headers={"accept": "image/jpeg"})["Content-Type"] == "image/jpeg"
    assert ask("studies/1.2.3/metadata").status_code == 404


def test_a_search_asks_the_database_as_often_for_many_studies_as_for_one(ask, doctor, patient):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def counts():
        made = []
        for path in ("studies", "series", "instances"):
            with CaptureQueriesContext(connection) as queries:
                assert ask(path).status_code == 200
            made.append(len(queries))
        return made

    factories.study(patient, doctor)
    before = counts()
    for _ in range(4):
        factories.study(patient, doctor)
    assert counts() == before
    assert DicomStudy.objects.count() == 5
