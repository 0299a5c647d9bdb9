"""Copies of studies without identity: asked for on the page, made by the task that the worker runs, downloaded from the page."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import numpy as np
import pydicom
import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics.imaging import deidentified
from diagnostics.models import StudyExport
from diagnostics.services.claims import ClaimLost
from tests import dicoms, factories
from worker.tasks import export_studies

pytestmark = pytest.mark.django_db
# Of the patient, in the record and in the files, and what the files say beyond it.
SECRETS = (b"brontosaur", b"zebedee", b"mrn-4711", b"acc-99", b"20260302", b"nightingale", b"elmstreet")


@pytest.fixture
def patient(doctor):
    return factories.patient(team=(doctor,), mrn="MRN-4711", given_name="Zebedee", family_name="Brontosaur")


@pytest.fixture
def page(client, doctor):
    """The page of a study, and what is asked on it."""
    client.force_login(doctor)

    def asked(name, study, method="get"):
        return getattr(client, method)(reverse(f"diagnostics:{name}", args=[study.pk]))

    return asked


def planted(patient, **values):
    """An X-ray that names its patient wherever there is room; the name of the record stands where no file would be searched by itself."""
    said = {
        "AccessionNumber": "ACC-99", "ReferringPhysicianName": "Nightingale^F", "InstitutionAddress": "1 Elmstreet",
        "DerivationDescription": "cut for Zebedee", "ManufacturerModelName": "of MRN-4711",
    }  # fmt: skip
    made = dicoms.dataset(patient, **said | values)
    made.add_new(0x00091001, "LO", "Brontosaur")
    return made


def objects_in(answer):
    """The archive's bytes, its text, and its objects."""
    data = b"".join(answer.streaming_content)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    names = archive.namelist()
    content = [archive.read(name) for name in names]
    parsed = [
        pydicom.dcmread(io.BytesIO(one))
        for name, one in zip(names, content, strict=True)
        if name.endswith(".dcm")
    ]
    return b"".join(content) + " ".join(names).encode(), archive.read("ABOUT.txt").decode(), parsed


def test_the_copy_holds_the_pictures_and_no_planted_name(page, doctor, patient):
    nameless = planted(patient, number=2, BurnedInAnnotation="YES")
    study = factories.filed(patient, doctor, planted(patient), nameless)
    assert "Prepare a copy" in page("study", study).content.decode()
    assert page("prepare-export", study, "post").status_code == 302
    assert "0 of 2 objects" in page("study", study).content.decode()
    assert page("export", study).status_code == 404
    export_studies()
    shown = page("export-progress", study).content.decode()
    assert "says that words are burned into the picture" in shown
    assert "Download 2 objects" in shown

    answer = page("export", study)
    everything, about, found = objects_in(answer)
    assert [secret for secret in SECRETS if secret in everything.lower()] == []
    assert dicoms.uid(1).encode() not in everything
    assert "2 of 2 objects" in about
    assert "images/0002.dcm" in about
    assert len({one.StudyInstanceUID for one in found}) == len({one.PatientID for one in found}) == 1
    assert len({one.SOPInstanceUID for one in found}) == 2
    assert np.array_equal(found[0].pixel_array, planted(patient).pixel_array)
    with acting_as(SYSTEM):
        events = AuditEvent.objects.filter(action="export", object_id=str(study.pk)).order_by("pk")
        assert [(one.detail["deidentified"], one.patient_id) for one in events] == [
            ("asked for", patient.pk), ("downloaded", patient.pk),
        ]  # fmt: skip


def test_studies_of_one_patient_stay_together_whatever_their_files_say(page, doctor, patient, settings):
    settings.DICOM_EXPORT_KEY = "k" * 32
    made = [
        factories.filed(patient, doctor, dicoms.dataset(patient, study=1, StudyDate="20200101")),
        factories.filed(
            patient, doctor, dicoms.dataset(patient, study=2, StudyDate="20200131", PatientID="")
        ),
    ]
    other = factories.study(factories.patient(team=(doctor,)), doctor, StudyDate="20200101")
    found = []
    for study in (*made, other):
        page("prepare-export", study, "post")
        export_studies()
        found += objects_in(page("export", study))[2]
    days = [dt.datetime.strptime(one.StudyDate, "%Y%m%d") for one in found]  # noqa: DTZ007
    assert found[0].PatientID == found[1].PatientID != found[2].PatientID
    assert (days[1] - days[0]).days == 30
    assert days[0] != days[2]


def test_what_cannot_be_read_is_left_out_by_name_and_a_copy_of_nothing_fails(page, doctor, patient, media):
    study = factories.filed(patient, doctor, planted(patient), planted(patient, number=2))
    first, second = study.instances.all()
    (media / second.storage_name).write_bytes(b"no longer DICOM")
    page("prepare-export", study, "post")
    export_studies()
    assert "Left out." in page("study", study).content.decode()
    _, about, found = objects_in(page("export", study))
    assert (len(found), "1 of 2 objects" in about, "images/0002.dcm" in about) == (1, True, True)
    (media / first.storage_name).write_bytes(b"no longer DICOM")
    page("prepare-export", study, "post")
    export_studies()
    assert "nothing could be copied" in page("study", study).content.decode()
    assert page("export", study).status_code == 404


def test_it_is_tried_again_while_the_storage_is_away_and_given_up_in_the_end(page, doctor, patient, media):
    study = factories.study(patient, doctor)
    stored = media / study.instances.get().storage_name
    data = stored.read_bytes()
    stored.unlink()
    page("prepare-export", study, "post")
    rows = StudyExport.objects.filter(study=study)
    for attempt in range(1, deidentified.MOST_ATTEMPTS + 1):
        export_studies()
        assert (rows.get().status, rows.get().attempts) == ("waiting", attempt)
        export_studies()  # too early: nothing is tried
        rows.update(next_try_at=timezone.now())
    export_studies()
    assert (rows.get().status, rows.get().attempts) == ("failed", deidentified.MOST_ATTEMPTS)
    stored.write_bytes(data)
    page("prepare-export", study, "post")
    export_studies()
    assert rows.get().status == "ready"


def test_two_workers_do_not_make_one_copy_and_a_late_one_changes_nothing(page, doctor, patient, media):
    study = factories.study(patient, doctor)
    page("prepare-export", study, "post")
    row = StudyExport.objects.get()
    with acting_as(SYSTEM):
        first = deidentified.claim(row.pk)
        assert deidentified.claim(row.pk) is None
        StudyExport.objects.update(next_try_at=timezone.now())  # the lease of the first has run out
        second = deidentified.claim(row.pk)
        objects = deidentified.objects_of(second)
        early, late = (deidentified.make(one, objects, told=lambda _: None) for one in (second, first))
        assert deidentified.note_made(second, early)
        assert not deidentified.note_made(first, late)
        with pytest.raises(ClaimLost):
            deidentified.progressed(first, 1)
    assert [path.name for path in (media / "exports").rglob("*.zip")] == [early.storage_name.rsplit("/")[-1]]


def test_a_copy_is_removed_when_its_time_is_over_or_another_takes_its_place(
    page, doctor, patient, media, django_capture_on_commit_callbacks
):
    study = factories.study(patient, doctor)

    def made():
        with django_capture_on_commit_callbacks(execute=True):
            page("prepare-export", study, "post")
        export_studies()
        return [path.name for path in (media / "exports").rglob("*.zip")]

    (first,) = made()
    (second,) = made()
    assert first != second
    StudyExport.objects.update(expires_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        export_studies()
    assert list((media / "exports").rglob("*.zip")) == []
    assert "removed when its time was over" in page("study", study).content.decode()
    assert page("export", study).status_code == 404
