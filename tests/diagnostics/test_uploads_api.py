"""`POST /api/v1/uploads/`: one verdict per file, the good ones go through, nothing else stays on disk."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import Diagnosis, Upload
from diagnostics.services import uploads
from diagnostics.services.uploads import clean_name, submit_uploads
from patients.services.patients import delete_patient
from tests import factories, images
from tests.diagnostics.files import BAD, GOOD

pytestmark = pytest.mark.django_db
URL = "/api/v1/uploads/"
FIELDS = ["filename", "accepted", "upload_id", "diagnosis_id", "reason_code", "message"]


@pytest.fixture(autouse=True)
def temporary(settings, tmp_path):
    """The folder where files wait while they arrive."""
    folder = tmp_path / "arriving"
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    return folder


@pytest.fixture
def patient(doctor, client):
    client.force_login(doctor)
    return factories.patient(team=(doctor,))


def file(name, data):
    return SimpleUploadedFile(name, data, "image/png")


def send(client, patient_id, *files):
    return client.post(URL, {"patient": str(patient_id), "files": list(files)})


def on_disk(folder):
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_all_accepted_answers_201_with_exactly_the_promised_fields(client, patient, media):
    response = send(client, patient.pk, *(file(name, data) for name, (data, _) in GOOD.items()))
    verdicts = response.json()["files"]
    assert (response.status_code, list(response.json())) == (201, ["files"])
    assert [list(verdict) for verdict in verdicts] == [FIELDS] * len(GOOD)
    assert [verdict["filename"] for verdict in verdicts] == list(GOOD)
    with acting_as(SYSTEM):
        for verdict, (data, media_type) in zip(verdicts, GOOD.values(), strict=True):
            upload = Upload.objects.get(pk=verdict["upload_id"])
            assert (upload.media_type, upload.size) == (media_type, len(data))
            assert (str(upload.diagnosis.pk), upload.diagnosis.status) == (verdict["diagnosis_id"], "queued")
    assert on_disk(media) == sorted(data for data, _ in GOOD.values())


def test_a_mixed_batch_answers_207_and_keeps_the_good_files_only(client, patient, media, temporary):
    files = [
        file("good-1.png", images.png(seed=1)),
        *(file(name, bad[0]) for name, bad in BAD.items()),
        file("good-2.png", images.png(seed=2)),
    ]
    response = send(client, patient.pk, *files)
    verdicts = response.json()["files"]
    assert response.status_code == 207
    assert [(v["filename"], v["accepted"], v["reason_code"]) for v in verdicts] == [
        ("good-1.png", True, None), *((name, False, code) for name, (_, code, _) in BAD.items()), ("good-2.png", True, None),
    ]  # fmt: skip
    assert [(v["upload_id"], v["diagnosis_id"]) for v in verdicts[1:-1]] == [(None, None)] * len(BAD)
    assert on_disk(media) == sorted([images.png(seed=1), images.png(seed=2)])
    assert list(temporary.iterdir()) == []
    with acting_as(SYSTEM):
        assert (Upload.objects.count(), Diagnosis.objects.count()) == (2, 2)


def test_only_bad_files_leave_nothing_at_all(client, patient, media, temporary):
    response = send(client, patient.pk, *(file(name, bad[0]) for name, bad in BAD.items()))
    assert response.status_code == 207
    assert (on_disk(media), list(temporary.iterdir())) == ([], [])
    with acting_as(SYSTEM):
        assert Upload.objects.count() == 0


@pytest.mark.parametrize(
    "whose", ["foreign", "deleted", "unknown", "not an id", "with a NUL", "empty", "missing"]
)
def test_a_patient_who_is_not_the_callers_answers_404_per_file(
    client, doctor, other_doctor, patient, media, whose
):
    foreign, deleted = factories.patient(team=(other_doctor,)), factories.patient(team=(doctor,))
    with acting_as(doctor):
        delete_patient(doctor, patient=deleted)
    names = {
        "foreign": foreign.pk,
        "deleted": deleted.pk,
        "unknown": uuid.uuid4(),
        "not an id": "x",
        "with a NUL": f"{patient.pk}\0",
    }
    data = {"files": [file("a.png", images.png(seed=1)), file("b.png", b"")]}
    if whose != "missing":
        data["patient"] = str(names.get(whose, ""))
    before = on_disk(media)
    response = client.post(URL, data)
    assert response.status_code == 404
    assert response.json() == {
        "files": [
            {"filename": name, "accepted": False, "upload_id": None, "diagnosis_id": None, "reason_code": "patient_not_found",
             "message": "No patient of yours has this number. Check the patient, or ask to join the care team."}
            for name in ("a.png", "b.png")
        ]
    }  # fmt: skip
    assert on_disk(media) == before
    assert send(client, patient.pk, file("a.png", images.png(seed=1))).status_code == 201


def test_no_file_answers_400_with_a_sentence(client, patient):
    response = client.post(URL, {"patient": str(patient.pk), "files": "text, not a file"})
    assert response.status_code == 400
    assert response.json() == {
        "reason_code": "no_files", "message": "No file was chosen. Choose one or more files and upload again.", "files": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b'{"patient": "x"}', "application/json", 415, "unsupported_media_type"),
        (b"garbage", "multipart/form-data; boundary=x", 400, "no_files"),
        (b"garbage", "multipart/form-data", 400, "bad_request"),
    ],
)
def test_a_body_that_is_no_upload_is_refused_with_a_code(client, patient, body, content_type, status, code):
    response = client.post(URL, body, content_type=content_type)
    assert (response.status_code, response.json()["reason_code"]) == (status, code)


def test_the_same_file_again_is_linked_and_not_computed_again(client, patient, doctor, media):
    first = send(client, patient.pk, file("one.png", images.png(seed=1))).json()["files"][0]
    response = send(
        client, patient.pk, file("two.png", images.png(seed=1)), file("three.png", images.png(seed=1))
    )
    assert response.status_code == 201
    for name, verdict in zip(("two.png", "three.png"), response.json()["files"], strict=True):
        assert verdict == first | {
            "filename": name, "reason_code": "duplicate",
            "message": "This very file was uploaded for this patient before; its result is linked, nothing was computed again.",
        }  # fmt: skip
    other = factories.patient(team=(doctor,))
    again = send(client, other.pk, file("one.png", images.png(seed=1))).json()["files"][0]
    assert (again["reason_code"], again["upload_id"] == first["upload_id"]) == (None, False)
    assert on_disk(media) == [images.png(seed=1)] * 2


def test_of_51_files_the_last_is_refused_and_50_go_through(client, patient, media):
    response = send(client, patient.pk, *(file(f"{n}.png", images.png(seed=n)) for n in range(51)))
    verdicts = response.json()["files"]
    assert (response.status_code, len(verdicts)) == (207, 51)
    assert [v["accepted"] for v in verdicts] == [True] * 50 + [False]
    assert verdicts[50]["reason_code"] == "too_many_files"
    assert (
        verdicts[50]["message"]
        == "Only 50 files are taken at once, and this one came after them. Upload it in the next batch."
    )
    assert len(on_disk(media)) == 50


def test_far_too_many_files_are_refused_as_a_whole_with_a_code(client, patient, settings, media, temporary):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 5
    response = send(client, patient.pk, *(file(f"{n}.png", images.png(seed=n)) for n in range(6)))
    assert (response.status_code, response.json()["reason_code"]) == (400, "too_many_files")
    assert (
        response.json()["message"]
        == "Only 50 files are taken at once. Send them in smaller batches; nothing was kept."
    )
    assert (on_disk(media), list(temporary.iterdir())) == ([], [])


def test_a_file_over_the_limit_is_refused_alone(client, patient, settings, media, temporary):
    settings.UPLOAD_MAX_BYTES = 2_000_000
    response = send(
        client,
        patient.pk,
        file("big.png", images.png() + b"x" * 3_000_000),
        file("good.png", images.png(seed=1)),
    )
    big, good = response.json()["files"]
    assert (big["reason_code"], big["message"]) == (
        "file_too_large", "The file is larger than 2 MB. Upload a smaller copy of it, or a shorter stretch.",
    )  # fmt: skip
    assert (good["accepted"], on_disk(media), list(temporary.iterdir())) == (True, [images.png(seed=1)], [])


NAMES = {
    "../../etc/passwd.png": "passwd.png",
    "..\\..\\windows\\system.png": "system.png",
    "C:\\Users\\me\\beat.png": "beat.png",
    "beat\u202egnp.exe": "beatgnp.exe",
    "be\nat\r\t\x7f.png": "beat.png",
    "<img src=x onerror=alert(1)>.png": "<img src=x onerror=alert(1)>.png",
    "Kurve-Müller-心電図.png": "Kurve-Müller-心電図.png",
    "n" * 496 + ".png": "n" * 196 + ".png",
    "x." + "y" * 300: "y" * 200,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_tricky_name_is_shown_harmlessly_and_names_nothing_on_disk(client, patient, media, temporary, name):
    named = io.BytesIO(images.png(seed=1))
    named.name = name
    verdict = send(client, patient.pk, named).json()["files"][0]
    assert (verdict["filename"], verdict["accepted"]) == (NAMES[name], True)
    (stored,) = [path for path in media.rglob("*") if path.is_file()]
    assert stored.relative_to(media).parts[0] == "uploads"
    assert uuid.UUID(stored.stem).hex == stored.stem
    assert (stored.suffix, list(temporary.iterdir())) == (".png", [])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, "unnamed"),
        ("", "unnamed"),
        ("a/", "unnamed"),
        ("\x00\x01", "unnamed"),
        ("\u202e\u2066", "unnamed"),
        ("\ud800.png", ".png"),
    ],
)
def test_a_name_of_nothing_printable_is_called_unnamed(name, shown):
    assert clean_name(name) == shown


def test_a_storage_that_is_away_refuses_the_file_and_leaves_nothing(client, patient, settings, tmp_path):
    (tmp_path / "a-file").write_bytes(b"")
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "a-file")},
        }
    }
    response = send(client, patient.pk, file("a.png", images.png()))
    assert (response.status_code, response.json()["files"][0]["reason_code"]) == (207, "storage_unavailable")
    with acting_as(SYSTEM):
        assert Upload.objects.count() == 0


class FailingMedium(io.BytesIO):
    """A file that is read whole once; the second time it breaks off after its first bytes."""

    name = "medium.png"
    reads_left: int | None = None

    def read(self, size=-1):
        if size == -1:
            self.reads_left = 1
        elif self.reads_left == 0:
            raise OSError("the medium is gone")
        elif self.reads_left is not None:
            self.reads_left -= 1
        return super().read(size)


def test_a_file_half_stored_is_taken_back(doctor, patient, media):
    with acting_as(doctor):
        (verdict,) = submit_uploads(doctor, patient_id=patient.pk, files=[FailingMedium(images.png())])
    assert (verdict.reason_code, on_disk(media)) == ("storage_unavailable", [])


class Unreadable(io.BytesIO):
    """A file at which the service itself fails."""

    name = "unreadable.png"

    def seek(self, *_):
        raise MemoryError


def test_a_batch_that_fails_midway_leaves_no_file_of_the_rolled_back_rows(doctor, patient, media):
    with pytest.raises(MemoryError), acting_as(doctor):
        submit_uploads(doctor, patient_id=patient.pk, files=[file("a.png", images.png(seed=1)), Unreadable()])
    assert on_disk(media) == []
    with acting_as(SYSTEM):
        assert Upload.objects.count() == 0


def test_an_anonymous_upload_is_refused_before_anything_is_kept(patient, media, temporary):
    response = send(Client(), patient.pk, file("a.png", images.png()))
    assert (response.status_code, response.json()["reason_code"]) == (401, "not_authenticated")
    assert (on_disk(media), list(temporary.iterdir())) == ([], [])


def test_a_session_needs_the_forgery_token_and_a_key_does_not(doctor, patient):
    from accounts.services.api_keys import create_api_key

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(doctor)
    assert send(strict, patient.pk, file("a.png", images.png(seed=1))).status_code == 403
    _, key = create_api_key(user=doctor, scopes=["uploads:write"])
    keyed = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {key}"})
    assert send(keyed, patient.pk, file("a.png", images.png(seed=1))).status_code == 201


def test_what_arrives_has_no_name_on_disk_and_no_byte_too_many(settings, temporary, monkeypatch, rf, doctor):
    from diagnostics import upload_handler

    settings.UPLOAD_MAX_BYTES, settings.UPLOAD_MAX_FILES = 1000, 2
    monkeypatch.setattr(upload_handler, "IN_MEMORY_BYTES", 500)
    request = rf.post("/")
    request.user = doctor
    handler = upload_handler.CappedUploadHandler(request)
    kept = []
    for number in range(3):
        handler.new_file("files", f"{number}.png", "image/png", 10**9)
        for start in range(0, 10_000, 100):
            handler.receive_data_chunk(b"x" * 100, start)
        kept.append(handler.file_complete(10_000))
        assert list(temporary.iterdir()) == []
    open_files = [Path(f"/proc/self/fd/{one.fileno()}").readlink() for one in kept[:2]]
    assert [path.parent for path in open_files] == [temporary, temporary]
    assert [(one.size, len(one.read())) for one in kept] == [(1001, 1001), (1001, 1001), (0, 0)]
    for one in kept:
        one.close()
    assert uploads.LONGEST_NAME == 200


def test_the_route_is_the_documented_one():
    assert reverse("api:uploads") == URL
