"""Recordings from the upload to the beats, with a real worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import Diagnosis, Recording, Upload
from diagnostics.states import Status
from ml.__main__ import main
from ml.datasets.simulated_recording import Heart, SimulatedRecording, simulate_recording
from ml.serving.recordings import analyse_file
from tests import factories
from tests.ml.recordings import writers
from tests.processes.steps import settle

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from tests.workers import Service

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
PVCS = (15, 30, 31, 45)


def simulated(seconds: float = 60.0) -> SimulatedRecording:
    heart = Heart(events=dict.fromkeys(PVCS, "PVC"), jitter_s=0.01)
    return simulate_recording(heart, seconds=seconds, fs=250.0, leads=("II", "V1"), noise_mv=0.01, seed=3)


def send(client: Client, patient: Any, name: str, data: bytes) -> dict[str, Any]:
    response = client.post(
        "/api/v1/uploads/", {"patient": str(patient.pk), "files": [SimpleUploadedFile(name, data)]}
    )
    (verdict,) = response.json()["files"]
    return verdict


def settled(worker: Service, verdict: dict[str, Any]) -> Diagnosis:
    assert verdict["accepted"], verdict
    (row,) = settle(worker, Diagnosis.objects.get(pk=verdict["diagnosis_id"]))
    return row


def test_a_recording_is_answered_with_its_beats_as_the_command_line_gives_them(
    live_worker: Service, client: Client, doctor: User, tmp_path: Path, media: Path
) -> None:
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    path = tmp_path / "record.zip"
    path.write_bytes(writers.zipped(writers.wfdb_files(simulated(), tmp_path)))
    row = settled(live_worker, send(client, patient, "record.zip", path.read_bytes()))
    assert (row.status, row.reason_code) == (Status.COMPLETED, ""), row.message
    assert (row.upload.media_type, row.progress < 100) == ("application/x-wfdb+zip", True)
    recording = Recording.objects.get(pk=row.pk)
    alone = analyse_file(path, fs=None, unit=None, progress=lambda *_: None, store=None)
    assert alone.findings is not None
    assert bytes(recording.beat_samples) == alone.findings.beat_samples
    assert bytes(recording.beat_classes) == alone.findings.beat_classes
    assert recording.summary == alone.findings.summary
    assert bytes(recording.beat_heat) == alone.findings.beat_heat
    (prediction,) = row.predictions.all()
    assert prediction.probabilities == pytest.approx(alone.results[0].probabilities, abs=1e-4)
    answer = client.get(f"/api/v1/diagnoses/{row.pk}/recording/").json()
    assert len(answer["beat_samples"]) == len(answer["beat_classes"]) == len(recording.beat_classes)
    kept = {one.name for one in (media / "signals" / str(row.pk) / "1").iterdir()}
    assert {"0-0", "1-0"} <= kept


def test_what_the_file_does_not_say_is_asked_for_and_not_guessed(
    live_worker: Service, client: Client, doctor: User
) -> None:
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    row = settled(live_worker, send(client, patient, "table.csv", writers.table(simulated(), before="")))
    asked = row.reason_code
    assert (row.status, asked in {"rate_unknown", "unit_unknown"}) == (Status.REFUSED, True), row.message
    page = client.get(reverse("diagnostics:detail", args=[row.pk])).content.decode()
    assert "Tell what the file does not say" in page
    client.post(reverse("diagnostics:tell", args=[row.pk]), {"sampling_rate_hz": "250", "unit": "mV"})
    (again,) = settle(live_worker, row)
    assert (again.status, again.attempt) == (Status.COMPLETED, 2), again.message
    with acting_as(SYSTEM):
        upload = Upload.objects.get(pk=row.upload_id)
        assert (upload.sampling_rate_hz, upload.unit) == (250.0, "mV")
        assert Recording.objects.get(pk=row.pk).fs == 250.0
    shown = client.get(f"/api/v1/diagnoses/{row.pk}/").json()["predictions"]
    assert [one["outcome"] for one in shown] == ["predicted"]


def test_a_broken_recording_is_refused_with_a_reason_and_leaves_no_signal(
    live_worker: Service, client: Client, doctor: User, media: Path, tmp_path: Path
) -> None:
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    flat = simulated(20.0)
    flat.signals[:] = 0.0
    row = settled(
        live_worker, send(client, patient, "flat.zip", writers.zipped(writers.wfdb_files(flat, tmp_path)))
    )
    assert (row.status, row.reason_code) == (Status.REFUSED, "recording_not_analysable"), row.message
    assert not Recording.objects.filter(pk=row.pk).exists()
    assert [path for path in media.rglob("*") if path.is_file() and "signals" in path.parts] == []


def test_the_waveform_of_a_dicom_study_is_read_with_a_second_opinion_on_its_twelve_leads(
    live_worker: Service, client: Client, doctor: User, capsys: pytest.CaptureFixture[str]
) -> None:
    from pydicom.data import get_testdata_file

    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    path = Path(str(get_testdata_file("waveform_ecg.dcm")))
    row = settled(live_worker, send(client, patient, "ecg.dcm", path.read_bytes()))
    assert row.status == Status.COMPLETED, row.message
    recording = Recording.objects.get(pk=row.pk)
    assert (len(recording.leads), recording.fs, recording.seconds) == (12, 1000.0, 10.0)
    assert main(["predict", "ecg-signals", str(path), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    second = row.predictions.get(model_version__name="ecg-signals")
    assert second.probabilities == pytest.approx(alone["probabilities"], abs=1e-4)
    assert (second.outcome, second.label, second.message) == (
        alone["outcome"],
        alone["label"] or "",
        alone["message"],
    )
    assert recording.summary["twelve_leads"] == alone["summary"]["twelve_leads"]


def test_fibrillation_is_an_alarm_although_it_has_no_heartbeats(
    live_worker: Service, client: Client, doctor: User, tmp_path: Path
) -> None:
    """A wave of five cycles a second that swells and sinks, as fibrillation does."""
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    made = simulated(40.0)
    seconds = np.arange(made.signals.shape[1]) / made.fs
    wave = np.sin(2 * np.pi * 4.6 * seconds + 2.0 * np.sin(2 * np.pi * 0.35 * seconds))
    made.signals[:] = 0.6 * wave * (1.0 + 0.4 * np.sin(2 * np.pi * 0.21 * seconds))
    row = settled(
        live_worker, send(client, patient, "vf.zip", writers.zipped(writers.wfdb_files(made, tmp_path)))
    )
    assert (row.status, row.risk_level) == (Status.COMPLETED, "high"), row.message
    assert "VF" in {prediction.label for prediction in row.predictions.all()}
