"""Rows for tests, made as the system: what an actor may see is decided later, by the code under test."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import itertools
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.actor import acting_as
from accounts.models import User
from accounts.roles import SYSTEM, Role
from diagnostics.imaging.arrivals import Hall
from diagnostics.imaging.ingest import take_in
from diagnostics.kinds import CLINICAL, IMAGING
from diagnostics.models import Diagnosis, DicomStudy, Heatmap, ModelVersion, Prediction, Upload
from diagnostics.services.claims import Claim
from diagnostics.services.findings import SignalStore, store_findings
from diagnostics.states import Status
from ml.clinical.snapshot import Snapshot, Value
from patients.models import CareTeamMember, Patient
from tests import dicoms, images, pages

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from ml.contract import RecordingFindings

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


def prediction(
    of: Diagnosis, *, label: str = "PVC", model: str = "beat-cnn", heatmap: bool = True, **fields: Any
) -> Prediction:
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
            name=model, version="0.0.0", weights_sha256="f" * 64, defaults={"contract": {}}
        )
        row = Prediction.objects.create(**{"diagnosis": of, "model_version": version} | values | fields)
        if heatmap:
            Heatmap.objects.create(prediction=row, png=images.png(size=64))
    return row


def completed(of: Patient, by: User, *, label: str = "PVC", **fields: Any) -> Diagnosis:
    """A diagnosis with one prediction and its heatmap, ready for review."""
    values: dict[str, Any] = {"risk_level": "moderate", "risk_reasons": ["beat-cnn sees a premature beat."]}
    row = diagnosis(of, by, status=Status.COMPLETED, **values | fields)
    prediction(row, label=label)
    return row


def clinical(of: Patient, by: User, *, words: str = "creatinine 1.9 mg/dL", **fields: Any) -> Diagnosis:
    """A diagnosis of a clinical record with the deciding model's answer and a score that does not apply, ready for review."""
    known = {"serum_creatinine": Value(1.9, "mg/dL", "2026-03-02T09:30:00+00:00")}
    values: dict[str, Any] = {
        "risk_level": "high",
        "risk_reasons": ["clinical-hybrid estimates a risk of 62 %."],
    }
    data = Snapshot(70, "female", known).as_bytes()
    row = diagnosis(of, by, status=Status.COMPLETED, data=data, **values | fields)
    with acting_as(SYSTEM):
        Upload.objects.filter(pk=row.upload_id).update(
            media_type=CLINICAL[0], original_name="Clinical record, 2 Mar 2026"
        )
    said = {"outcome": "abstained", "label": "", "confidence": None, "prediction_set": []}
    explanation = {
        "level": "High", "risk": 0.62, "reference_risk": 0.18, "imputed": {"platelets": 262000.0}, "findings": [],
        "contributions": [{"name": "serum_creatinine", "words": words, "amount": 0.44}],
    }  # fmt: skip
    share = {"survival": 0.38, "death": 0.62}
    prediction(
        row, model="clinical-hybrid", heatmap=False, probabilities=share, explanation=explanation,
        message=f"{words} raises the risk most.", **said,
    )  # fmt: skip
    refused = said | {"outcome": "not_eligible", "probabilities": {}, "message": "MAGGIC needs NYHA class."}
    prediction(row, model="maggic", heatmap=False, reason_code="score_value_missing", **refused)
    with acting_as(SYSTEM):
        return Diagnosis.objects.get(pk=row.pk)


# Of the simulated recording: every twentieth beat comes early from a ventricle, three in a row at one place.
PVCS = (20, 40, 60, 61, 62, 80)
LEADS = ("MLII", "V1")


@functools.cache
def _analysed(leads: tuple[str, ...], seconds: float) -> tuple[RecordingFindings, dict[str, bytes]]:
    """Findings of a simulated recording with its own truth as classes, and the tiles of its signal."""
    import numpy as np

    from ml.contract import RecordingFindings
    from ml.datasets.simulated_recording import Heart, simulate_recording
    from ml.recordings import tiles
    from ml.recordings.analysis import analyse_recording
    from ml.recordings.recording import Recording

    heart = Heart(events=dict.fromkeys(PVCS, "PVC"))
    made = simulate_recording(heart, seconds=seconds, fs=250.0, leads=LEADS, noise_mv=0.01, seed=1)
    recording = Recording(
        leads=leads,
        signals=made.signals,
        fs=made.fs,
        started_at=None,
        source_format="wfdb",
        units=("mV",) * len(leads),
    )

    def truth(_: Any, __: float, r_samples: Any) -> tuple[Any, Any]:
        nearest = np.abs(made.r_samples[:, None] - r_samples).argmin(axis=0)
        return made.labels[nearest], np.full(len(r_samples), 0.9)

    result = analyse_recording(recording, classify=truth)
    kept: dict[str, bytes] = {}
    signal = tiles.keep(recording, kept.__setitem__)
    classes = ("Normal", "LBBB", "RBBB", "PAC", "PVC", "Fusion")
    places = [classes.index(str(label)) for label in result.labels]
    findings = RecordingFindings(
        leads=leads,
        fs=recording.fs,
        samples=recording.samples,
        summary=result.as_json(beats=False) | {"format": "wfdb", "started_at": None},
        classes=classes,
        beat_samples=result.samples.astype("<i4").tobytes(),
        beat_classes=np.array(places, dtype=np.int8).tobytes(),
        beat_confidences=bytes([90] * len(places)),
        beat_heat=b"".join(
            bytes([0] * 8) if name == "Normal" else bytes(range(0, 256, 32)) for name in result.labels
        ),
        heat={"before_s": 0.4, "after_s": 0.4, "steps": 8},
        signal=signal,
    )
    return findings, kept


def recording(
    of: Patient, by: User, *, leads: tuple[str, ...] = LEADS, seconds: float = 120.0, **fields: Any
) -> Diagnosis:
    """A diagnosis of a recording with its beats and its signal, ready for review; premature beats at `PVCS`."""
    findings, kept = _analysed(leads, seconds)
    values: dict[str, Any] = {"risk_level": "high", "risk_reasons": ["1 run of premature ventricular beats."]}
    row = diagnosis(of, by, status=Status.COMPLETED, data=uuid.uuid4().bytes, **values | fields)
    with acting_as(SYSTEM):
        Upload.objects.filter(pk=row.upload_id).update(
            media_type="application/x-wfdb+zip", original_name="recording.zip"
        )
        store = SignalStore(Claim(row.pk, row.attempt))
        for name, data in kept.items():
            store(name, data)
        signal = findings.signal | {"prefix": store.prefix}
        store_findings(row, row.attempt, dataclasses.replace(findings, signal=signal))
    prediction(row, heatmap=False, probabilities={"Normal": 0.9, "PVC": 0.1})
    return row


@functools.cache
def _digitised() -> tuple[RecordingFindings, dict[str, bytes]]:
    """Findings of a drawn page, and what is kept of it."""
    from ml.serving.pictures import analyse_picture

    kept: dict[str, bytes] = {}
    findings = analyse_picture(pages.scan(), store=kept.__setitem__).findings
    assert findings is not None
    return findings, kept


def study(of: Patient | None, by: User, *, held: bool = False, frames: int = 1, **said: Any) -> DicomStudy:
    """An X-ray study of one object as the doctor sends it; `held` because it gives another number, `said` in its tags."""
    made = dicoms.dataset(of, study=next(_counter), **({"PatientID": "ELSEWHERE"} if held else {}) | said)
    if frames > 1:
        dicoms.pixels(made, np.arange(frames * 24 * 32).reshape(frames, 24, 32) % 4096)
    return filed(of, by, made)


def filed(of: Patient | None, by: User, *objects: Dataset) -> DicomStudy:
    """The study of these objects as the doctor uploads them."""
    with acting_as(by), Hall() as hall:
        arrivals = [hall.receive("xray.dcm", [dicoms.written(one)]) for one in objects]
        verdicts = take_in(by, arrivals, door=DicomStudy.Door.WEB, patient=of)
    with acting_as(SYSTEM):
        return DicomStudy.objects.get(pk=verdicts[0].study_id)


MEASUREMENT = {
    "ratio": 0.5625, "error": 0.01, "low": 0.54, "high": 0.58, "limit": 0.5, "probability_enlarged": 0.99, "spacing_of": "patient",
    "heart": {"x0": 6.0, "x1": 24.0, "y": 14.0, "pixels": 18.0, "mm": 4.5},
    "chest": {"x0": 0.0, "x1": 32.0, "y": 18.0, "pixels": 32.0, "mm": 8.0},
}  # fmt: skip


def measured(of: Patient, by: User, **fields: Any) -> Prediction:
    """The answer about an X-ray on which the heart was measured; the object is stored, and said to be of the patient."""
    row = diagnosis(
        of,
        by,
        status=Status.COMPLETED,
        data=dicoms.written(dicoms.dataset(of, study=next(_counter))),
        **fields,
    )
    with acting_as(SYSTEM):
        Upload.objects.filter(pk=row.upload_id).update(media_type=IMAGING[0])
    row.upload.media_type = IMAGING[0]
    explanation = {"measurement": MEASUREMENT}
    return prediction(row, label="Cardiomegaly", model="cxr-heart", heatmap=False, explanation=explanation)


def page(of: Patient, by: User, *, picture: bytes | None = None, **fields: Any) -> Diagnosis:
    """A diagnosis of a 12-lead page with its leads and pictures, ready for review; `picture` stands in for the cropped one."""
    findings, kept = _digitised()
    values: dict[str, Any] = {"risk_level": "low", "risk_reasons": ["ecg-signals sees a normal ECG."]}
    row = diagnosis(of, by, status=Status.COMPLETED, data=pages.scan(), **values | fields)
    with acting_as(SYSTEM):
        store = SignalStore(Claim(row.pk, row.attempt))
        for name, data in kept.items():
            store(name, picture if picture and name == "cropped.webp" else data)
        signal = findings.signal | {"prefix": store.prefix}
        store_findings(row, row.attempt, dataclasses.replace(findings, signal=signal))
    prediction(row, label="NORM", model="ecg-signals", heatmap=False, probabilities={"NORM": 0.9, "MI": 0.1})
    return row
