"""The pages of studies as a doctor meets them, and what the viewer is given."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics.models import DicomInstance, DicomStudy
from tests import dicoms, factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client, doctor):
    client.force_login(doctor)
    return client


@pytest.fixture
def upload(signed_in, patient):
    def uploaded(*files, field="files"):
        url = reverse("diagnostics:upload-study", args=[patient.pk])
        return signed_in.post(url, {field: [dicoms.named(name, data) for name, data in files]})

    return uploaded


def test_a_folder_is_filed_and_each_file_has_its_verdict(upload, patient):
    answer = upload(
        ("IM1", dicoms.xray(patient)),
        ("IM2", dicoms.xray(patient, number=2)),
        ("IM3", dicoms.xray(patient, study="x", PatientID="OTHER")),
        ("notes.txt", b"hello"),
        field="folder",
    )
    page = answer.content.decode()
    assert answer.context["counts"] == [("filed", 2), ("held", 1), ("refused", 1)]
    assert "Held studies" in page
    assert "no DICOM object" in page
    study = DicomStudy.objects.get(patient=patient)
    assert reverse("diagnostics:study", args=[study.pk]) in page


def test_more_files_than_a_process_may_open_at_once_arrive_in_one_folder(upload, patient, settings):
    settings.DICOM_MAX_FILES = 1500
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1500
    files = [(f"IM{n}", b"x") for n in range(1100)]
    assert upload(*files, ("last", dicoms.xray(patient))).context["counts"] == [
        ("filed", 1),
        ("refused", 1100),
    ]


def test_an_upload_without_the_token_of_the_form_is_not_taken(doctor, patient):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(doctor)
    url = reverse("diagnostics:upload-study", args=[patient.pk])
    assert strict.post(url, {"files": [dicoms.named("a", dicoms.xray(patient))]}).status_code == 403
    token = strict.get(url).context["csrf_token"]
    data = {"files": [dicoms.named("a", dicoms.xray(patient))], "csrfmiddlewaretoken": str(token)}
    assert strict.post(url, data).status_code == 200
    assert DicomStudy.objects.count() == 1


def test_what_stands_in_a_file_is_shown_as_text_and_never_runs(upload, signed_in, patient):
    attack = "<script>alert(1)</script>"
    made = dicoms.dataset(patient, StudyDescription=attack, SeriesDescription=attack, PatientID="<b>x</b>")
    made.add_new(0x00091001, "LO", attack)
    upload((f"{attack}.dcm", dicoms.written(made)))
    study = DicomStudy.objects.get()
    for name, args in (("study", [study.pk]), ("held-studies", [])):
        page = signed_in.get(reverse(f"diagnostics:{name}", args=args)).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_a_doctor_decides_about_a_held_study_on_its_page(signed_in, patient, doctor):
    held = factories.study(patient, doctor, held=True)
    page = signed_in.get(reverse("diagnostics:study", args=[held.pk])).content.decode()
    assert "ELSEWHERE" in page
    assert patient.mrn in page
    release = reverse("diagnostics:release-study", args=[held.pk])
    wrong = signed_in.post(release, {"mrn": "NOBODY"})
    assert (wrong.status_code, "No patient of yours" in wrong.content.decode()) == (422, True)
    assert signed_in.post(release, {"mrn": ""}).status_code == 302
    held.refresh_from_db()
    assert held.patient == patient


@pytest.mark.parametrize(("frames", "asked"), [(1, 0), (3, 2)])
def test_a_frame_is_drawn_and_given_as_values(signed_in, patient, doctor, frames, asked):
    instance = factories.study(patient, doctor, frames=frames).instances.get()
    url = reverse("diagnostics:frame-png", args=[instance.pk, asked])
    answer = signed_in.get(url)
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("image/png", "private, no-cache")
    assert signed_in.get(url, headers={"if-none-match": answer["ETag"]}).status_code == 304
    picture = np.asarray(Image.open(io.BytesIO(answer.content)))
    inverted = np.asarray(Image.open(io.BytesIO(signed_in.get(url, {"invert": "1"}).content)))
    assert np.array_equal(picture, 255 - inverted)
    narrow = np.asarray(Image.open(io.BytesIO(signed_in.get(url, {"center": "1000", "width": "2"}).content)))
    assert set(np.unique(narrow)) <= {0, 255}
    raw = signed_in.get(reverse("diagnostics:frame-raw", args=[instance.pk, asked]))
    size = (int(raw["X-Rows"]), int(raw["X-Columns"]))
    values = np.frombuffer(raw.content, "<u2").reshape(size)
    assert (size, raw["X-Samples"], raw["X-Bits"], raw["X-Signed"], raw["X-Slope"]) == (
        (24, 32),
        "1",
        "12",
        "0",
        "1.0",
    )
    assert np.array_equal(narrow == 255, values >= 1000)
    assert signed_in.get(reverse("diagnostics:frame-png", args=[instance.pk, frames])).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"center": "5"},
        {"center": "x", "width": "5"},
        {"center": "1", "width": "0"},
        {"center": "nan", "width": "3"},
    ],
)
def test_a_window_that_is_none_is_refused(signed_in, patient, doctor, query):
    instance = factories.study(patient, doctor).instances.get()
    answer = signed_in.get(reverse("diagnostics:frame-png", args=[instance.pk, 0]), query)
    assert (answer.status_code, answer.json()["reason_code"]) == (400, "dicom_bad_window")


def test_pixels_that_are_not_there_are_refused_with_the_reason(signed_in, patient, doctor, media):
    instance = factories.study(patient, doctor).instances.get()
    path = media / instance.storage_name
    path.write_bytes(path.read_bytes()[:-500])
    url = reverse("diagnostics:frame-png", args=[instance.pk, 0])
    answer = signed_in.get(url)
    assert (answer.status_code, answer.json()["reason_code"]) == (422, "dicom_broken_pixels")
    path.unlink()
    assert signed_in.get(url).status_code == 503


def test_reading_frames_is_in_the_trail_once_and_the_study_each_time(signed_in, patient, doctor):
    study = factories.study(patient, doctor, frames=3)
    instance = study.instances.get()
    for index in (0, 1, 2):
        signed_in.get(reverse("diagnostics:frame-png", args=[instance.pk, index]))
    signed_in.get(reverse("diagnostics:study", args=[study.pk]))
    signed_in.get(reverse("diagnostics:study-viewer", args=[study.pk]))
    with acting_as(SYSTEM):
        reads = AuditEvent.objects.filter(action="read", patient_id=patient.pk)
        assert sorted(reads.values_list("object_type", flat=True)) == [
            "diagnostics.dicominstance", "diagnostics.dicomstudy", "diagnostics.dicomstudy",
        ]  # fmt: skip


def test_the_viewer_is_given_series_spacing_windows_and_the_study_before(signed_in, patient, doctor):
    old = factories.study(patient, doctor, StudyDate="20200101", StudyDescription="Before")
    factories.study(patient, doctor, StudyDate="20260101", Modality="US")
    new = factories.study(patient, doctor, StudyDate="20260302")
    found = signed_in.get(reverse("diagnostics:study-viewer", args=[new.pk])).json()
    assert (found["study"]["pk"], found["prior"]["study"]["pk"]) == (str(new.pk), str(old.pk))
    (series,) = found["series"]
    assert (series["modality"], series["number"], series["description"]) == ("DX", 1, "PA")
    instance = DicomInstance.objects.get(study=new)
    assert series["instances"] == [{
        "pk": str(instance.pk), "number": 1, "frames": 1, "rows": 24, "columns": 32, "spacing_mm": [0.5, 0.25],
        "spacing_kind": "patient", "windows": [[2048.0, 4096.0]], "photometric": "MONOCHROME2", "frame_ms": None, "overlays": [],
    }]  # fmt: skip
    assert signed_in.get(reverse("diagnostics:study-viewer", args=[old.pk])).json()["prior"] is None


def test_pages_ask_the_database_as_often_for_many_objects_as_for_one(signed_in, send, patient):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    study_id = send(dicoms.xray(patient), to=patient)[0].study_id
    urls = [
        reverse("diagnostics:study", args=[study_id]),
        reverse("diagnostics:study-viewer", args=[study_id]),
        reverse("diagnostics:history", args=[patient.pk]),
    ]

    def counts():
        made = []
        for url in urls:
            with CaptureQueriesContext(connection) as queries:
                assert signed_in.get(url).status_code == 200
            made.append(len(queries))
        return made

    before = counts()
    send(*(dicoms.xray(patient, series=s, number=n) for s in range(1, 5) for n in range(2, 7)), to=patient)
    send(*(dicoms.xray(patient, study=f"further {n}") for n in range(5)), to=patient)
    assert counts() == before
