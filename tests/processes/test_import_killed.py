"""kill -9 in the middle of a table: what was recorded stays, what was not is recorded and assessed once when the import goes on."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from deploy.processes import wait_until
from diagnostics.models import Diagnosis, PatientRisk
from patients.models import ClinicalValue, ValueImport
from patients.services import value_imports
from tests import factories
from tests.processes.steps import settle
from tests.workers import PATIENCE_S

if TYPE_CHECKING:
    from accounts.models import User
    from tests.workers import Services

ROWS = value_imports.ROWS_PER_STEP + 300
TOKEN = "c" * 32
AUDIT_CHAIN = 7130114  # the lock of accounts/sql/audit_functions.sql, taken by the last statement of a step


def begin(doctor: User) -> ValueImport:
    """A checked table of one patient with more rows than one step records."""
    factories.patient(team=(doctor,), mrn="A-1")
    days = (f"A-1,{1990 + day // 336}-{day // 28 % 12 + 1:02d}-{day % 28 + 1:02d},137" for day in range(ROWS))
    data = "\n".join(("mrn,measured_at,serum_sodium", *days)).encode()
    with acting_as(doctor):
        found = value_imports.begin_import(doctor, filename="years.csv", data=data)
        value_imports.check_import(doctor, import_id=found.pk, mapping=found.mapping, measured_at=None)
    return found


def cookies(doctor: User) -> dict[str, str]:
    """A session of the doctor."""
    client = Client()
    client.force_login(doctor, backend="accounts.backends.CardioCareBackend")
    return {"sessionid": client.cookies["sessionid"].value, "csrftoken": TOKEN}


def press(address: str, session: dict[str, str], found: ValueImport) -> requests.Response:
    """Ask for the next step as the page does."""
    url = address + reverse("patients:import-record", args=[found.pk])
    headers = {"X-CSRFToken": TOKEN}
    return requests.post(url, cookies=session, headers=headers, timeout=60, allow_redirects=False)


def recorded(found: ValueImport) -> tuple[int, int]:
    """Rows that the import calls recorded, and values that there are."""
    return found.rows.filter(verdict="recorded").count(), ClinicalValue.objects.count()


def waits_for_chain() -> bool:
    """Whether a process has done all of a step but the audit trail."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
            [AUDIT_CHAIN],
        )
        return bool(cursor.fetchone()[0])


def test_an_import_goes_on_after_a_kill_with_every_row_once(services: Services, doctor: User) -> None:
    found, session = begin(doctor), cookies(doctor)
    address = services.web()
    assert press(address, session, found).status_code == 302
    first = value_imports.ROWS_PER_STEP
    assert recorded(found) == (first, first)

    (web,) = services.started
    with ThreadPoolExecutor(1) as browser:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [AUDIT_CHAIN])
            pressed = browser.submit(press, address, session, found)
            assert wait_until(waits_for_chain, timeout_s=PATIENCE_S)
            children = web.children()
            for child in children:
                child.kill()
            web.kill()
            assert psutil.wait_procs(children, timeout=PATIENCE_S)[1] == []
            cursor.execute("SELECT pg_advisory_unlock(%s)", [AUDIT_CHAIN])
        with pytest.raises(requests.ConnectionError):
            pressed.result()
    assert recorded(found) == (first, first)

    press(services.web(), session, found)
    assert recorded(found) == (ROWS, ROWS)
    with acting_as(SYSTEM):
        trail = AuditEvent.objects.filter(action="create", object_type="patients.patient")
        noted = [pk for event in trail for pk in event.detail["values"]]
    assert sorted(noted) == sorted(ClinicalValue.objects.values_list("pk", flat=True))


def test_what_a_killed_worker_was_recording_another_records_and_assesses_once(
    services: Services, doctor: User
) -> None:
    mrns = [f"B-{number}" for number in range(5)]
    for mrn in mrns:
        factories.patient(team=(doctor,), mrn=mrn)
    data = "\n".join(("mrn,date,ef,creatinine", *(f"{mrn},2026-03-02,30,1.9" for mrn in mrns))).encode()
    with acting_as(doctor):
        found = value_imports.begin_import(doctor, filename="ward.csv", data=data)
        value_imports.check_import(doctor, import_id=found.pk, mapping=found.mapping, measured_at=None)
        value_imports.begin_recording(doctor, import_id=found.pk, take_unusual=False)  # sends the message

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [AUDIT_CHAIN])
        first = services.worker("first")
        first.wait(waits_for_chain, "a step that has only its audit trail left")
        children = first.children()
        first.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):  # some end with their parent
                child.kill()
        assert psutil.wait_procs(children, timeout=PATIENCE_S)[1] == []
        cursor.execute("SELECT pg_advisory_unlock(%s)", [AUDIT_CHAIN])
    assert (recorded(found), Diagnosis.objects.count()) == ((0, 0), 0)

    second = services.worker("second")
    services.beat()
    second.wait(lambda: Diagnosis.objects.count() == len(mrns), "all are queued")
    rows = settle(second, *Diagnosis.objects.all())
    assert sorted(row.patient.mrn for row in rows) == mrns
    assert {(row.settled, row.attempt) for row in rows} == {(True, 1)}
    assert recorded(found) == (len(mrns), 2 * len(mrns))
    assert PatientRisk.objects.count() == len(mrns)
