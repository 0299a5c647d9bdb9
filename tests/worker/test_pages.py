"""12-lead pages from the upload to the digitised leads, with a real worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from diagnostics.models import Diagnosis, Recording
from diagnostics.states import Status
from ml.__main__ import main
from ml.serving.page_checks import ASKED_ONCE
from tests import factories, pages
from tests.processes.steps import settle

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from accounts.models import User
    from tests.workers import Service

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def analysed(
    worker: Service, client: Client, doctor: User, name: str, data: bytes, **fields: str
) -> Diagnosis:
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    body: dict[str, Any] = {"patient": str(patient.pk), "files": [SimpleUploadedFile(name, data)], **fields}
    (verdict,) = client.post("/api/v1/uploads/", body).json()["files"]
    assert verdict["accepted"], verdict
    (row,) = settle(worker, Diagnosis.objects.get(pk=verdict["diagnosis_id"]))
    return row


def test_a_photographed_page_is_answered_as_the_command_line_does(
    live_worker: Service,
    client: Client,
    doctor: User,
    tmp_path: Path,
    media: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "page.jpg"
    path.write_bytes(pages.photo())
    row = analysed(live_worker, client, doctor, path.name, path.read_bytes())
    assert (row.status, row.reason_code) == (Status.COMPLETED, ""), row.message
    assert main(["predict", "page", str(path), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    recording = Recording.objects.get(pk=row.pk)
    kept = dict(recording.summary)
    stores = ("pictures", "lead_maps")
    pictures = [one for name in stores for one in kept.pop(name)]
    assert kept == {name: value for name, value in alone["summary"].items() if name not in stores}
    given = {one.model: one for one in row.answers()}
    assert set(given) == {result["model"] for result in alone["results"]}
    for result in alone["results"]:
        assert given[result["model"]].probabilities == pytest.approx(result["probabilities"], abs=1e-4)
        assert given[result["model"]].label == (result["label"] or "")
        weights = result["explanation"].get("leads", {}).get("falls_by", {})
        kept_weights = given[result["model"]].explanation.get("leads", {}).get("falls_by", {})
        assert kept_weights == pytest.approx(weights, abs=1e-3)
    assert kept["measures"]["heart_rate"]["mean_bpm"] == pytest.approx(pages.RATE_BPM, abs=2.0)
    assert (kept["page"]["layout"], kept["page"]["calibrated"]) == ("3x4+1", True)
    stored = {one.name for one in (media / "signals" / str(row.pk) / "1").iterdir()}
    assert {one["file"] for one in pictures} | {"0-0", "1-0"} == stored
    for one in pictures:
        answer = client.get(reverse("diagnostics:page-picture", args=[row.pk, one["name"]]))
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert client.get(reverse("diagnostics:page-picture", args=[row.pk, "other"])).status_code == 404
    shown = client.get(reverse("diagnostics:detail", args=[row.pk])).content.decode()
    assert "25 mm/s, 10 mm/mV, read from the calibration pulse" in shown
    assert "Ask every model" not in shown
    ground = reverse("diagnostics:page-picture", args=[row.pk, "cropped"])
    assert f'<img src="{ground}" alt="The uploaded ECG picture">' in shown, "heat lies on what the models saw"
    assert "What every model says" in shown
    assert shown.count("<h3>Weight of each lead</h3>") == len(given) - len(ASKED_ONCE | {"ecg-signals"})
    assert reverse("diagnostics:page-picture", args=[row.pk, "leads-page-fusion"]) in shown


def test_leads_outside_the_picture_are_named_and_the_others_are_shown(
    live_worker: Service, client: Client, doctor: User
) -> None:
    row = analysed(live_worker, client, doctor, "cut.png", pages.cut_off())
    assert (row.status, row.reason_code) == (Status.REFUSED, "page_leads_outside"), row.message
    assert row.message.startswith("V4 to V6 are outside the picture")
    recording = Recording.objects.get(pk=row.pk)
    assert recording.summary["page"]["outside"] == ["V4", "V5", "V6"]
    assert recording.summary["measures"]["heart_rate"]["mean_bpm"] == pytest.approx(pages.RATE_BPM, abs=2.0)
    shown = client.get(reverse("diagnostics:detail", args=[row.pk])).content.decode()
    assert "V4 to V6 are outside the picture" in shown
    assert "Digitised leads" in shown


def test_a_pdf_is_drawn_by_the_worker_and_never_sent_as_it_came(
    live_worker: Service, client: Client, doctor: User
) -> None:
    row = analysed(live_worker, client, doctor, "report.pdf", pages.document(pages.page_pixels()))
    assert (row.status, row.upload.media_type) == (Status.COMPLETED, "application/pdf"), row.message
    assert Recording.objects.get(pk=row.pk).summary["page"]["sheet"] == 1
    assert client.get(reverse("diagnostics:image", args=[row.pk])).status_code == 404
    shown = client.get(reverse("diagnostics:detail", args=[row.pk])).content.decode()
    assert "Page of the PDF" in shown
    assert reverse("diagnostics:image", args=[row.pk]) not in shown


def test_every_model_asked_about_a_page_is_every_model_of_pages(
    live_worker: Service, client: Client, doctor: User
) -> None:
    row = analysed(live_worker, client, doctor, "page.png", pages.scan(pulse="none"), second_opinions="true")
    assert row.status == Status.COMPLETED, row.message
    assert not {one.model for one in row.answers()} & {"beat-cnn", "beat-spectral"}
    page = Recording.objects.get(pk=row.pk).summary["page"]
    assert not page["calibrated"]
    assert any("25 mm/s and 10 mm/mV are assumed" in note for note in page["notes"])
