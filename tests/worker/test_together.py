"""Several diagnoses in one message: stored together, failing apart."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from redis import Redis

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import Diagnosis, Prediction, Recording
from diagnostics.services import lifecycle, queue, uploads
from diagnostics.services.claims import stored_bytes
from diagnostics.services.queue import publish
from ml.contract import Analysis
from tests import factories, images
from tests.processes.steps import Held, assert_answered_once, beat, settle
from tests.workers import PATIENCE_S
from worker import diagnosing, suite

if TYPE_CHECKING:
    from pathlib import Path

    from django.conf import LazySettings
    from pytest_django import DjangoCaptureOnCommitCallbacks

    from accounts.models import User
    from tests.workers import Service

in_transaction = pytest.mark.django_db


def claimed(doctor: User, count: int) -> tuple[list[Diagnosis], list[lifecycle.Claim]]:
    """Diagnoses of one patient with good files, in the state that a worker's claim leaves them in."""
    patient = factories.patient(team=(doctor,))
    rows = [factories.diagnosis(patient, doctor, data=beat()) for _ in range(count)]
    with acting_as(SYSTEM):
        claims = lifecycle.claim([(row.pk, 1) for row in rows], worker="w")
    claims.sort(key=lambda claim: [row.pk for row in rows].index(claim.diagnosis_id))
    return rows, claims


def states(rows: list[Diagnosis]) -> list[tuple[str, int]]:
    with acting_as(SYSTEM):
        found = {row.pk: row for row in Diagnosis.objects.all()}
        return [(found[row.pk].status, found[row.pk].attempt) for row in rows]


@in_transaction
def test_a_missing_file_fails_alone(doctor: User, media: Path) -> None:
    rows, claims = claimed(doctor, 3)
    (media / claims[1].storage_name).unlink()
    diagnosing.run(claims, deadline=time.monotonic() + PATIENCE_S)
    assert states(rows) == [("completed", 1), ("queued", 2), ("completed", 1)]
    with acting_as(SYSTEM):
        assert {p.diagnosis_id for p in Prediction.objects.all()} == {rows[0].pk, rows[2].pk}


@in_transaction
def test_a_result_that_cannot_be_stored_fails_alone(doctor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, claims = claimed(doctor, 3)
    too_long = stored_bytes(claims[1])
    real = suite.analyse

    def analyse(data: bytes, **options: Any) -> Analysis:
        results = real(data, **options).results
        return Analysis(
            results=tuple(
                dataclasses.replace(one, message="x" * 501) if data == too_long else one for one in results
            )
        )

    monkeypatch.setattr(suite, "analyse", analyse)
    diagnosing.run(claims, deadline=time.monotonic() + PATIENCE_S)
    assert states(rows) == [("completed", 1), ("queued", 2), ("completed", 1)]


@in_transaction
def test_what_no_time_is_left_for_gets_a_next_attempt(doctor: User) -> None:
    rows, claims = claimed(doctor, 2)
    diagnosing.run(claims, deadline=time.monotonic() - 1)
    assert states(rows) == [("queued", 2), ("queued", 2)]
    with acting_as(SYSTEM):
        details = [row.technical_detail for row in Diagnosis.objects.all()]
    assert details == ["attempt 1: SoftTimeLimitExceeded()"] * 2


@in_transaction
def test_slow_answers_are_handed_on_as_they_come(doctor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    _, claims = claimed(doctor, 3)
    deadline = time.monotonic() + PATIENCE_S
    assert [len(answers) for answers in diagnosing.in_turns(claims, deadline=deadline)] == [3]
    monkeypatch.setattr(diagnosing, "HELD_BACK_S", 0.0)
    assert [len(answers) for answers in diagnosing.in_turns(claims, deadline=deadline)] == [1, 1, 1, 0]


def messages(settings: LazySettings) -> list[list[list[Any]]]:
    """What waits in the diagnosis queue, the oldest first; the queue is empty afterwards."""
    with Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        raw = broker.lrange(settings.DIAGNOSIS_QUEUE, 0, -1)[::-1]
        broker.flushdb()
    return [json.loads(base64.b64decode(json.loads(one)["body"]))[1]["attempts"] for one in raw]


@in_transaction
def test_a_batch_is_published_in_few_messages(
    doctor: User,
    settings: LazySettings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = factories.patient(team=(doctor,))
    messages(settings)
    batch = [SimpleUploadedFile(f"{n}.png", images.png(seed=n)) for n in range(27)]
    with django_capture_on_commit_callbacks(execute=True), acting_as(doctor):
        uploads.submit_uploads(doctor, patient_id=patient.pk, files=batch)
    assert [len(attempts) for attempts in messages(settings)] == [25, 2]
    monkeypatch.setattr(queue, "MOST_BYTES_TOGETHER", 1)
    big = [SimpleUploadedFile(f"{n}.png", images.png(seed=n)) for n in range(30, 33)]
    with django_capture_on_commit_callbacks(execute=True), acting_as(doctor):
        uploads.submit_uploads(doctor, patient_id=patient.pk, files=big)
    assert [len(attempts) for attempts in messages(settings)] == [1, 1, 1]


def test_a_single_diagnosis_overtakes_a_batch_of_many(settings: LazySettings) -> None:
    messages(settings)
    batch = [(uuid.uuid4(), 1) for _ in range(queue.MOST_TOGETHER + 1)]
    single = [(uuid.uuid4(), 1)]
    assert publish(batch)
    assert publish(single)
    with current_app.pool.acquire() as broker, broker.channel() as channel:
        came = [channel.basic_get(settings.DIAGNOSIS_QUEUE, no_ack=True) for _ in range(3)]
    sizes = [len(json.loads(message.body)[1]["attempts"]) for message in came if message is not None]
    assert sizes == [1, len(batch)]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_what_a_killed_child_held_runs_again_each_by_itself(
    live_worker: Service, doctor: User, media: Path
) -> None:
    patient = factories.patient(team=(doctor,))
    others = [factories.diagnosis(patient, doctor, data=beat()) for _ in range(2)]
    held = Held(doctor, media)
    assert publish([(row.pk, 1) for row in (others[0], held.row, others[1])])
    held.wait_running(live_worker)
    for child in live_worker.children():
        child.kill()
    held.put_back()
    settle(live_worker, held.row, *others)
    for row in (held.row, *others):
        assert_answered_once(row, attempt=2)
        row.refresh_from_db()
        assert row.technical_detail.startswith("attempt 1: WorkerLostError")


@in_transaction
def test_the_signal_of_an_attempt_that_was_taken_back_is_taken_back_too(
    doctor: User, media: Path, tmp_path: Path
) -> None:
    from ml.datasets.simulated_recording import simulate_recording
    from tests.ml.recordings import writers

    made = simulate_recording(seconds=20.0, leads=("II", "V1"))
    data = writers.zipped(writers.wfdb_files(made, tmp_path))
    row = factories.diagnosis(factories.patient(team=(doctor,)), doctor, data=data)
    with acting_as(SYSTEM):
        type(row.upload).objects.filter(pk=row.upload_id).update(media_type="application/x-wfdb+zip")
        (claim,) = lifecycle.claim([(row.pk, 1)], worker="w")
    answer = diagnosing.analysed(claim, deadline=time.monotonic() + PATIENCE_S)
    kept = media / "signals" / str(row.pk) / "1"
    assert list(kept.iterdir())
    with acting_as(SYSTEM):
        Diagnosis.objects.filter(pk=row.pk).update(attempt=2)
    diagnosing.record({claim: answer})
    assert list(kept.iterdir()) == []
    with acting_as(SYSTEM):
        assert not Recording.objects.exists()
