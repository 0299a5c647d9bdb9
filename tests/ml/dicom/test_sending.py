"""Sending results to an archive by the real client, over real HTTP."""

from __future__ import annotations

import numpy as np
import pytest

from ml.dicom.capture import secondary_capture
from ml.dicom.report import structured_report
from ml.dicom.sending import ArchiveRefused, ArchiveUnreachable, send
from tests.ml.dicom.archive import running
from tests.ml.dicom.xrays import COLUMNS, ROWS, UID, answer

archive = pytest.fixture(running)


@pytest.fixture(scope="module")
def results():
    found = answer()
    return [structured_report(found), secondary_capture(found, np.zeros((ROWS, COLUMNS), dtype=np.uint8))]


def test_report_and_capture_arrive_once_however_often_they_are_sent(archive, results):
    for _ in range(2):
        send(results, url=archive.url, token="let-us-in")
    assert archive.asked == [(f"/dicom-web/studies/{UID}.1", "Bearer let-us-in")] * 2
    assert set(archive.stored) == {one.SOPInstanceUID for one in results}
    report = archive.stored[results[0].SOPInstanceUID]
    assert (report.Modality, report.PatientID) == ("SR", "M1234567")


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (503, ArchiveUnreachable, "HTTP 503"),
        (429, ArchiveUnreachable, "HTTP 429"),
        (401, ArchiveRefused, "check its token"),
        (409, ArchiveRefused, "HTTP 409"),
        (202, ArchiveRefused, "not say of each object"),
        (302, ArchiveRefused, "sends us elsewhere"),
        (307, ArchiveRefused, "sends us elsewhere"),
    ],
)
def test_an_answer_says_whether_trying_again_makes_sense(archive, results, status, error, words):
    archive.answers = [status]
    with pytest.raises(error, match=words):
        send(results, url=archive.url)
    assert len(archive.asked) == 1


def test_a_friendly_answer_that_names_no_object_is_no_storing(archive, results):
    archive.says_nothing = True
    with pytest.raises(ArchiveRefused, match="not say of each object"):
        send(results, url=archive.url)


def test_objects_that_are_not_stored_are_told_with_the_archives_reason(archive, results):
    archive.failure = 0xA700
    with pytest.raises(ArchiveRefused, match=r"did not store 2 of 2 objects: it has no room \(code A700\)"):
        send(results, url=archive.url)


def test_an_archive_that_is_away_is_unreachable(archive, results):
    archive.shutdown()
    archive.socket.close()
    with pytest.raises(ArchiveUnreachable, match="ConnectionError"):
        send(results, url=archive.url)
