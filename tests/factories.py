"""Rows for tests, made as the system: what an actor may see is decided later, by the code under test."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import uuid
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.actor import acting_as
from accounts.models import User
from accounts.roles import SYSTEM, Role
from diagnostics.models import Diagnosis, Heatmap, ModelVersion, Prediction, Upload
from diagnostics.states import Status
from patients.models import CareTeamMember, Patient
from tests import images

PASSWORD = "correct horse battery staple"
_counter = itertools.count(1)


def user(role: Role = Role.DOCTOR, username: str | None = None, **fields: Any) -> User:
    username = username or f"{role}{next(_counter)}"
    return User.objects.create_user(username, password=PASSWORD, role=role, **fields)


def patient(*, team: tuple[User, ...] = (), **fields: Any) -> Patient:
    number = next(_counter)
    values = {
        "mrn": f"MRN-{number:05d}",
        "given_name": f"Given{number}",
        "family_name": f"Family{number}",
        "birth_date": dt.date(1950, 1, 1),
        "sex": Patient.Sex.FEMALE,
    }
    with acting_as(SYSTEM):
        row = Patient.objects.create(**values | fields)
        for member in team:
            CareTeamMember.objects.create(patient=row, user=member)
    return row


def diagnosis(
    of: Patient, by: User, *, status: Status = Status.QUEUED, data: bytes | None = None, **fields: Any
) -> Diagnosis:
    data = images.png(seed=next(_counter)) if data is None else data
    with acting_as(SYSTEM):
        stored = default_storage.save(f"uploads/{uuid.uuid4().hex}.png", ContentFile(data))
        upload = Upload.objects.create(
            patient=of,
            uploaded_by=by,
            original_name="beat.png",
            media_type="image/png",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            storage_name=stored,
        )
        return Diagnosis.objects.create(upload=upload, patient=of, status=status, **fields)


def prediction(of: Diagnosis, *, label: str = "PVC", heatmap: bool = True, **fields: Any) -> Prediction:
    values = {
        "attempt": of.attempt,
        "outcome": "predicted",
        "label": label,
        "confidence": 0.9,
        "probabilities": {label: 0.9, "Normal": 0.1},
        "prediction_set": [label],
        "threshold": 0.5,
        "duration_ms": 5.0,
        "input_sha256": "0" * 64,
        "code_version": "1",
        "device": "cpu",
    }
    with acting_as(SYSTEM):
        version, _ = ModelVersion.objects.get_or_create(
            name="beat-cnn", version="0.0.0", weights_sha256="f" * 64, defaults={"contract": {}}
        )
        row = Prediction.objects.create(diagnosis=of, model_version=version, **values | fields)
        if heatmap:
            Heatmap.objects.create(prediction=row, png=images.png(size=64))
    return row


def completed(of: Patient, by: User, *, label: str = "PVC", **fields: Any) -> Diagnosis:
    """A diagnosis with one prediction and its heatmap, ready for review."""
    values: dict[str, Any] = {"risk_level": "moderate", "risk_reasons": ["beat-cnn sees a premature beat."]}
    row = diagnosis(of, by, status=Status.COMPLETED, **values | fields)
    prediction(row, label=label)
    return row
