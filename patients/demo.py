"""The demo people: invented, for demo mode only."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.actor import acting_as
from accounts.models import User
from accounts.roles import SYSTEM, Role
from patients.models import Allergy, CareTeamMember, Condition, Medication, Note, Patient
from patients.services.clinical_values import Entry, record_values

PASSWORD = "cardiocare-demo"  # noqa: S105  # printed by `make run`; refused outside demo mode
LOGINS: tuple[tuple[str, Role, str, str], ...] = (
    ("doctor.demo", Role.DOCTOR, "Dana", "Okafor"),
    ("doctor2.demo", Role.DOCTOR, "Erik", "Lindqvist"),
    ("patient.demo", Role.PATIENT, "Maria", "Schneider"),
    ("admin.demo", Role.ADMIN, "Ada", "Moreau"),
    ("auditor.demo", Role.AUDITOR, "Ines", "Costa"),
)
FIRST_MRN = "CC-1001"
ARCHIVE = "pacs.demo"  # the account of the AE title DEMO; nobody signs in with it


@dataclasses.dataclass(frozen=True, slots=True)
class DemoPatient:
    """One invented patient and the user name of the doctor who cares for them."""

    mrn: str
    given_name: str
    family_name: str
    birth_date: dt.date
    sex: str
    doctor: str
    user: str | None = None


PATIENTS = (
    DemoPatient(
        FIRST_MRN, "Maria", "Schneider", dt.date(1958, 4, 17), "female", "doctor.demo", "patient.demo"
    ),
    DemoPatient("CC-1002", "Peter", "Okonkwo", dt.date(1961, 7, 30), "male", "doctor.demo"),
    DemoPatient("CC-1003", "Aisha", "Rahman", dt.date(1979, 11, 2), "female", "doctor.demo"),
    DemoPatient("CC-1004", "Jan", "Kowalski", dt.date(1944, 1, 25), "male", "doctor.demo"),
    DemoPatient("CC-2001", "Lucía", "Fernández", dt.date(1966, 9, 9), "female", "doctor2.demo"),
)

# What was measured, by MRN: how many days ago, and the values as a doctor types them.
VALUES: dict[str, tuple[tuple[int, dict[str, str]], ...]] = {
    FIRST_MRN: (
        (
            400,
            {"systolic_pressure": "152", "diastolic_pressure": "94", "heart_rate": "78", "weight": "74.2", "height": "164",
             "serum_creatinine": "0.92", "total_cholesterol": "6.1", "ldl_cholesterol": "4.0", "hdl_cholesterol": "1.3",
             "triglycerides": "1.8", "hba1c": "39"},
        ),
        (190, {"systolic_pressure": "144", "diastolic_pressure": "88", "heart_rate": "74", "weight": "73.0", "serum_creatinine": "0.98"}),
        (
            20,
            {"systolic_pressure": "134", "diastolic_pressure": "82", "heart_rate": "71", "weight": "72.4", "oxygen_saturation": "97",
             "serum_creatinine": "1.05", "total_cholesterol": "4.9", "hdl_cholesterol": "1.4", "ldl_cholesterol": "2.9",
             "troponin_t": "6", "nt_probnp": "210", "smoking": "never", "diabetes": "no", "heart_failure": "no", "known_cvd": "no",
             "atrial_fibrillation": "no", "stroke_or_tia": "no", "vascular_disease": "no", "treated_pressure": "yes", "statin": "yes"},
        ),
    ),
    "CC-1002": (
        (
            300,
            {"ejection_fraction": "28", "nt_probnp": "3100", "serum_creatinine": "1.5", "serum_sodium": "134", "weight": "91",
             "height": "178", "systolic_pressure": "118", "diastolic_pressure": "74"},
        ),
        (
            30,
            {"anaemia": "no", "creatinine_phosphokinase": "250", "diabetes": "yes", "ejection_fraction": "33",
             "high_blood_pressure": "yes", "platelets": "231", "serum_creatinine": "1.7", "serum_sodium": "136", "smoking": "stopped",
             "nt_probnp": "1850", "weight": "86.5", "systolic_pressure": "112", "diastolic_pressure": "70", "heart_failure": "yes",
             "heart_failure_over_18_months": "yes", "nyha_class": "II", "copd": "no", "beta_blocker": "yes", "acei_or_arb": "yes",
             "atrial_fibrillation": "no"},
        ),
    ),
    "CC-1004": (
        (
            60,
            {"anaemia": "yes", "creatinine_phosphokinase": "582", "diabetes": "no", "ejection_fraction": "20",
             "high_blood_pressure": "yes", "platelets": "265", "serum_creatinine": "1.9", "serum_sodium": "130", "smoking": "never",
             "heart_rate": "96", "heart_failure": "yes", "atrial_fibrillation": "yes", "stroke_or_tia": "no", "vascular_disease": "no"},
        ),
    ),
    "CC-2001": ((10, {"weight": "64", "height": "169", "systolic_pressure": "121", "diastolic_pressure": "76"}),),
}  # fmt: skip


def load() -> list[User]:
    """Create the demo people and their histories, once; returns the demo users."""
    with acting_as(SYSTEM):
        users = {name: _user(name, role, given, family) for name, role, given, family in LOGINS}
        archive, _ = User.objects.get_or_create(
            username=ARCHIVE,
            defaults={"role": Role.INTEGRATION, "is_demo": True, "password": make_password(None)},
        )
        for person in PATIENTS:
            patient = _patient(person, users)
            CareTeamMember.objects.get_or_create(patient=patient, user=archive)
    return list(users.values())


def _user(username: str, role: Role, given: str, family: str) -> User:
    user, created = User.objects.get_or_create(
        username=username, defaults={"role": role, "first_name": given, "last_name": family, "is_demo": True}
    )
    if created:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    return user


def _patient(person: DemoPatient, users: dict[str, User]) -> Patient:
    patient, created = Patient.objects.get_or_create(
        mrn=person.mrn,
        defaults={
            "given_name": person.given_name,
            "family_name": person.family_name,
            "birth_date": person.birth_date,
            "sex": person.sex,
            "user": users[person.user] if person.user else None,
        },
    )
    if not created:
        return patient
    doctor = users[person.doctor]
    CareTeamMember.objects.create(patient=patient, user=doctor)
    _values(patient, doctor)
    if person.mrn == FIRST_MRN:
        by = {"patient": patient, "recorded_by": doctor}
        Condition.objects.create(**by, name="Essential hypertension", code="I10", since=dt.date(2014, 5, 1))
        Condition.objects.create(**by, name="Palpitations", code="R00.2", since=dt.date(2026, 9, 14))
        Medication.objects.create(**by, name="Ramipril", code="C09AA05", dose="5 mg once a day")
        Allergy.objects.create(**by, substance="Penicillin", reaction="rash")
        Note.objects.create(
            **by,
            text="Palpitations in the evening for two months, no syncope. ECG beats recorded for review.",
        )
    return patient


def _values(patient: Patient, doctor: User) -> None:
    """What the doctor measured, as the doctor: nobody enters a value in another's name."""
    morning = timezone.now().replace(hour=8, minute=30, second=0, microsecond=0)
    with acting_as(doctor):
        for days, typed in VALUES.get(patient.mrn, ()):
            entries = [Entry(code, text) for code, text in typed.items()]
            measured_at = morning - dt.timedelta(days=days)
            record_values(doctor, patient=patient, measured_at=measured_at, entries=entries)
