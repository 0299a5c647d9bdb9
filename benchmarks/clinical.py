"""`python -m deploy exec -- python -m benchmarks.clinical`: clinical records per second, asked for and answered; writes a result file.

In one process, on a fresh database: asking is what the request of a page or an import does, answering what one worker process does
with its messages, from the claim to the stored predictions. The broker is left out. Processor time is this process's own, without the
database's; unlike the clock it hardly changes when something else keeps the machine busy.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
import sys
import time
from typing import Any

RECORDS = 1000


def main() -> int:
    """Measure, print, write."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cardiocare_site.settings")
    owner = os.environ | {"DATABASE_ROLE": "owner"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=owner, check=True)
    import django

    django.setup()
    from benchmarks.__main__ import RESULTS, machine

    result = {"machine": machine()} | measured()
    text = json.dumps(result, indent=2)
    print(text)
    (RESULTS / "clinical.json").write_text(text + "\n", encoding="utf-8")
    return 0


def measured() -> dict[str, Any]:
    """Seconds of each step, and what came out."""
    from accounts.actor import acting_as
    from accounts.roles import SYSTEM
    from diagnostics.models import Diagnosis, Prediction
    from diagnostics.services import clinical, lifecycle
    from diagnostics.services.queue import MOST_CLINICAL_TOGETHER
    from worker import diagnosing, suite

    doctor, patients = seeded()
    suite.warm()
    began, worked = time.perf_counter(), time.process_time()
    with acting_as(doctor):
        answers = clinical.request_clinical_diagnoses(doctor, patient_ids=patients)
    asked, worked_asking = time.perf_counter(), time.process_time()
    ids = [one.diagnosis.pk for one in answers.values() if isinstance(one, clinical.Requested)]
    for start in range(0, len(ids), MOST_CLINICAL_TOGETHER):
        message = [(pk, 1) for pk in ids[start : start + MOST_CLINICAL_TOGETHER]]
        with acting_as(SYSTEM):
            claims = lifecycle.claim(message, worker="bench")
        diagnosing.run(claims, deadline=time.monotonic() + 600)
    done, worked_answering = time.perf_counter(), time.process_time()
    with acting_as(SYSTEM):
        completed = Diagnosis.objects.filter(status="completed").count()
        predictions = Prediction.objects.count()
    return {
        "records": len(ids),
        "completed": completed,
        "predictions": predictions,
        "asked_s": round(asked - began, 2),
        "asked_per_second": round(len(ids) / (asked - began)),
        "answered_s": round(done - asked, 2),
        "answered_per_second": round(len(ids) / (done - asked), 1),
        "answered_ms_each": round(1000 * (done - asked) / len(ids), 1),
        "asked_cpu_ms_each": round(1000 * (worked_asking - worked) / len(ids), 2),
        "answered_cpu_ms_each": round(1000 * (worked_answering - worked_asking) / len(ids), 2),
    }


def seeded() -> tuple[Any, list[Any]]:
    """A doctor, and the ids of patients with a complete record each."""
    from accounts.actor import acting_as
    from accounts.models import User
    from accounts.roles import SYSTEM, Role
    from patients.models import CareTeamMember, Patient

    rng = random.Random(1)  # made-up people
    with acting_as(SYSTEM):
        doctor = User.objects.create_user("bench-clinical", password=None, role=Role.DOCTOR)
        patients = Patient.objects.bulk_create(
            Patient(
                mrn=f"BENCH-{number:05d}",
                given_name="B",
                family_name="ench",
                birth_date=dt.date(rng.randint(1935, 1980), 1, 1),
                sex=rng.choice(["female", "male"]),
            )
            for number in range(RECORDS)
        )
        CareTeamMember.objects.bulk_create(CareTeamMember(patient=row, user=doctor) for row in patients)
    _record(doctor, patients, rng)
    return doctor, [row.pk for row in patients]


def _record(doctor: Any, patients: list[Any], rng: random.Random) -> None:
    from accounts.actor import acting_as
    from patients.models import ClinicalValue
    from patients.services.clinical_values import Entry, Record, record_many

    numbers = {
        "creatinine_phosphokinase": (30, 3000), "ejection_fraction": (15, 60), "platelets": (100, 400), "serum_sodium": (125, 145),
        "systolic_pressure": (95, 180), "weight": (50, 110), "height": (150, 195),
    }  # fmt: skip
    words = ("anaemia", "diabetes", "high_blood_pressure", "smoking")
    at = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
    records = []
    for patient in patients:
        typed = {code: str(rng.randint(*limits)) for code, limits in numbers.items()}
        typed |= {code: str(rng.randint(0, 1)) for code in words}
        typed["serum_creatinine"] = f"{rng.uniform(0.6, 4.0):.1f}"
        entries = tuple(Entry(code, text, confirmed=True) for code, text in typed.items())
        records.append(Record(patient, at, entries))
    with acting_as(doctor):
        record_many(doctor, records, source=ClinicalValue.Source.IMPORT)


if __name__ == "__main__":
    sys.exit(main())
