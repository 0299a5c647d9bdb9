"""Reading over the API: the promised fields, pages, heatmaps, a valid description, and one budget of queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from tests import factories, images

pytestmark = pytest.mark.django_db
DIAGNOSIS = [
    "id", "patient", "upload_id", "status", "attempt", "risk_level", "risk_reasons", "second_opinions", "models_disagree",
    "predictions", "reason_code", "message", "created_at", "finished_at",
]  # fmt: skip
PREDICTION = [
    "id", "model", "version", "weights_sha256", "outcome", "label", "confidence", "probabilities", "prediction_set", "reason_code",
    "message", "explanation", "threshold", "heatmap_url", "duration_ms", "input_sha256", "code_version", "device",
]  # fmt: skip


@pytest.fixture
def own(doctor, client):
    client.force_login(doctor)
    return factories.patient(team=(doctor,))


def test_a_completed_diagnosis_has_exactly_the_promised_fields(client, doctor, own):
    diagnosis = factories.completed(own, doctor, message="A premature beat.")
    prediction = diagnosis.predictions.get()
    body = client.get(f"/api/v1/diagnoses/{diagnosis.pk}/").json()
    (answer,) = body.pop("predictions")
    assert [*body] == [name for name in DIAGNOSIS if name != "predictions"]
    assert [*answer] == PREDICTION
    assert body | {"created_at": ""} == {
        "id": str(diagnosis.pk), "patient": str(own.pk), "upload_id": str(diagnosis.upload_id), "status": "completed", "attempt": 1,
        "risk_level": "moderate", "risk_reasons": ["beat-cnn sees a premature beat."],
        "second_opinions": False, "models_disagree": False, "reason_code": None,
        "message": "A premature beat.", "created_at": "", "finished_at": None,
    }  # fmt: skip
    assert answer == {
        "id": str(prediction.pk), "model": "beat-cnn", "version": "0.0.0", "weights_sha256": "f" * 64, "outcome": "predicted",
        "label": "PVC", "confidence": 0.9, "probabilities": {"PVC": 0.9, "Normal": 0.1}, "prediction_set": ["PVC"],
        "reason_code": None, "message": "", "explanation": {}, "threshold": 0.5,
        "heatmap_url": f"http://testserver/api/v1/predictions/{prediction.pk}/heatmap/", "duration_ms": 5.0,
        "input_sha256": "0" * 64, "code_version": "1", "device": "cpu",
    }  # fmt: skip


def test_a_queued_diagnosis_has_the_same_fields_without_answers(client, doctor, own):
    body = client.get(f"/api/v1/diagnoses/{factories.diagnosis(own, doctor).pk}/").json()
    assert [*body] == DIAGNOSIS
    assert [
        body[name] for name in ("status", "risk_level", "risk_reasons", "predictions", "reason_code")
    ] == ["queued", None, [], [], None]


def test_an_abstention_is_shown_with_its_reason_and_no_label(client, doctor, own):
    diagnosis = factories.diagnosis(own, doctor, status="completed")
    factories.prediction(
        diagnosis, label="", outcome="abstained", confidence=None, reason_code="low_confidence", heatmap=False
    )
    (answer,) = client.get(f"/api/v1/diagnoses/{diagnosis.pk}/").json()["predictions"]
    wanted = {
        "outcome": "abstained",
        "label": None,
        "confidence": None,
        "reason_code": "low_confidence",
        "heatmap_url": None,
    }
    assert {name: answer[name] for name in wanted} == wanted


def test_the_heatmap_is_the_stored_png_byte_by_byte(client, doctor, own):
    diagnosis = factories.completed(own, doctor)
    (answer,) = client.get(f"/api/v1/diagnoses/{diagnosis.pk}/").json()["predictions"]
    response = client.get(answer["heatmap_url"])
    assert (response.status_code, response["Content-Type"], response.content) == (
        200,
        "image/png",
        images.png(size=64),
    )
    assert "no-store" in response["Cache-Control"]


def test_a_prediction_without_heatmap_answers_404(client, doctor, own):
    diagnosis = factories.diagnosis(own, doctor)
    prediction = factories.prediction(diagnosis, heatmap=False)
    assert client.get(reverse("api:heatmap", args=[prediction.pk])).status_code == 404


def test_pages_cover_every_diagnosis_once_although_a_batch_shares_one_time(client, doctor, own):
    with acting_as(SYSTEM):
        made = {str(factories.diagnosis(own, doctor).pk) for _ in range(25)}
    url, seen = "/api/v1/diagnoses/?limit=7", []
    while url:
        body = client.get(url).json()
        assert body["count"] == 25
        seen += [row["id"] for row in body["results"]]
        url = body["next"]
    assert (len(seen), set(seen)) == (25, made)


@pytest.mark.parametrize(("limit", "rows"), [("", 50), ("0", 50), ("-1", 50), ("x", 50), ("1000000", 200)])
def test_no_limit_fetches_more_than_200_rows(client, doctor, own, limit, rows):
    with acting_as(SYSTEM):
        upload = factories.diagnosis(own, doctor).upload
        from diagnostics.models import Diagnosis, Upload

        fields = {
            f: getattr(upload, f)
            for f in ("patient", "uploaded_by", "original_name", "media_type", "size", "storage_name")
        }
        uploads = Upload.objects.bulk_create(Upload(sha256=f"{n:064}", **fields) for n in range(210))
        Diagnosis.objects.bulk_create(Diagnosis(upload=one, patient=own) for one in uploads)
    assert len(client.get(f"/api/v1/diagnoses/?limit={limit}").json()["results"]) == rows


def test_patients_are_found_over_the_api(client, doctor, own):
    other = factories.patient(team=(doctor,), family_name="Zimmermann")
    body = client.get("/api/v1/patients/", {"q": "zimerman"}).json()
    assert body["results"] == [
        {"id": str(other.pk), "mrn": other.mrn, "given_name": other.given_name, "family_name": "Zimmermann",
         "birth_date": "1950-01-01", "sex": "female", "risk_level": None}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query", ["a\x00b", "%", "_", "'", '"', "\\", "x" * 5000, "🫀", "a " * 100, "<script>"]
)
def test_no_search_text_breaks_the_search(client, own, query):
    assert client.get("/api/v1/patients/", {"q": query}).status_code == 200


def test_an_unknown_and_a_malformed_id_answer_404(client, own):
    body = client.get("/api/v1/diagnoses/00000000-0000-0000-0000-000000000000/")
    assert (body.status_code, body.json()["reason_code"]) == (404, "not_found")
    assert client.get("/api/v1/diagnoses/1/").status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
def test_a_diagnosis_cannot_be_written_over_the_api(client, doctor, own, method):
    response = getattr(client, method)(f"/api/v1/diagnoses/{factories.completed(own, doctor).pk}/")
    assert (response.status_code, response.json()["reason_code"]) == (405, "method_not_allowed")


def test_the_description_is_valid_openapi_and_names_every_route_and_field(client):
    import yaml
    from drf_spectacular.validation import validate_schema

    schema = yaml.safe_load(client.get("/api/v1/schema/").content)
    validate_schema(schema)
    assert sorted(schema["paths"]) == [
        "/api/v1/conditions/", "/api/v1/conditions/{slug}/",
        "/api/v1/diagnoses/", "/api/v1/diagnoses/{diagnosis_id}/", "/api/v1/diagnoses/{diagnosis_id}/recording/",
        "/api/v1/patients/", "/api/v1/patients/{patient_id}/clinical-diagnoses/", "/api/v1/patients/{patient_id}/risk/",
        "/api/v1/patients/{patient_id}/values/",
        "/api/v1/predictions/{prediction_id}/heatmap/", "/api/v1/uploads/",
    ]  # fmt: skip
    assert [*schema["components"]["schemas"]["Diagnosis"]["properties"]] == DIAGNOSIS
    assert [*schema["components"]["schemas"]["Prediction"]["properties"]] == PREDICTION
    assert schema["components"]["securitySchemes"]["ApiKey"] == {"type": "http", "scheme": "bearer"}


def queries(client, url):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


LISTS = {
    "/api/v1/diagnoses/": "doctor", "/api/v1/patients/": "doctor", "/api/v1/patients/?q=Family": "doctor", "/worklist/": "doctor",
    "/patients/": "doctor", "/patients/?q=Family": "doctor", "HISTORY": "doctor", "LEVELS": "doctor",
    "/reports/": "patient", "/predictions/": "admin",
    "/accounts/audit/": "admin", "/accounts/users/": "admin", "/workers/": "admin",
}  # fmt: skip


def test_a_list_of_20_rows_takes_as_many_queries_as_a_list_of_one(client, doctor):
    from accounts.roles import Role
    from diagnostics.services.workers import heartbeat

    readers = {role: factories.user(Role(role), "reader-" + role) for role in ("patient", "admin")}
    home = factories.patient(team=(doctor,), user=readers["patient"])
    named = {"HISTORY": "diagnostics:history", "LEVELS": "diagnostics:levels"}

    def grow(number):
        for count in range(number):
            for size in (64 + number + count, 128 + number + count):  # no two pictures alike
                diagnosis = factories.completed(home, doctor, data=images.png(size=size))
            sign(diagnosis, doctor)
            factories.patient(team=(doctor,))
            heartbeat(name=f"worker-{number}-{count}", queues=["cpu"], device="cpu", has_gpu=False)
            factories.user()

    def counted():
        found = {}
        for url, role in LISTS.items():
            client.force_login(readers.get(role, doctor))
            where = reverse(named[url], args=[home.pk]) if url in named else url
            client.get(where)  # what is cached once per process is not the list's
            found[url] = len(queries(client, where))
        return found

    grow(1)
    one = counted()
    grow(19)
    assert counted() == one


def sign(diagnosis, doctor):
    from diagnostics.services import reviews

    with acting_as(doctor):
        reviews.review(doctor, diagnosis_id=diagnosis.pk, decision="confirm")
        reviews.sign(doctor, diagnosis_id=diagnosis.pk)


def test_a_list_does_not_read_the_heatmaps_pixels(client, doctor, own):
    factories.completed(own, doctor)
    assert [sql for sql in queries(client, "/api/v1/diagnoses/") if '"png"' in sql] == []
