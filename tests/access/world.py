"""Two wards and a deleted patient, every text of them marked, so that a leak shows in any answer."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import io
import uuid
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from PIL.PngImagePlugin import PngInfo

from accounts.actor import acting_as
from accounts.models import User
from accounts.models.api_key import Scope
from accounts.roles import SYSTEM, Role
from accounts.services.api_keys import create_api_key
from diagnostics.models import (
    ArchiveDelivery,
    BeatOverride,
    PatientRisk,
    RefusedObject,
    Report,
    Review,
    StudyExport,
)
from diagnostics.services.conditions import load_shipped
from diagnostics.services.patient_risk import update_patient_risk
from diagnostics.states import Status
from patients.models import (
    Allergy,
    ClinicalValue,
    Condition,
    Medication,
    Note,
    Patient,
    ValueImport,
    ValueImportRow,
)
from tests import factories, images

OBJECTS = ("a", "b", "deleted", "unknown")
KINDS = (
    "family", "given", "mrn", "note", "condition", "medication", "allergy", "file", "message", "risk", "detail",
    "prediction", "comment", "title", "body", "pixels", "lead", "typed", "why", "cell", "paper", "part",
    "scan", "held",
)  # fmt: skip


def mark(of: str, kind: str) -> str:
    """The text that stands in one field of one patient's record and nowhere else."""
    return f"Mark{of.capitalize()}{kind.capitalize()}X"


@dataclasses.dataclass
class Record:
    """The ids of one patient's objects."""

    patient: uuid.UUID
    completed: uuid.UUID
    reviewed: uuid.UUID
    signed: uuid.UUID
    failed: uuid.UUID
    recording: uuid.UUID
    asked: uuid.UUID
    prediction: uuid.UUID
    report: uuid.UUID
    value: int
    heatmap_png: bytes
    table: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    clinical: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    page: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    study: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    held: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    instance: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    measured: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    uids: tuple[str, str, str] = ("1.2.3", "1.2.3.4", "1.2.3.4.5")


def marked_png(of: str) -> bytes:
    """A picture that carries the mark of its patient in a text chunk."""
    text = PngInfo()
    text.add_text("Comment", mark(of, "pixels"))
    stream = io.BytesIO()
    images.picture(seed=sum(of.encode())).save(stream, "PNG", pnginfo=text)
    return stream.getvalue()


def clinical_value(of: str, patient: Patient, doctor: User) -> ClinicalValue:
    """A corrected value with what was typed and why."""
    measured = {"code": "serum_sodium", "measured_at": dt.datetime(2026, 3, 2, tzinfo=dt.UTC)}
    by = {"patient": patient, "entered_by": doctor, "entered_value": mark(of, "typed")}
    old = ClinicalValue.objects.create(**by, **measured, value=173)
    return ClinicalValue.objects.create(**by, **measured, value=137, corrects=old, reason=mark(of, "why"))


def value_import(of: str, doctor: User) -> uuid.UUID:
    """A table that the doctor has uploaded."""
    name = mark(of, "cell")
    with acting_as(SYSTEM):
        table = ValueImport.objects.create(
            created_by=doctor, filename=name, headings=["mrn"], mapping=["mrn"]
        )
        ValueImportRow.objects.create(table=table, line=2, cells=[name])
    return table.pk


def record(of: str, doctor: User, *, team: tuple[User, ...], **fields: Any) -> Record:
    """One patient with every kind of row, in every state that a route needs."""
    names = {
        field: mark(of, kind)
        for field, kind in (("family_name", "family"), ("given_name", "given"), ("mrn", "mrn"))
    }
    patient = factories.patient(team=team, **names | fields)
    by = {"patient": patient, "recorded_by": doctor}
    shown = {
        "message": mark(of, "message"),
        "risk_reasons": [mark(of, "risk")],
        "technical_detail": mark(of, "detail"),
        "finished_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),  # long ago: its review is overdue
    }
    completed, reviewed, signed = (
        factories.completed(patient, doctor, data=marked_png(of + str(number)), **shown)
        for number in range(3)
    )
    failed = factories.diagnosis(patient, doctor, status=Status.FAILED, **shown)
    recording = factories.recording(patient, doctor, leads=(mark(of, "lead"), "V1"), **shown)
    clinical = factories.clinical(patient, doctor, words=mark(of, "part"), **shown)
    page = factories.page(patient, doctor, picture=mark(of, "paper").encode(), **shown)
    study = factories.study(patient, doctor, StudyDescription=mark(of, "scan"))
    held = factories.study(patient, doctor, held=True, StudyDescription=mark(of, "held"))
    measured = factories.measured(patient, doctor, **shown)
    asked = factories.diagnosis(patient, doctor, status=Status.REFUSED, reason_code="rate_unknown", **shown)
    with acting_as(SYSTEM):
        ArchiveDelivery.objects.create(prediction=measured, requested_by=doctor, message=mark(of, "message"))
        copied = default_storage.save(f"exports/{study.pk}.zip", ContentFile(mark(of, "scan").encode()))
        StudyExport.objects.create(
            study=study, requested_by=doctor, status="ready", written=1, storage_name=copied, size=9, expires_at=timezone.now(),
            remarks=[{"reason_code": "burned_in_seen", "message": mark(of, "message"), "objects": 1}],
        )  # fmt: skip
        BeatOverride.objects.create(recording_id=recording.pk, beat=1, label="PVC", by=doctor)
        Note.objects.create(**by, text=mark(of, "note"))
        Condition.objects.create(**by, name=mark(of, "condition"))
        Medication.objects.create(**by, name=mark(of, "medication"))
        Allergy.objects.create(**by, substance=mark(of, "allergy"))
        value = clinical_value(of, patient, doctor)
        for diagnosis, status in ((reviewed, Status.REVIEWED), (signed, Status.SIGNED)):
            review = Review.objects.create(
                diagnosis=diagnosis, reviewer=doctor, decision="confirm", label="PVC", risk_level="moderate",
                comment=mark(of, "comment"),
            )  # fmt: skip
            type(diagnosis).objects.filter(pk=diagnosis.pk).update(status=status)
        report = Report.objects.create(
            patient=patient, diagnosis=signed, review=review, version=1, signed_by=doctor, title=mark(of, "title"),
            body=mark(of, "body"), risk_level="moderate",
        )  # fmt: skip
        type(completed.upload).objects.filter(patient=patient).update(original_name=f"{mark(of, 'file')}.png")
        update_patient_risk([patient.pk], cause=PatientRisk.Cause.RULES)
        prediction = completed.predictions.get()
        instance = study.instances.select_related("series").get()
        return Record(
            patient.pk, completed.pk, reviewed.pk, signed.pk, failed.pk, recording.pk, asked.pk, prediction.pk, report.pk,
            value.pk, bytes(prediction.heatmap.png), page=page.pk, clinical=clinical.pk, study=study.pk,
            held=held.pk, instance=instance.pk, measured=measured.pk, uids=(study.study_uid, instance.series.series_uid, instance.sop_uid),
        )  # fmt: skip


class World:
    """The people, their records and a signed-in client each."""

    def __init__(self) -> None:
        doctor = factories.user(Role.DOCTOR, "doctor-a")
        doctor_b = factories.user(Role.DOCTOR, "doctor-b")
        patient_a = factories.user(Role.PATIENT, "patient-a")
        patient_b = factories.user(Role.PATIENT, "patient-b")
        integration = factories.user(Role.INTEGRATION, "integration-a")
        self.users = {
            "doctor": doctor,
            "doctor_b": doctor_b,
            "patient": patient_a,
            "patient_b": patient_b,
            "admin": factories.user(Role.ADMIN, "admin-a"),
            "auditor": factories.user(Role.AUDITOR, "auditor-a"),
            "integration": integration,
        }
        self.records = {
            "a": record("a", doctor, team=(doctor, integration), user=patient_a),
            "b": record("b", doctor_b, team=(doctor_b,), user=patient_b),
            "deleted": record("deleted", doctor, team=(doctor, integration)),
            "unknown": Record(*(uuid.uuid4() for _ in range(9)), 0, b""),
        }
        for of, owner in (("a", doctor), ("b", doctor_b)):
            self.records[of].table = value_import(of, owner)
        with acting_as(SYSTEM):
            for by, name in (
                (doctor, mark("a", "file")),
                (doctor_b, mark("b", "file")),
                (integration, "part 1"),
            ):
                RefusedObject.objects.create(
                    door="web",
                    received_by=by,
                    filename=name,
                    study_uid="1.2.3",
                    reason_code="not_dicom",
                    message="No.",
                )
            gone = Patient.objects.filter(pk=self.records["deleted"].patient)
            gone.update(deleted_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
            load_shipped()
        # Of nobody whom the sender knows: for those who work with the sender.
        factories.study(None, integration, PatientID=mark("a", "held"), StudyDescription=mark("a", "held"))
        self.clients = {"anonymous": Client()}
        for name, user in self.users.items():
            self.clients[name] = Client()
            self.clients[name].force_login(user)
        for scope in Scope:
            with acting_as(SYSTEM):
                _, key = create_api_key(user=integration, scopes=[scope])
            self.clients[f"key {scope.value}"] = Client(headers={"authorization": f"Bearer {key}"})

    def again(self) -> World:
        """The same rows with people and clients as they were made: a test may change its own."""
        fresh = copy.copy(self)
        rows = User.objects.in_bulk([user.pk for user in self.users.values()])
        fresh.users = {name: rows[user.pk] for name, user in self.users.items()}
        fresh.clients = {name: copy.deepcopy(client) for name, client in self.clients.items()}
        return fresh


# Whose marks may stand in an answer to whom. Nobody reads the technical detail but through the administrator's log.
CLINICAL = tuple(kind for kind in KINDS if kind != "detail")
MAY_SEE: dict[str, frozenset[str]] = {
    "anonymous": frozenset(),
    "doctor": frozenset(mark("a", kind) for kind in CLINICAL),
    "doctor_b": frozenset(mark("b", kind) for kind in CLINICAL),
    "patient": frozenset(mark("a", kind) for kind in ("family", "given", "mrn", "title", "body")),
    "patient_b": frozenset(mark("b", kind) for kind in ("family", "given", "mrn", "title", "body")),
    "admin": frozenset(),
    "auditor": frozenset(),
    "integration": frozenset(
        mark("a", k)
        for k in (
            "family",
            "given",
            "mrn",
            "message",
            "risk",
            "prediction",
            "file",
            "pixels",
            "lead",
            "paper",
            "typed",
            "part",
            "why",
            "scan",
            "held",
        )
    ),
    "key uploads:write": frozenset(),
    "key diagnoses:read": frozenset(
        mark("a", kind) for kind in ("message", "risk", "prediction", "pixels", "lead", "part")
    ),
    "key patients:read": frozenset(mark("a", kind) for kind in ("family", "given", "mrn")),
    "key studies:read": frozenset(mark("a", kind) for kind in ("family", "given", "mrn", "scan")),
    "key values:read": frozenset(mark("a", kind) for kind in ("typed", "why")),
    "key values:write": frozenset(),
}
ACTORS = tuple(MAY_SEE)
ALL_MARKS = tuple(mark(of, kind) for of in ("a", "b", "deleted") for kind in KINDS)
