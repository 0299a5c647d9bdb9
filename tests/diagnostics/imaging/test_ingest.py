"""Objects on their way in: filed, held, known or refused, each with its reason, and nothing lost."""

from __future__ import annotations

import io
import resource
import signal
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics import zips
from diagnostics.imaging import arrivals, studies
from diagnostics.imaging.arrivals import Hall, in_batches, refused
from diagnostics.imaging.reasons import ImagingReason, ImagingRefused
from diagnostics.imaging.states import IllegalStudyMove, StudyStatus
from diagnostics.models import DicomInstance, DicomSeries, DicomStudy
from diagnostics.reasons import Reason
from diagnostics.services.inspection import Refused, inspect
from tests import dicoms, factories

pytestmark = pytest.mark.django_db


def outcomes(verdicts):
    return [(one.outcome, one.reason_code) for one in verdicts]


def stored(media):
    return sorted(path.name for path in Path(media).rglob("*.dcm"))


def test_objects_are_grouped_into_study_and_series_and_kept_as_they_came(send, patient, media):
    files = [dicoms.xray(patient, number=n, series=s) for s in (1, 2) for n in (1, 2)]
    verdicts = send(*files, dicoms.xray(patient, study=2), to=patient)
    assert outcomes(verdicts) == [("filed", "")] * 5
    assert DicomStudy.objects.filter(patient=patient, status=StudyStatus.RECEIVING).count() == 2
    first = DicomStudy.objects.get(study_uid=dicoms.uid(1))
    assert (first.series.count(), first.instances.count()) == (2, 4)
    assert first.description == "Chest PA"
    assert len(stored(media)) == 5
    row = DicomInstance.objects.get(pk=verdicts[0].instance_id)
    assert (Path(media) / row.storage_name).read_bytes() == files[0]
    assert row.image["spacing_mm"] == [0.5, 0.25]


def test_the_same_object_again_changes_nothing_and_another_under_its_uid_is_refused(send, patient, media):
    file = dicoms.xray(patient)
    other = dicoms.xray(patient, SeriesDescription="tampered")
    assert outcomes(send(file, file, other, to=patient)) == [
        ("filed", ""), ("known", "dicom_known"), ("refused", "dicom_uid_conflict"),
    ]  # fmt: skip
    again = send(file, other, dicoms.xray(patient, study=9, SOPInstanceUID=dicoms.uid(1, 1, 1)), to=patient)
    assert outcomes(again) == [
        ("known", "dicom_known"), ("refused", "dicom_uid_conflict"), ("refused", "dicom_uid_conflict"),
    ]  # fmt: skip
    kept = DicomInstance.objects.get()
    assert (Path(media) / kept.storage_name).read_bytes() == file
    assert (DicomStudy.objects.count(), DicomSeries.objects.count(), len(stored(media))) == (1, 1, 1)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"PatientID": "SOMEBODY-ELSE"}, "dicom_other_patient"),
        ({"PatientName": "Other^Zoë"}, "dicom_other_patient"),
        ({"PatientBirthDate": "19990909"}, "dicom_other_patient"),
        ({"PatientSex": "M"}, "dicom_other_patient"),
        ({"PatientID": None, "PatientName": None}, "dicom_identity_incomplete"),
        ({"PatientID": "", "PatientName": "", "PatientBirthDate": ""}, "dicom_identity_incomplete"),
    ],
)
def test_an_object_of_somebody_else_is_held_and_not_filed(send, patient, said, reason):
    assert outcomes(send(dicoms.xray(patient, **said), to=patient)) == [("held", reason)]
    study = DicomStudy.objects.get()
    assert (study.patient, study.claimed_patient, study.status) == (None, patient, StudyStatus.HELD)


@pytest.mark.parametrize(
    "said",
    [
        {"PatientName": "MULLER^ZOE", "PatientID": "mrn-77"},
        {"PatientName": "muller^zoe^maria"},
        {"PatientName": "Zoë Müller"},
        {"PatientName": None, "PatientBirthDate": None},
        {"PatientID": None},
    ],
)
def test_spelling_does_not_make_somebody_else(send, patient, said):
    assert outcomes(send(dicoms.xray(patient, **said), to=patient)) == [("filed", "")]


def test_what_is_sent_without_a_chosen_patient_is_filed_by_number_name_and_birth_date(send, patient, doctor):
    foreign = factories.patient(mrn="MRN-88")
    verdicts = send(
        dicoms.xray(patient, study="own"),
        dicoms.xray(patient, study="no number", PatientID=""),
        dicoms.xray(patient, study="number alone", PatientName="", PatientBirthDate=""),
        dicoms.xray(foreign, study="foreign"),
        door=DicomStudy.Door.STOW,
    )
    assert outcomes(verdicts) == [
        ("filed", ""), ("held", "dicom_unknown_patient"), ("held", "dicom_identity_incomplete"), ("held", "dicom_unknown_patient"),
    ]  # fmt: skip
    assert DicomStudy.objects.get(study_uid=dicoms.uid("foreign")).claimed_patient is None


def test_bad_files_are_refused_by_themselves(send, patient):
    torn = dicoms.dataset(patient, number=2)
    torn.PixelData = torn.PixelData[:100]
    verdicts = send(
        b"no DICOM at all", b"", dicoms.xray(patient, StudyInstanceUID=None), dicoms.written(torn), dicoms.xray(patient),
        to=patient,
    )  # fmt: skip
    assert outcomes(verdicts) == [
        ("refused", "not_dicom"), ("refused", "not_dicom"), ("refused", "dicom_missing_tags"), ("filed", ""), ("filed", ""),
    ]  # fmt: skip
    row = DicomInstance.objects.get(pk=verdicts[3].instance_id)
    assert (row.reason_code, row.image) == ("dicom_broken_pixels", None)


def test_nothing_that_stands_in_an_object_gets_into_the_log(send, patient, caplog):
    secret = "Secret" * 30
    made = dicoms.dataset(patient)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's doubts while it is made
        made.PatientComments, made.AccessionNumber, made.StudyDate = secret, secret, secret[:8]
        made.StudyInstanceUID = "1.2.0345.6"
        file = dicoms.written(made)
    caplog.clear()
    assert outcomes(send(file, to=patient)) == [("filed", "")]
    assert "Secret" not in caplog.text


def test_a_bomb_of_nested_sequences_ends_by_itself(send, patient):
    start = dicoms.written(dicoms.dataset(patient))
    nested = struct.pack("<HH2sHI", 0x0008, 0x1115, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    at = start.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))
    bomb = start[:at] + nested * 5000 + start[at:]
    assert outcomes(send(bomb, dicoms.xray(patient, number=2), to=patient)) == [
        ("refused", "dicom_nested_too_deep"), ("filed", ""),
    ]  # fmt: skip


def test_an_object_beyond_the_limit_is_refused_and_the_rest_goes_through(send, patient, settings):
    settings.DICOM_MAX_BYTES = 5000
    big = dicoms.dataset(patient, number=2)
    dicoms.pixels(big, np.zeros((64, 64)))
    assert outcomes(send(dicoms.written(big), dicoms.xray(patient), to=patient)) == [
        ("refused", "file_too_large"), ("filed", ""),
    ]  # fmt: skip


def test_nothing_waits_on_the_disk_longer_than_its_batch(doctor, patient, monkeypatch):
    monkeypatch.setattr(arrivals, "BATCH_BYTES", 10_000)
    waiting = []

    def take(batch):
        waiting.append([one.path.is_file() for one in batch])
        return [refused(one.name, "not_dicom", "no") for one in batch]

    with Hall() as hall:
        came = [hall.receive(str(n), [b"x" * 6000]) for n in range(5)]
        assert len(list(in_batches(came, take))) == 5
        assert waiting == [[True] * 2, [True] * 2, [True]]
        assert [one.path.exists() for one in came] == [False] * 5


def test_a_full_disk_refuses_what_it_does_not_take_and_reads_on(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Hall() as hall:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # as if the disk were full there
        try:
            full = hall.receive("big", [b"x" * 3000, b"x" * 3000, b"rest"])
            fits = hall.receive("small", [b"x" * 3000])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, ignored)
    assert (full.outcome, full.reason_code) == ("refused", "storage_unavailable")
    assert fits.size == 3000


def zipped(entries):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_an_archive_is_unpacked_within_limits_and_nowhere_else(send, patient, settings, media):
    inner = zipped({"a.dcm": dicoms.xray(patient, number=9)})
    entries = {
        "study/1": dicoms.xray(patient, number=1),
        "../../evil.dcm": dicoms.xray(patient, number=2),
        "/etc/evil.dcm": dicoms.xray(patient, number=3),
        "inner.zip": inner,
        "__MACOSX/._1": b"resource fork",
        "notes.txt": b"hello",
        "study/2": dicoms.xray(patient, number=4),
    }
    verdicts = send(zipped(entries), to=patient)
    assert outcomes(verdicts) == [
        ("filed", ""), ("refused", "zip_path"), ("refused", "zip_path"), ("refused", "zip_nested"), ("refused", "not_dicom"),
        ("filed", ""),
    ]  # fmt: skip
    assert verdicts[0].filename == "0.dcm: 1"
    assert len(stored(media)) == 2


def test_an_archive_that_unpacks_to_too_much_ends_there(send, patient, settings):
    settings.DICOM_MAX_ARCHIVE_BYTES = 20_000
    bomb = zipped({"1": dicoms.xray(patient), "bomb": b"\0" * 2_000_000, "3": dicoms.xray(patient, number=3)})
    assert outcomes(send(bomb, to=patient)) == [("filed", ""), ("refused", "zip_inflates_too_much")]


def test_what_is_refused_of_an_archive_counts_as_unpacked(send, patient, settings):
    settings.DICOM_MAX_BYTES, settings.DICOM_MAX_ARCHIVE_BYTES = 10_000, 50_000
    large = {str(number): b"\0" * 30_000 for number in range(3)}
    assert outcomes(send(zipped(large), to=patient)) == [
        ("refused", "file_too_large"), ("refused", "zip_inflates_too_much"),
    ]  # fmt: skip


def test_of_a_file_that_breaks_off_nothing_waits_on_the_disk(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)

    def breaking():
        yield b"x" * 1000
        raise zipfile.BadZipFile

    with Hall() as hall:
        with pytest.raises(zipfile.BadZipFile):
            hall.receive("a.dcm", breaking())
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_archive_with_an_endless_list_is_not_listed(send, patient, monkeypatch):
    monkeypatch.setattr(zips, "MOST_LIST_BYTES", 10_000)
    listed = zipped({f"{number:04}": b"" for number in range(300)})
    assert len(listed) > 20_000
    assert outcomes(send(listed, to=patient)) == [("refused", "zip_inflates_too_much")]
    with pytest.raises(Refused) as refusal:
        inspect(io.BytesIO(listed))
    assert refusal.value.reason == Reason.UNKNOWN_TYPE


def test_archives_that_are_locked_torn_or_too_full_say_so(send, patient, settings):
    settings.DICOM_MAX_FILES = 1
    whole = zipped({"1": dicoms.xray(patient), "2": dicoms.xray(patient, number=2)})
    locked = bytearray(zipped({"1": b"secret"}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert outcomes(send(whole, whole[:200], bytes(locked), to=patient)) == [
        ("filed", ""), ("refused", "zip_too_many_files"), ("refused", "zip_damaged"), ("refused", "zip_encrypted"),
    ]  # fmt: skip


def test_a_doctor_releases_assigns_and_rejects_what_is_held(send, patient, doctor, other_doctor):
    theirs = {"PatientID": "OUTSIDE-1"}
    other = factories.patient(team=(doctor,), mrn="MRN-99")
    held = {
        name: send(dicoms.xray(patient, study=name, **theirs), to=patient)[0].study_id
        for name in ("release", "assign", "reject")
    }
    with acting_as(other_doctor), pytest.raises(DicomStudy.DoesNotExist):
        studies.release(other_doctor, study_id=held["release"])
    with acting_as(doctor):
        assert studies.release(doctor, study_id=held["release"]).patient == patient
        assert studies.release(doctor, study_id=held["assign"], mrn="mrn-99").patient == other
        assert studies.reject(doctor, study_id=held["reject"]).status == StudyStatus.REJECTED
        with pytest.raises(IllegalStudyMove):
            studies.release(doctor, study_id=held["reject"])
    more = send(dicoms.xray(patient, study="release", number=2, **theirs), to=patient)
    assert outcomes(more) == [("filed", "")]  # a person has decided about this study and identity
    with acting_as(SYSTEM):
        changed = AuditEvent.objects.filter(action="update", object_type="diagnostics.dicomstudy")
        assert sorted(event.detail["status"] for event in changed) == ["rejected", "released", "released"]


def test_a_held_study_joins_the_one_that_the_patient_has(send, patient, doctor):
    send(dicoms.xray(patient, number=1), dicoms.xray(patient, number=2), to=patient)
    theirs = {"PatientSex": "M"}
    held = send(
        dicoms.xray(patient, number=3, **theirs),
        dicoms.xray(patient, series=2, number=1, **theirs),
        to=patient,
    )[0].study_id
    with acting_as(doctor):
        joined = studies.release(doctor, study_id=held)
    assert (joined.study_uid, joined.instances.count(), joined.series.count()) == (dicoms.uid(1), 4, 2)
    clash = send(dicoms.xray(patient, number=1, **theirs), to=patient)[0]
    with acting_as(doctor), pytest.raises(ImagingRefused) as refusal:
        studies.release(doctor, study_id=clash.study_id)
    assert refusal.value.reason is ImagingReason.CANNOT_MERGE
    assert DicomStudy.objects.get(pk=clash.study_id).status == StudyStatus.HELD
