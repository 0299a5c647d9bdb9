"""Results on their way to an archive: a real archive over real HTTP, asked by the task that the worker runs."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pydicom
import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics.imaging import deliveries, exports
from diagnostics.imaging.reasons import ImagingRefused
from diagnostics.models import ArchiveDelivery, Heatmap
from tests import factories
from tests.ml.dicom.archive import running
from worker.tasks import send_results

pytestmark = pytest.mark.django_db
archive = pytest.fixture(running)


@pytest.fixture
def measured(doctor):
    return factories.measured(factories.patient(team=(doctor,), mrn="MRN-5"), doctor)


@pytest.fixture
def asked(archive, doctor, measured, settings):
    """A delivery that a doctor asked for."""
    settings.DICOM_ARCHIVE_URL, settings.DICOM_ARCHIVE_TOKEN = archive.url, "token"
    with acting_as(doctor):
        deliveries.request(doctor, prediction_id=measured.pk)
    return measured.delivery


def run_when_due(delivery):
    """The worker's task, at the time at which the delivery is to be tried again."""
    ArchiveDelivery.objects.filter(pk=delivery.pk).update(next_try_at=timezone.now())
    send_results()
    delivery.refresh_from_db()
    return delivery.status


def test_report_and_image_come_into_the_archive(asked, archive, measured):
    assert run_when_due(asked) == "sent"
    found = {one.Modality: one for one in archive.stored.values()}
    assert set(found) == {"SR", "OT"}
    assert {one.PatientID for one in found.values()} == {"MRN-5"}
    assert "cxr-heart" in {
        item.get("ManufacturerModelName") for item in found["SR"].ContributingEquipmentSequence
    }
    assert archive.asked[0][1] == "Bearer token"
    assert asked.sent_at is not None
    done = AuditEvent.objects.filter(action=AuditEvent.Action.EXPORT, object_id=str(measured.pk)).order_by(
        "pk"
    )
    assert [event.detail["archive"] for event in done] == ["asked for", "sent"]


def test_an_archive_that_is_away_is_tried_again_with_longer_pauses(asked, archive):
    archive.answers = [503, 500]
    before = timezone.now()
    assert run_when_due(asked) == "waiting"
    assert asked.next_try_at - before > dt.timedelta(seconds=29)
    assert "tried again by itself" in asked.message
    send_results()  # too early: nothing is asked
    assert len(archive.asked) == 1
    assert run_when_due(asked) == "waiting"
    assert run_when_due(asked) == "sent"
    assert asked.attempts == 3
    pauses = [deliveries.pause_s(attempts) for attempts in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 6 * 3600


def test_it_is_given_up_after_ten_attempts_and_can_be_asked_for_again(asked, archive, doctor, measured):
    archive.answers = [503] * deliveries.MOST_ATTEMPTS
    statuses = [run_when_due(asked) for _ in range(deliveries.MOST_ATTEMPTS)]
    assert statuses == ["waiting"] * (deliveries.MOST_ATTEMPTS - 1) + ["given_up"]
    with acting_as(doctor):
        deliveries.request(doctor, prediction_id=measured.pk)
    assert run_when_due(asked) == "sent"
    assert ArchiveDelivery.objects.count() == 1


def test_what_the_archive_refuses_is_not_tried_again(asked, archive):
    archive.failure = 0x0122
    assert run_when_due(asked) == "refused"
    assert "does not take objects of this class (code 0122)" in asked.message
    assert run_when_due(asked) == "refused"
    assert len(archive.asked) == 1


def test_two_workers_do_not_try_one_delivery_and_a_late_one_changes_nothing(asked):
    with acting_as(SYSTEM):
        first = deliveries.claim(asked.pk)
        assert deliveries.claim(asked.pk) is None
        ArchiveDelivery.objects.update(next_try_at=timezone.now())  # the lease of the first has run out
        second = deliveries.claim(asked.pk)
        assert deliveries.note(second, ArchiveDelivery.Status.SENT, "There.")
        assert not deliveries.note(first, ArchiveDelivery.Status.REFUSED, "Late.")
    asked.refresh_from_db()
    assert (asked.status, asked.message) == ("sent", "There.")


def test_a_lost_image_is_tried_again(asked, media):
    kept = media / asked.prediction.diagnosis.upload.storage_name
    data = kept.read_bytes()
    kept.unlink()
    assert run_when_due(asked) == "waiting"
    assert asked.message.startswith("The stored image cannot be read now.")
    kept.write_bytes(data)
    assert run_when_due(asked) == "sent"


def test_nothing_is_sent_without_an_archive_or_a_measurement(doctor, measured, settings):
    other = factories.completed(factories.patient(team=(doctor,)), doctor).predictions.get()
    for prediction, url, code in (
        (measured, "", "dicom_no_archive"),
        (other, "http://127.0.0.1:9", "dicom_nothing_measured"),
    ):
        settings.DICOM_ARCHIVE_URL = url
        with acting_as(doctor), pytest.raises(ImagingRefused) as refusal:
            deliveries.request(doctor, prediction_id=prediction.pk)
        assert refusal.value.reason == code
    assert not ArchiveDelivery.objects.exists()


def test_the_page_of_the_result_offers_the_objects_and_tells_of_the_delivery(
    client, doctor, measured, settings
):
    client.force_login(doctor)
    page = reverse("diagnostics:detail", args=[measured.diagnosis_id])
    assert "Send to the archive" not in client.get(page).content.decode()
    settings.DICOM_ARCHIVE_URL = "http://127.0.0.1:9"
    assert "Send to the archive" in client.get(page).content.decode()
    client.post(reverse("diagnostics:send-result", args=[measured.pk]))
    shown = client.get(page).content.decode()
    assert "Waiting for a worker." in shown
    assert "Send to the archive" not in shown


@pytest.mark.parametrize(("name", "modality"), [("result-report", "SR"), ("result-capture", "OT")])
def test_the_objects_are_downloaded(client, doctor, measured, name, modality):
    client.force_login(doctor)
    answer = client.get(reverse(f"diagnostics:{name}", args=[measured.pk]))
    found = pydicom.dcmread(io.BytesIO(answer.content))
    assert (found.Modality, found.PatientID) == (modality, "MRN-5")
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="cxr-heart-{name.removeprefix("result-")}.dcm"'
    )
    other = factories.completed(factories.patient(team=(doctor,)), doctor).predictions.get()
    refused = client.get(reverse(f"diagnostics:{name}", args=[other.pk]))
    assert (refused.status_code, refused.json()["reason_code"]) == (422, "dicom_nothing_measured")


def test_the_outlines_are_drawn_into_the_image(doctor):
    shades = np.zeros((24, 32), dtype=np.uint8)
    shades[2:8, 2:8], shades[12:20, 10:22] = 70, 255
    stream = io.BytesIO()
    Image.fromarray(shades).save(stream, "PNG")
    patient = factories.patient(team=(doctor,))
    plain, outlined = (factories.measured(patient, doctor) for _ in range(2))
    with acting_as(SYSTEM):
        Heatmap.objects.create(prediction=outlined, png=stream.getvalue())
    with acting_as(doctor):
        rows = [exports.get_prediction(doctor, one.pk) for one in (plain, outlined)]
    without, found = (exports.capture_of(one).pixel_array.astype(int) for one in rows)
    scale = found.shape[1] / 32
    lung, heart, nothing = (
        tuple(round(scale * at) for at in place) for place in ((5, 5), (16, 19), (22, 28))
    )
    assert found[lung][2] - found[lung][0] > without[lung][2] - without[lung][0] + 20  # blue
    assert found[heart][0] - found[heart][2] > without[heart][0] - without[heart][2] + 20  # red
    assert found[nothing].tolist() == without[nothing].tolist()
