"""Rows that follow their diagnosis without a reload, and come to rest."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from diagnostics.models import Diagnosis
from diagnostics.states import Status
from tests import factories
from tests.browser.walk import enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def move(diagnosis, status):
    with acting_as(SYSTEM):
        Diagnosis.objects.filter(pk=diagnosis.pk).update(status=status)


@pytest.fixture
def queued(transactional_db):
    doctor = factories.user(Role.DOCTOR, "heart")
    return doctor, factories.diagnosis(factories.patient(team=(doctor,)), doctor)


@pytest.mark.parametrize("route", ["diagnostics:worklist", "diagnostics:history"])
def test_a_row_follows_the_state_and_then_asks_no_more(page, live_server, queued, route):
    doctor, diagnosis = queued
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse(route, args=[diagnosis.patient_id] if "history" in route else []))
    page.evaluate("window.stayed = true")
    row = page.locator(f"#diagnosis-{diagnosis.pk}")
    columns = row.locator("> *").count()
    for status in (Status.QUEUED, Status.RUNNING, Status.COMPLETED):
        move(diagnosis, status)
        row.get_by_text(status.label, exact=True).wait_for()
        assert row.locator("> *").count() == columns
    assert page.locator("#live").inner_text() == "beat.png: Completed"
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert (asked, page.evaluate("window.stayed")) == ([], True)


def test_the_result_page_shows_the_result_once_there_is_one(page, live_server, queued):
    doctor, diagnosis = queued
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:detail", args=[diagnosis.pk]))
    page.get_by_label("Analysis is queued").wait_for()
    move(diagnosis, Status.RUNNING)
    page.get_by_label("Analysis is running").wait_for()
    factories.prediction(diagnosis, label="PVC")
    move(diagnosis, Status.COMPLETED)
    page.get_by_role("heading", name="PVC: premature ventricular beat").wait_for()


def test_polls_are_checked_like_pages_and_leave_the_trail_alone(client, queued):
    doctor, diagnosis = queued
    url = reverse("diagnostics:status", args=[diagnosis.pk])
    client.force_login(factories.user(Role.DOCTOR, "other"), backend="accounts.backends.CardioCareBackend")
    assert client.get(url).status_code == 404
    client.force_login(doctor, backend="accounts.backends.CardioCareBackend")
    before = AuditEvent.objects.count()
    answers = [
        client.get(url, {"seen": seen}).status_code for seen in ("queued-1-0", "queued-1-0", "running-1-0")
    ]
    assert (answers, AuditEvent.objects.count()) == ([204, 204, 200], before)


def test_a_poll_after_the_session_ended_leads_to_the_sign_in_page(client, queued):
    _, diagnosis = queued
    address = "http://testserver" + reverse("diagnostics:worklist")
    answer = client.get(
        reverse("diagnostics:status", args=[diagnosis.pk]),
        headers={"hx-request": "true", "hx-current-url": address},
    )
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/accounts/login/?next=/worklist/")
