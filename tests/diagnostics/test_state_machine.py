"""Any order of deliveries, failures, sweeps and people's decisions keeps a diagnosis to its states, through the real services."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest
from django.conf import settings as site
from django.db import transaction
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics import opinions
from diagnostics.models import Diagnosis, Prediction, Report, Review
from diagnostics.reasons import Reason
from diagnostics.services import lifecycle, reviews, second_opinions
from diagnostics.services.claims import StoredFileMissing, stored_bytes
from diagnostics.services.queue import publish
from diagnostics.states import MOVES, SETTLED, IllegalMove, Status, check_move
from ml.contract import Analysis, Outcome
from tests import factories
from tests.diagnostics.results import any_result, contracts, result

pytestmark = pytest.mark.django_db
ANSWERED = {Outcome.PREDICTED, Outcome.ABSTAINED}
SEEN_BY_A_DOCTOR = {Status.COMPLETED, Status.REVIEWED, Status.SIGNED, Status.AMENDED}


class LifeOfADiagnosis(RuleBasedStateMachine):
    """A small model beside the database; after each step the two agree."""

    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.doctor = factories.user()
        self.pk = factories.diagnosis(factories.patient(team=(self.doctor,)), self.doctor).pk
        self.status, self.attempt, self.claims, self.results = Status.QUEUED, 1, [], []
        self.reviews = self.reports = 0
        self.unsigned = self.asked = False

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def holds(self, claim):
        return claim is not None and self.status == Status.RUNNING and claim.attempt == self.attempt

    def attempt_failed(self):
        if self.attempt < site.DIAGNOSIS_MAX_ATTEMPTS:
            self.status, self.attempt = Status.QUEUED, self.attempt + 1
        else:
            self.status = Status.FAILED

    @initialize()
    def start(self):
        self.deliver(0)

    @rule(behind=st.integers(-1, 3))
    def deliver(self, behind):
        attempt = self.attempt - behind
        with acting_as(SYSTEM):
            claims = lifecycle.claim([(self.pk, attempt)], worker="w")
        assert len(claims) == (self.status == Status.QUEUED and behind == 0)
        if claims:
            self.status = Status.RUNNING
            self.claims += claims

    @rule(data=st.data(), results=st.lists(any_result(), max_size=2, unique_by=lambda one: one.model))
    def finish(self, data, results):
        claim = data.draw(st.sampled_from(self.claims or [None]))
        if claim is None:
            return
        with acting_as(SYSTEM):
            recorded = lifecycle.record_results(
                {claim: Analysis(results=tuple(results))}, contracts=contracts(*results)
            )
        assert len(recorded) == self.holds(claim)
        if recorded:
            self.results = results
            answered = any(one.outcome in ANSWERED for one in opinions.deciding(results))
            self.status = Status.COMPLETED if answered else Status.REFUSED

    @rule(
        data=st.data(),
        reason=st.sampled_from([Reason.ANALYSIS_FAILED, Reason.TIME_LIMIT, Reason.FILE_MISSING]),
    )
    def fail(self, data, reason):
        claim = data.draw(st.sampled_from(self.claims or [None]))
        if claim is None:
            return
        with acting_as(SYSTEM):
            lifecycle.record_failure(claim, reason=reason, technical_detail="boom")
        if self.holds(claim):
            self.attempt_failed()

    @rule(expired=st.booleans())
    def sweep(self, expired):
        with acting_as(SYSTEM):
            if expired:
                Diagnosis.objects.filter(status="running").update(
                    lease_until=timezone.now() - dt.timedelta(seconds=1)
                )
            taken_back = lifecycle.sweep()["taken_back"]
        assert taken_back == int(expired and self.status == Status.RUNNING)
        if taken_back:
            self.attempt_failed()

    @rule()
    def retry(self):
        try:
            with acting_as(self.doctor):
                lifecycle.retry(self.doctor, diagnosis_id=self.pk)
        except IllegalMove:
            assert self.status != Status.FAILED
        else:
            assert self.status == Status.FAILED
            self.status, self.attempt = Status.QUEUED, self.attempt + 1
            self.asked = False

    @rule()
    def ask_every_model(self):
        try:
            with acting_as(self.doctor):
                second_opinions.ask_every_model(self.doctor, diagnosis_id=self.pk)
        except IllegalMove:
            assert self.status != Status.COMPLETED
        except second_opinions.AlreadyAsked:
            assert self.asked
        else:
            assert (self.status, self.asked) == (Status.COMPLETED, False)
            self.status, self.attempt, self.asked = Status.QUEUED, self.attempt + 1, True
            self.results = []

    @rule(decision=st.sampled_from(["confirm", "override", "neither"]))
    def review(self, decision):
        fields = {"label": "PVC", "override_reason": "artefact"} if decision == "override" else {}
        labelled = any(one.label for one in opinions.deciding(self.results))
        try:
            with acting_as(self.doctor):
                reviews.review(self.doctor, diagnosis_id=self.pk, decision=decision, **fields)
        except IllegalMove:
            assert self.status not in SEEN_BY_A_DOCTOR
        except reviews.ReviewRefused:
            assert decision == "neither" or (decision == "confirm" and not labelled)
        else:
            assert self.status in SEEN_BY_A_DOCTOR
            assert decision == "override" or labelled
            self.reviews, self.unsigned = self.reviews + 1, True
            if self.status == Status.COMPLETED:
                self.status = Status.REVIEWED

    @rule()
    def sign(self):
        try:
            with acting_as(self.doctor):
                report = reviews.sign(self.doctor, diagnosis_id=self.pk)
        except IllegalMove:
            assert self.status not in SEEN_BY_A_DOCTOR - {Status.COMPLETED}
        except reviews.ReviewRefused:
            assert self.status in {Status.SIGNED, Status.AMENDED}
            assert not self.unsigned
        else:
            assert self.unsigned
            self.status = Status.SIGNED if self.status == Status.REVIEWED else Status.AMENDED
            self.reports, self.unsigned = self.reports + 1, False
            assert (report.version, "replaces an earlier one" in report.body) == (
                self.reports,
                self.reports > 1,
            )

    @invariant()
    def database_and_model_agree(self):
        with acting_as(SYSTEM):
            row = Diagnosis.objects.get(pk=self.pk)
            rows = list(
                Prediction.objects.filter(diagnosis=row, attempt=row.attempt).values_list(
                    "model_version__name", flat=True
                )
            )
            counts = (Review.objects.count(), Report.objects.count())
        assert (row.status, row.attempt, row.second_opinions, sorted(rows)) == (
            self.status,
            self.attempt,
            self.asked,
            sorted(one.model for one in self.results),
        )
        assert counts == (self.reviews, self.reports)
        assert (row.lease_until is not None) == (self.status == Status.RUNNING)
        assert (row.finished_at is not None) == (Status(row.status) in SETTLED)
        if self.status in {Status.REFUSED, Status.FAILED}:
            assert row.reason_code
            assert row.message.endswith(".")


def test_any_sequence_of_events_keeps_to_the_states(db):
    run_state_machine_as_test(
        LifeOfADiagnosis, settings=settings(max_examples=50, stateful_step_count=20, deadline=None)
    )


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_a_move_is_made_or_raises_as_the_table_says(before, after):
    allowed = {
        ("queued", "running"), ("queued", "failed"), ("running", "completed"), ("running", "refused"), ("running", "failed"),
        ("failed", "queued"), ("refused", "queued"), ("completed", "queued"),
        ("completed", "reviewed"), ("reviewed", "reviewed"), ("reviewed", "signed"), ("signed", "amended"),
        ("amended", "amended"),
    }  # fmt: skip
    if (before.value, after.value) in allowed:
        check_move(before.value, after)
    else:
        with pytest.raises(
            IllegalMove,
            match=rf"^A diagnosis that is {before.label.lower()} cannot become {after.label.lower()}\.$",
        ):
            check_move(before.value, after)
    assert set(MOVES) == set(Status)


def test_a_result_is_stored_with_everything_needed_to_compute_it_again(doctor):
    diagnosis = factories.diagnosis(factories.patient(team=(doctor,)), doctor)
    one, other = (
        result("PVC"),
        result(model="rhythm-cnn", outcome=Outcome.ABSTAINED, prediction_set=("PVC", "VF")),
    )
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(diagnosis.pk, 1)], worker="w")
        (row,) = lifecycle.record_results(
            {claim: Analysis(results=(one, other))},
            contracts={one.model: {"name": "beat"}, other.model: {"name": "rhythm"}},
        )
        stored = {prediction.model_version.name: prediction for prediction in row.predictions.all()}
        for given in (one, other):
            kept = stored[given.model]
            fields = (
                "outcome",
                "confidence",
                "probabilities",
                "threshold",
                "duration_ms",
                "input_sha256",
                "code_version",
                "device",
                "message",
            )
            assert {name: getattr(kept, name) for name in fields} == {
                name: getattr(given, name) for name in fields
            }
            assert (kept.label or None, tuple(kept.prediction_set), kept.reason_code or None) == (
                given.label, given.prediction_set, given.reason_code,
            )  # fmt: skip
            assert (kept.model_version.version, kept.model_version.weights_sha256) == (
                given.version,
                given.weights_sha256,
            )
        assert bytes(stored["beat-cnn"].heatmap.png) == one.heatmap_png
        assert not hasattr(stored["rhythm-cnn"], "heatmap")
    # beat-cnn decides: that the other cannot exclude VF is shown, and changes nothing.
    assert (row.status, row.risk_level, row.message) == ("completed", "moderate", one.message)


def test_a_file_that_no_model_takes_is_refused_with_a_reason(doctor):
    diagnosis = factories.diagnosis(factories.patient(team=(doctor,)), doctor)
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(diagnosis.pk, 1)], worker="w")
        (row,) = lifecycle.record_results({claim: Analysis(results=())}, contracts={})
    assert (row.status, row.reason_code, row.risk_level) == ("refused", "no_model", "")
    assert row.message.startswith("No model is installed for this kind of file.")


def test_a_result_that_cannot_be_stored_whole_is_not_stored_at_all(doctor):
    diagnosis = factories.diagnosis(factories.patient(team=(doctor,)), doctor)
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(diagnosis.pk, 1)], worker="w")
    answers = {claim: Analysis(results=(result(), result(model="unheard-of")))}
    with pytest.raises(KeyError), acting_as(SYSTEM):
        lifecycle.record_results(answers, contracts=contracts(result()))
    with acting_as(SYSTEM):
        assert (Prediction.objects.count(), Diagnosis.objects.get().status) == (0, "running")


def test_a_missing_stored_file_is_told_apart(doctor, media):
    diagnosis = factories.diagnosis(factories.patient(team=(doctor,)), doctor)
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(diagnosis.pk, 1)], worker="w")
    assert len(stored_bytes(claim)) == diagnosis.upload.size
    for path in [path for path in media.rglob("*") if path.is_file()]:
        path.unlink()
    with pytest.raises(StoredFileMissing):
        stored_bytes(claim)


def test_a_waiting_diagnosis_whose_message_is_lost_is_published_again_once(doctor):
    from django.conf import settings as current
    from redis import Redis

    diagnosis = factories.diagnosis(factories.patient(team=(doctor,)), doctor)
    with Redis.from_url(current.CELERY_BROKER_URL) as broker:
        broker.flushdb()
        with acting_as(SYSTEM):
            Diagnosis.objects.update(queued_at=timezone.now() - dt.timedelta(minutes=1))
            assert lifecycle.sweep() == {"taken_back": 0, "published_again": 1}
            assert lifecycle.sweep() == {"taken_back": 0, "published_again": 0}
        (message,) = broker.lrange(current.DIAGNOSIS_QUEUE, 0, -1)
        broker.flushdb()
    _, arguments, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    assert arguments == {"attempts": [[str(diagnosis.pk), 1]]}


def test_a_long_queue_is_not_published_twice_but_what_was_overtaken_is(doctor):
    from django.conf import settings as current
    from redis import Redis

    patient = factories.patient(team=(doctor,))
    lost, waiting, running = (factories.diagnosis(patient, doctor) for _ in range(3))
    with Redis.from_url(current.CELERY_BROKER_URL) as broker, acting_as(SYSTEM):
        broker.flushdb()
        assert publish([(waiting.pk, 1)])
        for row, minutes in ((lost, 3), (running, 2), (waiting, 1)):
            queued_at = timezone.now() - dt.timedelta(minutes=minutes)
            Diagnosis.objects.filter(pk=row.pk).update(queued_at=queued_at)
        assert lifecycle.sweep()["published_again"] == 0  # the workers may just be slow
        assert lifecycle.claim([(running.pk, 1)], worker="w")
        assert lifecycle.sweep()["published_again"] == 1
        again = Diagnosis.objects.get(pk=lost.pk).queued_at
        assert again > timezone.now() - dt.timedelta(minutes=1)
        broker.flushdb()
