"""What a viewer is given of a recording, and what a doctor says about it."""

from __future__ import annotations

import base64
import json

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics import signals
from diagnostics.models import BeatOverride, Diagnosis, ModelVersion, Recording
from diagnostics.reasons import Reason, sentence
from diagnostics.risk_recording import assess_recording
from diagnostics.services import recordings, reviews
from diagnostics.states import IllegalMove, Status
from ml.contract import Outcome
from tests import factories
from tests.diagnostics.results import result

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(doctor):
    return factories.recording(factories.patient(team=(doctor,)), doctor)


@pytest.fixture
def viewer(client, doctor, row):
    """Asks for a part of the recording as its doctor."""
    client.force_login(doctor)

    def ask(name, **query):
        response = client.get(reverse(f"diagnostics:{name}", args=[row.pk]), query)
        return response.status_code, response.json()

    return ask


def test_findings_name_leads_classes_and_episodes(viewer):
    code, found = viewer("recording")
    assert (code, found["leads"], found["fs"], found["samples"]) == (200, ["MLII", "V1"], 250.0, 30_000)
    assert found["letters"]["PVC"] == "V"
    assert found["counts"]["PVC"] == len(factories.PVCS)
    assert "Run of PVCs" in {episode["name"] for episode in found["episodes"]}


def test_beats_come_in_the_order_of_time_with_class_and_confidence(viewer):
    _, found = viewer("beats")
    classes = viewer("recording")[1]["classes"]
    assert found["samples"] == sorted(found["samples"])
    assert [i for i, c in enumerate(found["classes"]) if classes[c] == "PVC"] == list(factories.PVCS)
    assert set(found["confidence"]) == {90}
    looked = [i for i, row in enumerate(found["heat"]["values"]) if row is not None]
    assert looked == list(factories.PVCS)
    assert list(base64.b64decode(found["heat"]["values"][looked[0]])) == list(range(0, 256, 32))


def test_a_short_window_gives_samples_and_a_long_one_the_extremes(viewer):
    _, near = viewer("signal", **{"from": 10, "seconds": 4, "columns": 800})
    assert (near["kind"], near["step_s"]) == ("samples", 1 / 250)
    assert len(near["leads"]["MLII"]) == pytest.approx(4 * 250, abs=2)
    _, far = viewer("signal", **{"from": 0, "seconds": 120, "columns": 200})
    assert far["kind"] == "envelope"
    low, high = far["leads"]["MLII"][::2], far["leads"]["MLII"][1::2]
    assert all(a <= b for a, b in zip(low, high, strict=True))
    assert max(high) == max(
        viewer("signal", **{"from": 0, "seconds": 120, "columns": 4000})[1]["leads"]["MLII"]
    )


def test_reading_the_signal_is_in_the_trail_once_however_many_pieces_are_shown(viewer, row):
    for begins in range(5):
        assert viewer("signal", **{"from": begins, "seconds": 1, "columns": 100})[0] == 200
    with acting_as(SYSTEM):
        events = AuditEvent.objects.filter(object_id=str(row.pk), action="read", detail__signal=True)
        assert events.count() == 1


@pytest.mark.parametrize("begins", [0, 60, 119.9, 500])
def test_a_window_ends_with_the_recording(viewer, begins):
    _, found = viewer("signal", **{"from": begins, "seconds": 10, "columns": 2000, "leads": "V1,none"})
    assert list(found["leads"]) == ["V1"]
    ends = found["from_s"] + len(found["leads"]["V1"]) * found["step_s"]
    assert 0 < ends <= 120.001


@pytest.mark.parametrize(
    "query",
    [{}, {"from": "x", "seconds": 1, "columns": 1}, {"from": -1, "seconds": 1, "columns": 1}, {"from": 0, "seconds": 1, "columns": 0}],
)  # fmt: skip
def test_a_window_that_cannot_be_is_refused(viewer, query):
    code, answer = viewer("signal", **query)
    assert (code, answer["reason_code"]) == (400, "bad_window")


def test_a_signal_that_the_storage_lost_is_said_so(viewer, row, media):
    for tile in (media / "signals" / str(row.pk)).rglob("*-*"):
        tile.unlink()
    signals._tile.cache_clear()
    code, answer = viewer("signal", **{"from": 0, "seconds": 1, "columns": 100})
    assert (code, answer["message"]) == (503, sentence(Reason.SIGNAL_MISSING))


def test_an_override_stands_beside_the_answer_and_the_latest_counts(client, doctor, row, viewer):
    url = reverse("diagnostics:override", args=[row.pk])
    client.force_login(doctor)
    for label in ("PAC", "Normal"):
        answer = client.post(url, {"beat": "20", "label": label})
        assert (answer.status_code, answer.json()) == (200, {"beat": 20, "label": label, "by": str(doctor)})
    _, found = viewer("beats")
    assert found["overrides"] == {"20": "Normal"}
    assert viewer("recording")[1]["classes"][found["classes"][20]] == "PVC"
    with acting_as(SYSTEM):
        assert BeatOverride.objects.count() == 2
        reviewed = AuditEvent.objects.filter(action="review", actor_id=doctor.pk)
        assert [event.detail["beat"] for event in reviewed] == [20, 20]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"beat": "100000", "label": "PVC"}, "none with the number"),
        ({"beat": "-1", "label": "PVC"}, "none with the number"),
        ({"beat": "²", "label": "PVC"}, "none with the number"),
        ({"label": "PVC"}, "none with the number"),
        ({"beat": "1", "label": "healthy"}, "Choose one of Normal"),
    ],
)
def test_an_override_of_nothing_is_refused_with_a_sentence(client, doctor, row, sent, said):
    client.force_login(doctor)
    answer = client.post(reverse("diagnostics:override", args=[row.pk]), sent)
    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert answer.json()["reason_code"] in {"no_such_beat", "no_such_class"}


@pytest.mark.parametrize(
    ("rate", "unit", "said"),
    [
        (None, "", "Enter the sampling rate"),
        (10.0, "", "between 50 and"),
        (250.0, "kV", "one of uV"),
    ],
)
def test_an_answer_that_no_recorder_gives_is_refused(doctor, rate, unit, said):
    asked = factories.diagnosis(
        factories.patient(team=(doctor,)), doctor, status=Status.REFUSED, reason_code="rate_unknown"
    )
    with pytest.raises(recordings.AnswerRefused, match=said), acting_as(doctor):
        recordings.tell(doctor, diagnosis_id=asked.pk, sampling_rate_hz=rate, unit=unit)
    with acting_as(SYSTEM):
        assert Diagnosis.objects.get(pk=asked.pk).status == Status.REFUSED


def test_only_what_was_asked_can_be_told(doctor, row):
    with pytest.raises(IllegalMove), acting_as(doctor):
        recordings.tell(doctor, diagnosis_id=row.pk, sampling_rate_hz=250.0, unit="")


def test_risk_rises_with_what_is_found_and_never_falls(row):
    with acting_as(SYSTEM):
        summary = Recording.objects.get(pk=row.pk).summary
    level, reasons = assess_recording(summary)
    assert (
        level,
        reasons[0].startswith("1 run(s) of premature ventricular beats, the longest of 3 beats"),
    ) == ("high", True)
    calm = json.loads(json.dumps(summary))
    calm["measures"] |= {"episodes": [], "qtc": None}
    calm["measures"]["burden"] |= {"counts": {"Normal": 100}, "beats": 100, "ventricular_percent": 0.0}
    assert assess_recording(calm) == ("low", ["Nothing above low risk was found in what could be analysed."])
    calm["unanalysable"] = [
        {"start_s": 0, "end_s": 9, "causes": ["no repeating heartbeat: noise, or ventricular fibrillation"]}
    ]
    assert assess_recording(calm)[0] == "high"
    calm["measures"]["episodes"] = [
        {"kind": "pause", "start_s": 1.0, "end_s": 3.5, "beats": 0, "rate_bpm": None}
    ]
    assert len(assess_recording(calm)[1]) == 2


@pytest.fixture
def calm(row):
    """The summary of a recording in which nothing was found."""
    with acting_as(SYSTEM):
        summary = json.loads(json.dumps(Recording.objects.get(pk=row.pk).summary))
    summary["measures"] |= {"episodes": [], "qtc": None}
    summary["measures"]["burden"] |= {"counts": {"Normal": 100}, "beats": 100, "ventricular_percent": 0.0}
    return summary


def second(label, **fields):
    shares = {"NORM": 0.2, "MI": 0.71, "STTC": 0.4, "CD": 0.1, "HYP": 0.1}
    return result(label, model="ecg-signals", probabilities=shares, **fields)


def test_a_suspected_infarction_is_moderate_and_never_high(calm):
    level, reasons = assess_recording(calm, [second("MI", suspected=("MI", "STTC"))])
    assert level == "moderate"
    assert reasons == [
        "ecg-signals suspects signs of myocardial infarction, which may be old or recent (MI, 71 %).",
        "ecg-signals suspects changes of ST segment or T wave, which have many causes, ischaemia among them (STTC, 40 %).",
    ]


def test_an_infarction_counts_although_another_finding_is_more_probable(calm):
    assert assess_recording(calm, [second("STTC", suspected=("STTC", "MI"))])[0] == "moderate"
    assert assess_recording(calm, [second("NORM", suspected=("MI",))])[0] == "moderate"


def test_a_second_opinion_that_is_normal_changes_nothing(calm):
    assert assess_recording(calm, [second("NORM")]) == assess_recording(calm)
    assert assess_recording(calm, [second(None, outcome=Outcome.NOT_ELIGIBLE)]) == assess_recording(calm)


def test_a_second_opinion_that_abstains_asks_for_a_person(calm):
    level, reasons = assess_recording(calm, [second(None, outcome=Outcome.ABSTAINED)])
    assert (level, len(reasons)) == ("moderate", 1)


def test_the_beat_models_own_row_is_counted_by_the_beats_and_not_again(calm):
    assert assess_recording(calm, [result("PVC", model="beat-resnet")]) == assess_recording(calm)


@pytest.mark.parametrize("suspected", [(), ("MI",), ("CD", "HYP")])
def test_a_second_opinion_never_lowers_the_level(row, suspected):
    with acting_as(SYSTEM):
        summary = Recording.objects.get(pk=row.pk).summary
    level, reasons = assess_recording(summary)
    worse, more = assess_recording(summary, [second("NORM", suspected=suspected)])
    assert (level, worse) == ("high", "high")
    assert set(reasons) <= set(more)


def test_the_doctor_confirms_the_beats_and_not_the_second_opinion(client, doctor, row):
    with acting_as(SYSTEM):
        version = ModelVersion.objects.create(
            name="ecg-signals", version="1.0.0", weights_sha256="e" * 64, contract={}
        )
        factories.prediction(
            row,
            heatmap=False,
            model_version=version,
            label="MI",
            confidence=0.99,
            probabilities={"MI": 0.99, "NORM": 0.3},
        )
        primary = row.predictions.exclude(model_version=version).get()
    client.force_login(doctor)
    page = client.get(reverse("diagnostics:detail", args=[row.pk])).content.decode()
    assert f"Confirm {primary.label}" in page
    assert "Confirm MI" not in page
    assert "MI: signs of myocardial infarction" in page
    assert "several may hold at once" in page
    assert page.index('id="h-answer-1">PVC') < page.index('id="h-answer-2">MI')
    with acting_as(doctor):
        kept = reviews.review(doctor, diagnosis_id=row.pk, decision="confirm")
    assert kept.label == primary.label
