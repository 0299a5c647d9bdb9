"""From a complete study to diagnoses: what is asked of which model, when, and what is said of the rest."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone
from pydicom.data import get_testdata_file

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.imaging import studies
from diagnostics.imaging.states import IllegalStudyMove, StudyStatus
from diagnostics.kinds import IMAGING, PDF
from diagnostics.models import Diagnosis, DicomInstance, DicomStudy, Upload
from diagnostics.states import Status
from tests import dicoms, factories
from tests.diagnostics.imaging.objects import ecg

pytestmark = pytest.mark.django_db
A_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def sweep():
    with acting_as(SYSTEM):
        return studies.sweep_studies()


def idle(study_id):
    with acting_as(SYSTEM):
        long_ago = timezone.now() - dt.timedelta(hours=1)
        DicomStudy.objects.filter(pk=study_id).update(last_received_at=long_ago)


def test_a_study_is_complete_once_nothing_more_came_and_each_object_goes_its_way(send, patient, doctor):
    objects = [
        dicoms.xray(patient, number=1),
        dicoms.written(dicoms.mr(patient, series=2)),
        dicoms.written(dicoms.document(patient, A_PDF, series=3)),
        ecg(patient, study=1, series=4),
        dicoms.written(dicoms.document(patient, b"no PDF at all", series=5)),
    ]
    study_id = send(*objects, to=patient)[0].study_id
    assert sweep() == {"completed": 0, "diagnosed": 0}
    idle(study_id)
    assert sweep()["completed"] == 1
    found = {
        row.series.modality + str(row.series.number): row
        for row in DicomInstance.objects.select_related("series", "upload__diagnosis")
    }
    kinds = {name: row.upload.media_type for name, row in found.items() if row.upload}
    assert kinds == {"DX1": IMAGING[0], "DOC3": PDF[0], "ECG4": "application/dicom"}
    assert found["MR2"].reason_code == "no_model_for_modality"
    assert found["DOC5"].reason_code == "unsupported_type"
    page = found["DOC3"].upload
    from django.core.files.storage import default_storage

    with default_storage.open(page.storage_name, "rb") as stored:
        assert stored.read() == A_PDF
    assert set(Diagnosis.objects.values_list("status", flat=True)) == {Status.QUEUED}
    assert sweep() == {"completed": 0, "diagnosed": 0}
    with acting_as(SYSTEM):
        Diagnosis.objects.update(status=Status.COMPLETED)
    assert sweep() == {"completed": 0, "diagnosed": 1}
    assert DicomStudy.objects.get().status == StudyStatus.DIAGNOSED


@pytest.mark.parametrize("date", ["20260302", "19000101", "20990101", ""])
def test_a_childs_film_is_not_measured_although_it_does_not_say_the_age(send, doctor, date):
    """The record knows the birth date."""
    child = factories.patient(team=(doctor,), birth_date=timezone.localdate() - dt.timedelta(days=17 * 365))
    study_id = send(dicoms.xray(child, StudyDate=date, PatientBirthDate=""), to=child)[0].study_id
    with acting_as(doctor):
        studies.complete(doctor, study_id=study_id)
    row = DicomInstance.objects.get()
    assert (row.upload, row.reason_code) == (None, "chest_child")
    assert "years old" in row.message


def test_a_late_object_opens_the_study_again_and_is_diagnosed_alone(send, patient, doctor):
    study_id = send(ecg(patient), to=patient)[0].study_id
    with acting_as(doctor):
        assert studies.complete(doctor, study_id=study_id).status == StudyStatus.COMPLETE
        with pytest.raises(IllegalStudyMove):
            studies.complete(doctor, study_id=study_id)
    first = Diagnosis.objects.get()
    send(ecg(patient), to=patient)  # known: nothing new
    assert DicomStudy.objects.get().status == StudyStatus.COMPLETE
    send(ecg(patient, number=2), to=patient)
    assert DicomStudy.objects.get().status == StudyStatus.RECEIVING
    with acting_as(doctor):
        studies.complete(doctor, study_id=study_id)
    assert Diagnosis.objects.exclude(pk=first.pk).count() == 1


def test_a_file_that_was_uploaded_before_is_linked_and_not_asked_about_again(send, patient, doctor):
    from diagnostics.services.uploads import submit_uploads

    data = ecg(patient)
    with acting_as(doctor):
        (verdict,) = submit_uploads(doctor, patient_id=patient.pk, files=[dicoms.named("ecg.dcm", data)])
    study_id = send(data, to=patient)[0].study_id
    with acting_as(doctor):
        studies.complete(doctor, study_id=study_id)
    assert DicomInstance.objects.get().upload_id == verdict.upload_id
    assert Upload.objects.count() == 1


def test_a_held_study_is_never_diagnosed(send, patient, doctor):
    study_id = send(ecg(patient, PatientID="OTHER"), to=patient)[0].study_id
    idle(study_id)
    assert sweep() == {"completed": 0, "diagnosed": 0}
    with acting_as(doctor), pytest.raises(IllegalStudyMove):
        studies.complete(doctor, study_id=study_id)
    assert not Diagnosis.objects.exists()
    with acting_as(doctor):
        studies.release(doctor, study_id=study_id)
        studies.complete(doctor, study_id=study_id)
    assert Diagnosis.objects.get().patient == patient


def test_every_object_that_pydicom_ships_is_taken_or_refused_with_a_reason(send, patient):
    folder = Path(str(get_testdata_file("CT_small.dcm", download=False))).parent
    files = [dicoms.named(path.name, path.read_bytes()) for path in sorted(folder.glob("*.dcm"))]
    verdicts = send(*files)
    assert len(verdicts) == len(files)
    assert {one.outcome for one in verdicts} <= {"held", "refused", "known"}
    assert all(one.reason_code and one.message for one in verdicts)
    assert DicomStudy.objects.filed().count() == 0
