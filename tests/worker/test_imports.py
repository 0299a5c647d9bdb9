"""A table's patients are assessed by a real worker and the installed clinical models, without anybody asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from accounts.actor import acting_as
from diagnostics.models import Diagnosis, Prediction
from diagnostics.opinions import CLINICAL
from diagnostics.states import Status
from patients.services import value_imports
from tests import factories
from tests.processes.steps import settle

if TYPE_CHECKING:
    from accounts.models import User
    from tests.workers import Services

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
HEART = "anaemia,cpk,diabetes,ef,hypertension,platelets,creatinine,sodium,smoker"
TABLE = f"mrn,date,{HEART}\nA-1,2026-03-02,no,582,no,20,yes,265,1.9,130,no\nA-2,2026-03-02,no,250,no,60,no,263,0.9,139,no\n"


def test_imported_records_become_diagnoses(services: Services, doctor: User) -> None:
    worker = services.worker()
    for mrn in ("A-1", "A-2"):
        factories.patient(team=(doctor,), mrn=mrn)
    table = TABLE.replace(",no\n", ",never\n")
    with acting_as(doctor):
        found = value_imports.begin_import(doctor, filename="ward.csv", data=table.encode())
        value_imports.check_import(doctor, import_id=found.pk, mapping=found.mapping, measured_at=None)
        value_imports.begin_recording(doctor, import_id=found.pk, take_unusual=False)
    worker.wait(lambda: Diagnosis.objects.count() == 2, "both are queued")
    rows = settle(worker, *Diagnosis.objects.all())
    assert [row.status for row in rows] == [Status.COMPLETED] * 2
    answers = Prediction.objects.filter(model_version__name=CLINICAL).order_by("diagnosis__patient__mrn")
    weak, strong = (answer.explanation["risk"] for answer in answers)
    assert weak > strong
