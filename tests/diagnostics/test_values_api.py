"""Clinical values over the REST API."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from accounts.services.api_keys import create_api_key
from patients.models import CareTeamMember, ClinicalValue
from tests import factories

pytestmark = pytest.mark.django_db
AT = "2026-03-02T09:30:00Z"
FIELDS = [
    "id", "code", "name", "loinc", "value", "unit", "entered_value", "entered_unit", "measured_at", "entered_by", "entered_at",
    "source", "status", "corrects", "reason",
]  # fmt: skip


@pytest.fixture
def patient(doctor):
    return factories.patient(team=(doctor,))


@pytest.fixture
def lab(patient):
    """A laboratory's system on the care team."""
    user = factories.user(Role.INTEGRATION, "lab")
    with acting_as(SYSTEM):
        CareTeamMember.objects.create(patient=patient, user=user)
    return user


def client_with(user, *scopes):
    with acting_as(SYSTEM):
        _, key = create_api_key(user=user, scopes=scopes)
    return Client(headers={"authorization": f"Bearer {key}"})


def url(patient):
    return f"/api/v1/patients/{patient.pk}/values/"


def send(client, patient, *values, at=AT):
    body = {"measured_at": at, "values": list(values)}
    response = client.post(url(patient), body, content_type="application/json")
    return response.status_code, response.json()


def test_a_laboratory_adds_values_and_reads_them_back(lab, patient):
    writer, reader = client_with(lab, "values:write"), client_with(lab, "values:read")
    status, body = send(
        writer, patient, {"code": "serum_creatinine", "value": 168, "unit": "umol/L"}, {"code": "smoking", "value": "never"}
    )  # fmt: skip
    assert (status, [list(row) for row in body]) == (201, [FIELDS] * 2)
    page = reader.get(url(patient)).json()
    assert (page["count"], sorted(page["results"], key=lambda row: row["id"])) == (2, body)
    row = body[0]
    assert [row[name] for name in ("code", "loinc", "value", "unit", "entered_value", "entered_unit")] == [
        "serum_creatinine", "2160-0", "1.9005", "mg/dL", "168", "µmol/L",
    ]  # fmt: skip
    assert [row[name] for name in ("measured_at", "entered_by", "source", "status", "corrects")] == [
        AT, "lab", "import", "current", None,
    ]  # fmt: skip


def test_a_scope_reads_or_writes_and_not_both(lab, patient):
    writer, reader = client_with(lab, "values:write"), client_with(lab, "values:read")
    assert writer.get(url(patient)).status_code == 403
    assert send(reader, patient, {"code": "weight", "value": "80"})[0] == 403
    assert send(client_with(lab, "patients:read"), patient, {"code": "weight", "value": "80"})[0] == 403
    assert ClinicalValue.objects.count() == 0


def test_a_foreign_patient_is_not_found(doctor, lab, patient):
    foreign = factories.patient(team=(doctor,))
    assert send(client_with(lab, "values:write"), foreign, {"code": "weight", "value": "80"})[0] == 404
    assert client_with(lab, "values:read").get(url(foreign)).status_code == 404
    assert ClinicalValue.objects.count() == 0


def test_a_wrong_value_keeps_all_out_with_a_code_for_each(lab, patient):
    status, body = send(
        client_with(lab, "values:write"),
        patient,
        {"code": "weight", "value": "80"},
        {"code": "serum_sodium", "value": "171"},
        {"code": "serum_creatinine", "value": "168", "unit": "mg/dL"},
        {"code": "time", "value": "4"},
    )
    assert (status, body["reason_code"]) == (400, "values_refused")
    assert [(row["code"], row["reason_code"]) for row in body["values"]] == [
        ("serum_sodium", "unusual_value"),
        ("serum_creatinine", "impossible_value"),
        ("time", "unknown_quantity"),
    ]
    assert ClinicalValue.objects.count() == 0


def test_an_unusual_value_is_confirmed_and_a_repeated_message_adds_nothing(lab, patient):
    client = client_with(lab, "values:write")
    value = {"code": "serum_sodium", "value": "171", "confirmed": True}
    assert send(client, patient, value)[0] == 201
    status, body = send(client, patient, value)
    assert (status, body["values"][0]["reason_code"], ClinicalValue.objects.count()) == (
        400,
        "already_recorded",
        1,
    )


@pytest.mark.parametrize(
    "body",
    [{}, {"measured_at": AT, "values": []}, {"measured_at": "monday", "values": [{"code": "weight", "value": "80"}]},
     {"measured_at": AT, "values": [{"code": "weight"}]}, {"measured_at": AT, "values": [{"code": "weight", "value": "8" * 40}]}],
)  # fmt: skip
def test_a_malformed_message_names_its_fields(lab, patient, body):
    response = client_with(lab, "values:write").post(url(patient), body, content_type="application/json")
    assert (response.status_code, response.json()["reason_code"]) == (400, "bad_request")
    assert response.json()["fields"]


def test_values_are_narrowed_to_a_quantity_and_to_the_current_ones(doctor, client, patient):
    from patients.services.clinical_values import correct_value

    client.force_login(doctor)
    _, body = send(client, patient, {"code": "weight", "value": "80"}, {"code": "height", "value": "180"})
    old = ClinicalValue.objects.get(pk=body[0]["id"])
    with acting_as(doctor):
        correct_value(
            doctor, value_id=old.pk, text="81", unit="", measured_at=old.measured_at, reason="misread"
        )

    def shown(query):
        rows = client.get(url(patient) + query).json()["results"]
        return sorted((row["code"], row["value"], row["status"]) for row in rows)

    assert shown("?code=weight") == [("weight", "80.0000", "corrected"), ("weight", "81.0000", "current")]
    assert shown("?code=nonsense") == shown("?code=%00") == []
    assert shown("?current=true") == [("height", "180.0000", "current"), ("weight", "81.0000", "current")]


def test_reads_and_writes_are_in_the_trail(lab, patient):
    _, body = send(client_with(lab, "values:write"), patient, {"code": "weight", "value": "80"})
    client_with(lab, "values:read").get(url(patient))
    with acting_as(SYSTEM):
        events = AuditEvent.objects.filter(actor_name="lab", patient_id=patient.pk).order_by("pk")
        seen = [(event.action, event.detail) for event in events]
    ids = [row["id"] for row in body]
    assert seen == [
        ("create", {"values": ids, "codes": ["weight"], "source": "import"}),
        ("search", {"list": "values", "shown": ids}),
    ]


def test_a_list_of_20_takes_as_many_queries_as_a_list_of_one(doctor, client, patient):
    client.force_login(doctor)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url(patient)).status_code == 200
        return len(captured)

    send(client, patient, {"code": "weight", "value": "80"})
    few = queries()
    for day in range(3, 22):
        send(client, patient, {"code": "weight", "value": "80"}, at=f"2026-03-{day:02d}T08:00:00Z")
    assert queries() == few
