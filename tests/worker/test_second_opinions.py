"""Second opinions with a real worker and the installed models: what is asked for is answered, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from diagnostics import opinions
from diagnostics.models import Diagnosis, Prediction
from diagnostics.states import Status
from ml.datasets.simulated import beat_png
from tests import factories
from tests.processes.steps import settle
from worker import suite

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from patients.models import Patient
    from tests.workers import Service

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
DATA = beat_png("PVC", seed=3)


def send(client: Client, patient: Patient, **fields: str) -> Any:
    body = {"patient": str(patient.pk), "files": [SimpleUploadedFile("pvc.png", DATA)], **fields}
    (verdict,) = client.post("/api/v1/uploads/", body).json()["files"]
    return verdict["diagnosis_id"]


def of_attempt(row: Diagnosis) -> dict[str, Prediction]:
    found = Prediction.objects.filter(diagnosis=row, attempt=row.attempt).select_related("model_version")
    return {one.model: one for one in found}


def test_every_model_answers_when_all_are_asked_and_one_when_not(
    live_worker: Service, client: Client, doctor: User
) -> None:
    client.force_login(doctor)
    patient, other = factories.patient(team=(doctor,)), factories.patient(team=(doctor,))
    alone, all_asked = send(client, patient), send(client, other, second_opinions="true")
    one, many = settle(live_worker, *(Diagnosis.objects.get(pk=pk) for pk in (alone, all_asked)))
    one, many = (one, many) if str(one.pk) == alone else (many, one)
    wanted = {result.model: result for result in suite.analyse(DATA, second_opinions=True).results}
    assert set(of_attempt(one)) == {opinions.PRIMARY}
    given = of_attempt(many)
    assert set(given) == set(wanted)
    for name, result in wanted.items():
        assert given[name].label == (result.label or "")
        assert given[name].probabilities == pytest.approx(result.probabilities, abs=1e-4)
    assert (one.status, many.status) == (Status.COMPLETED, Status.COMPLETED)
    assert (one.risk_level, one.message) == (many.risk_level, many.message)
    assert many.models_disagree == opinions.disagree(list(wanted.values()))


def test_the_button_brings_the_second_opinions_in_a_new_attempt(
    live_worker: Service, client: Client, doctor: User
) -> None:
    client.force_login(doctor)
    (row,) = settle(live_worker, Diagnosis.objects.get(pk=send(client, factories.patient(team=(doctor,)))))
    assert row.status == Status.COMPLETED, row.message
    client.post(reverse("diagnostics:ask", args=[row.pk]))
    (again,) = settle(live_worker, row)
    assert (again.status, again.attempt, again.risk_level) == (Status.COMPLETED, 2, row.risk_level)
    assert set(of_attempt(again)) == {
        result.model for result in suite.analyse(DATA, second_opinions=True).results
    }
    assert Prediction.objects.filter(diagnosis=row, attempt=1).count() == 1
