"""What the trail holds after real requests: reads, writes, refusals, sign-ins, and nothing personal."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import include, path, reverse

from accounts import audit
from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from accounts.selectors import broken_audit_links
from patients.models import Patient
from tests import factories, images
from tests.access.world import ALL_MARKS, World

pytestmark = pytest.mark.django_db


def writes_then_fails(request):
    with acting_as(SYSTEM):
        Patient.objects.update(given_name="Changed")
    audit.record(audit.Action.UPDATE, detail={"before": "the failure"})
    raise RuntimeError


def breaks_the_transaction(request):
    from django.contrib.auth import get_user_model

    audit.record(audit.Action.READ, detail={"before": "the failure"})
    get_user_model().objects.create(username=request.user.username, role="doctor")


urlpatterns = [
    path("api/fails/", writes_then_fails, name="fails"),
    path("api/breaks/", breaks_the_transaction, name="breaks"),
    path("", include("cardiocare_site.urls")),
]


def events(**narrow):
    """The trail since the sign-in, oldest first."""
    with acting_as(SYSTEM):
        rows = AuditEvent.objects.filter(**narrow).exclude(action="sign_in").order_by("pk")
        return [(row.action, row.outcome, row.object_type, row.object_id, row.patient_id) for row in rows]


@pytest.fixture
def own(doctor, client):
    client.force_login(doctor)
    return factories.completed(factories.patient(team=(doctor,)), doctor)


def test_reading_a_diagnosis_and_its_heatmap_names_object_patient_and_reader(own, client, doctor):
    client.get(reverse("api:diagnosis", args=[own.pk]))
    client.get(reverse("api:heatmap", args=[own.predictions.get().pk]))
    assert events() == [
        ("read", "allowed", "diagnostics.diagnosis", str(own.pk), own.patient_id),
        ("read", "allowed", "diagnostics.heatmap", str(own.predictions.get().pk), own.patient_id),
    ]
    with acting_as(SYSTEM):
        event = AuditEvent.objects.get(object_type="diagnostics.diagnosis")
    assert (event.actor_id, event.actor_name, event.actor_role, event.via, event.ip) == (
        doctor.pk, "doctor", "doctor", "api", "127.0.0.1",
    )  # fmt: skip


def test_a_list_names_what_it_showed(own, client):
    client.get(reverse("api:diagnoses"))
    with acting_as(SYSTEM):
        assert AuditEvent.objects.get(action="search").detail == {"list": "diagnoses", "shown": [str(own.pk)]}


def test_an_upload_is_a_write_and_its_duplicate_a_read(own, client):
    for _ in range(2):
        file = SimpleUploadedFile("a.png", images.png(seed=77))
        client.post(reverse("api:uploads"), {"patient": str(own.patient_id), "files": [file]})
    (made, read) = events()
    assert (made[:3], made[4]) == (("create", "allowed", "diagnostics.upload"), own.patient_id)
    assert (read[:3], read[4]) == (("read", "allowed", "diagnostics.diagnosis"), own.patient_id)


def test_refusals_are_kept_with_route_status_and_id(own, client, other_doctor):
    client.force_login(other_doctor)
    unknown = uuid.uuid4()
    client.get(reverse("api:diagnosis", args=[own.pk]))
    client.get(reverse("api:diagnosis", args=[unknown]))
    Client().get(reverse("api:diagnosis", args=[own.pk]))
    client.get(reverse("accounts:audit"))
    with acting_as(SYSTEM):
        kept = [
            (row.actor_name, row.detail) for row in AuditEvent.objects.filter(action="refuse").order_by("pk")
        ]
    assert kept == [
        ("other-doctor", {"route": "api:diagnosis", "status": 404, "diagnosis_id": str(own.pk)}),
        ("other-doctor", {"route": "api:diagnosis", "status": 404, "diagnosis_id": str(unknown)}),
        ("", {"route": "api:diagnosis", "status": 401, "diagnosis_id": str(own.pk)}),
        ("other-doctor", {"route": "accounts:audit", "status": 403}),
    ]


@override_settings(ROOT_URLCONF="tests.accounts.test_audit_events")
@pytest.mark.parametrize("route", ["fails", "breaks"])
def test_a_server_error_takes_the_write_back_and_keeps_the_events(own, client, route):
    client.raise_request_exception = False
    assert client.get(reverse(route)).status_code == 500
    kept = events()
    assert [event[:2] for event in kept] == [("update" if route == "fails" else "read", "allowed")]
    with acting_as(SYSTEM):
        assert Patient.objects.filter(given_name="Changed").count() == 0
        assert AuditEvent.objects.exclude(action="sign_in").get().detail == {"before": "the failure"}
    assert client.get(reverse("api:diagnosis", args=[own.pk])).status_code == 200


def test_the_events_of_one_request_share_an_id_and_requests_differ(own, client):
    file = SimpleUploadedFile("empty.png", b"")
    client.post(reverse("api:uploads"), {"patient": str(uuid.uuid4()), "files": [file]})
    client.get(reverse("api:diagnosis", args=[own.pk]))
    with acting_as(SYSTEM):
        ids = list(
            AuditEvent.objects.exclude(action="sign_in").order_by("pk").values_list("request_id", flat=True)
        )
    assert (len(ids), ids[0] == ids[1], ids[1] == ids[2]) == (3, True, False)


def test_no_personal_data_stand_in_the_trail():
    world = World()
    for seed, client in enumerate(world.clients.values()):
        for of in ("a", "b", "deleted"):
            record = world.records[of]
            client.get(reverse("api:diagnosis", args=[record.completed]))
            client.get(reverse("api:heatmap", args=[record.prediction]))
            client.get(reverse("api:patients"), {"q": f"Mark{of.capitalize()}"})
            file = SimpleUploadedFile(f"Mark{of.capitalize()}FileX.png", images.png(seed=seed))
            client.post(reverse("api:uploads"), {"patient": str(record.patient), "files": [file]})
    with acting_as(SYSTEM):
        rows = list(AuditEvent.objects.values("object_type", "object_id", "detail", "actor_name"))
    text = json.dumps(rows)
    assert len(rows) > 100
    assert [word for word in (*ALL_MARKS, "MarkA", "MarkB", "MarkDeleted", "png") if word in text] == []
    assert broken_audit_links()[1] == []


@pytest.mark.parametrize(
    ("forwarded", "behind_proxy", "kept"),
    [
        ("203.0.113.9", 1, "203.0.113.9"),
        ("10.9.9.9, 203.0.113.9", 1, "203.0.113.9"),  # what the client wrote itself stands before
        ("2001:db8::1", 1, "2001:db8::1"),
        ("203.0.113.9:443", 1, None),
        ("not an address", 1, None),
        ("", 1, "127.0.0.1"),
        ("203.0.113.9", 0, "127.0.0.1"),
    ],
)
def test_the_clients_address_is_the_trusted_proxys_word_or_none(
    own, client, settings, forwarded, behind_proxy, kept
):
    settings.TRUSTED_PROXY_COUNT = behind_proxy
    client.get(reverse("api:diagnosis", args=[own.pk]), headers={"x-forwarded-for": forwarded})
    with acting_as(SYSTEM):
        assert AuditEvent.objects.get(action="read").ip == kept
