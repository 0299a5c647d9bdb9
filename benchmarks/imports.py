"""`python -m deploy exec -- python -m benchmarks.imports`: how long a table of 10,000 rows with 12 quantities takes; writes a result file.

From the upload of the file to the last recorded row, by the pages as a browser asks for them, on PostgreSQL with row-level security as
the application's role: upload, check of every row, recording step by step. Once each row is of another patient, once of 100 patients.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime as dt
import io
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import django
import psycopg2

from benchmarks.__main__ import RESULTS, machine

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User

ROWS, TARGET_S = 10_000, 60.0
# Nine quantities of the heart-failure record (age and sex come from the patient) and three vital signs.
QUANTITIES = {
    "anaemia": ("no", "yes"), "creatinine_phosphokinase (U/L)": ("582", "1211"), "diabetes": ("no", "yes"),
    "ejection_fraction (%)": ("38", "20"), "high_blood_pressure": ("yes", "no"), "platelets (10³/µL)": ("265", "263.4"),
    "serum_creatinine (µmol/L)": ("168", "97.2"), "serum_sodium (mmol/L)": ("137", "130"), "smoking": ("never", "smokes"),
    "systolic_pressure (mmHg)": ("131", "142"), "diastolic_pressure (mmHg)": ("81", "77"), "weight (kg)": ("81.5", "66"),
}  # fmt: skip


def table(mrns: list[str], rows: int) -> bytes:
    """A table as a study exports it; the rows of one patient lie a day apart."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["mrn", "measured_at", *QUANTITIES])
    first = dt.datetime(1990, 1, 1, 9, 30, tzinfo=dt.UTC)
    for row in range(rows):
        at = first + dt.timedelta(days=row // len(mrns))
        values = (of[row % 2] for of in QUANTITIES.values())
        writer.writerow([mrns[row % len(mrns)], at.strftime("%Y-%m-%d %H:%M"), *values])
    return stream.getvalue().encode()


def people(name: str, count: int) -> tuple[User, list[str]]:
    """A doctor with `count` patients."""
    from accounts.actor import acting_as
    from accounts.models import User
    from accounts.roles import SYSTEM, Role
    from patients.models import CareTeamMember, Patient

    with acting_as(SYSTEM):
        doctor = User.objects.create_user(name, password=None, role=Role.DOCTOR)
        born = {"birth_date": dt.date(1950, 1, 1), "sex": "female", "given_name": "G", "family_name": name}
        patients = Patient.objects.bulk_create(
            [Patient(mrn=f"{name}-{number:05d}", **born) for number in range(count)], batch_size=2000
        )
        CareTeamMember.objects.bulk_create(
            [CareTeamMember(patient=patient, user=doctor) for patient in patients], batch_size=2000
        )
    with contextlib.closing(psycopg2.connect(os.environ["DATABASE_OWNER_URL"])) as connection:
        connection.cursor().execute("ANALYZE")  # as PostgreSQL does by itself within a minute
        connection.commit()
    return doctor, [patient.mrn for patient in patients]


def walk(client: Client, data: bytes) -> dict[str, float]:
    """Seconds of each part."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.urls import reverse

    from patients.clinical.table import guess

    times, began = {}, time.perf_counter()
    answer = client.post(
        reverse("patients:imports"), {"table": SimpleUploadedFile("t.csv", data, "text/csv")}
    )
    assert answer.status_code == 302, answer.content
    page = answer["Location"]
    times["upload"] = time.perf_counter() - began
    client.get(page)
    guessed = guess(("mrn", "measured_at", *QUANTITIES))  # what the page has chosen
    client.post(page, {f"column-{index}": place for index, place in enumerate(guessed)})
    client.get(page)
    times["check"] = time.perf_counter() - began - times["upload"]
    htmx, steps = {"HX-Request": "true"}, 0
    while "HX-Refresh" not in (answer := client.post(f"{page}record/", headers=htmx)):
        assert answer.status_code == 200, answer.content
        steps += 1
    times["record"] = time.perf_counter() - began - times["upload"] - times["check"]
    times["total"] = time.perf_counter() - began
    times["steps"] = steps
    return times


def measure(name: str, *, rows: int, patients: int) -> dict[str, Any]:
    """One table, recorded; every row must have been."""
    from django.test import Client

    from accounts.actor import acting_as
    from accounts.roles import SYSTEM
    from patients.models import ClinicalValue, ValueImportRow

    doctor, mrns = people(name, patients)
    client = Client(SERVER_NAME="localhost")
    client.force_login(doctor, backend="accounts.backends.CardioCareBackend")
    times = walk(client, table(mrns, rows))
    with acting_as(SYSTEM):
        recorded = ValueImportRow.objects.filter(table__created_by=doctor, verdict="recorded").count()
        values = ClinicalValue.objects.filter(entered_by=doctor).count()
    assert (recorded, values) == (rows, rows * len(QUANTITIES)), (recorded, values)
    seconds = {part: round(value, 2) for part, value in times.items()}
    return {"patients": patients, "rows": recorded, "values": values, "seconds": seconds}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the table (default {ROWS})")
    options = parser.parse_args()
    began = machine()
    owner = os.environ | {"DATABASE_ROLE": "owner"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=owner, check=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cardiocare_site.settings")
    django.setup()
    result = {
        "machine": began,
        "target_seconds": TARGET_S,
        "each_row_another_patient": measure("many", rows=options.rows, patients=options.rows),
        "hundred_patients": measure("few", rows=options.rows, patients=min(100, options.rows)),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.rows == ROWS:
        (RESULTS / "imports.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
