"""Health checks name what is missing, and stay quiet about everything else."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from deploy.valkey import free_port
from diagnostics.models import WorkerNode
from diagnostics.services.workers import goodbye, heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(db):
    heartbeat(name="w@host", queues=["cpu"], device="CPU", has_gpu=False)


def ready(client):
    response = client.get("/health/ready")
    return response.status_code, response.json()["status"], response.json()["missing"]


def test_live_answers_without_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_all_parts_there(client, worker):
    assert ready(client) == (200, "ok", [])
    assert client.get("/health/ready").json()["parts"]["worker"] == {
        "ok": True, "detail": "1 live", "gpu": False, "workers": [{"name": "w@host", "queues": ["cpu"], "device": "CPU", "gpu": False}],
    }  # fmt: skip


def test_a_gpu_is_told(client, worker):
    heartbeat(name="g@host", queues=["gpu"], device="NVIDIA", has_gpu=True)
    assert client.get("/health/ready").json()["parts"]["worker"]["gpu"] is True


def test_without_a_worker(client):
    assert ready(client) == (503, "unavailable", ["worker"])


def test_a_worker_that_fell_silent_or_said_goodbye_is_missing(client, worker):
    WorkerNode.objects.update(last_seen=timezone.now() - dt.timedelta(seconds=31))
    assert ready(client)[2] == ["worker"]
    heartbeat(name="w@host", queues=["cpu"], device="CPU", has_gpu=False)
    assert ready(client)[2] == []
    goodbye(name="w@host")
    assert ready(client)[2] == ["worker"]


def test_without_the_broker(client, worker, settings):
    settings.CELERY_BROKER_URL = f"redis://:hushhush@127.0.0.1:{free_port()}/0"
    assert ready(client) == (503, "unavailable", ["broker"])
    assert b"hushhush" not in client.get("/health/ready").content


@pytest.mark.django_db(transaction=True)
def test_without_the_database(client, worker):
    from django.db import connection

    right = connection.settings_dict["PASSWORD"], connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = "nobody-of-this-name"
    try:
        assert ready(client) == (503, "unavailable", ["database", "worker"])
    finally:
        connection.close()
        connection.settings_dict["PASSWORD"], connection.settings_dict["USER"] = right
    assert ready(client) == (200, "ok", [])


@pytest.mark.django_db(transaction=True)
def test_every_other_page_answers_503_in_its_own_form_while_the_database_is_away(client, doctor):
    from django.db import connection

    client.force_login(doctor)
    right = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = "nobody-of-this-name"
    try:
        api, page = client.get("/api/v1/diagnoses/"), client.get("/worklist/")
    finally:
        connection.close()
        connection.settings_dict["USER"] = right
    assert (api.status_code, api.json()["reason_code"]) == (503, "database_unavailable")
    assert (page.status_code, "The database cannot be reached" in page.content.decode()) == (503, True)
