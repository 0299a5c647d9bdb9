"""The second opinion of a recording: which leads and which stretch are read, and what is said."""

import dataclasses

import numpy as np
import pytest

from ml.contract import Outcome
from ml.datasets.simulated_recording import simulate_recording
from ml.recordings.leads import TWELVE
from ml.recordings.quality import assess
from ml.recordings.recording import Recording
from ml.serving.recordings import analyse_file
from ml.serving.twelve_lead import MODEL, best_stretch, classify_leads, rows_of_twelve, second_opinion
from tests.ml.recordings import writers

ROWS = list(range(12))


@pytest.fixture(scope="module")
def made():
    return simulate_recording(seconds=20.0, fs=250.0, leads=TWELVE, seed=3)


def recording(made, signals=None, leads=None):
    signals = made.signals if signals is None else signals
    return Recording(
        leads=leads or made.leads,
        signals=signals,
        fs=made.fs,
        started_at=None,
        source_format="wfdb",
        units=("mV",) * len(signals),
    )


def opinion(one):
    return second_opinion(one, assess(one), "0" * 64, "test")


def analysed(path):
    return analyse_file(path, fs=None, unit=None, progress=lambda *_: None, store=None)


def test_the_answer_is_that_of_the_first_ten_seconds(made):
    result, looked = opinion(recording(made))
    alone = classify_leads(made.signals[:, :2500], made.fs)
    assert list(result.probabilities.values()) == pytest.approx(alone.probabilities.tolist(), abs=1e-6)
    assert (looked["start_s"], looked["seconds"], looked["at_once"]) == (0.0, 10.0, True)
    assert "Seconds 0.0 to 10.0 of 20 were read." in result.message
    assert max(looked["heat"]) in {0, 255}


def test_order_and_spelling_of_the_leads_do_not_matter(made, tmp_path):
    order = np.random.default_rng(0).permutation(12)
    mixed = dataclasses.replace(
        made, leads=tuple(TWELVE[i] for i in order), signals=np.ascontiguousarray(made.signals[order])
    )
    spelt = [f"Lead {name.upper()}" for name in mixed.leads]
    given = {"plain.csv": writers.table(made), "mixed.csv": writers.table(mixed, heading=",".join(spelt))}
    found = []
    for name, content in given.items():
        (tmp_path / name).write_bytes(content)
        found.append(next(one for one in analysed(tmp_path / name).results if one.model == MODEL))
    assert found[0].probabilities == pytest.approx(found[1].probabilities, abs=1e-6)
    assert found[0].message == found[1].message


def test_a_recording_without_all_twelve_leads_gets_no_row(made, tmp_path):
    eleven = dataclasses.replace(made, leads=TWELVE[:11], signals=made.signals[:11])
    path = tmp_path / "eleven.csv"
    path.write_bytes(writers.table(eleven))
    answer = analysed(path)
    assert [one.model for one in answer.results] == ["beat-resnet"]
    assert answer.findings.summary["twelve_leads"] is None
    assert rows_of_twelve(TWELVE[:11]) is None


def test_the_beats_answer_comes_first(made, tmp_path):
    path = tmp_path / "twelve.csv"
    path.write_bytes(writers.table(made))
    answer = analysed(path)
    assert [one.model for one in answer.results] == ["beat-resnet", MODEL]
    assert answer.findings.summary["twelve_leads"]["at_once"]


def test_a_disturbed_beginning_is_passed_over(made):
    signals = made.signals.copy()
    signals[6, : 3 * 250] = 0.0
    one = recording(made, signals)
    assert best_stretch(assess(one), ROWS, one.samples) == (750, 3250)
    assert opinion(one)[1]["start_s"] == 3.0


def test_two_and_a_half_seconds_are_enough(made):
    result, looked = opinion(recording(made, made.signals[:, :625]))
    assert looked["seconds"] == 2.5
    assert result.outcome in {Outcome.PREDICTED, Outcome.ABSTAINED}


def test_leads_of_different_moments_are_read_and_said(made):
    at = np.arange(2500) / 250.0
    column = np.arange(12) // 3
    written = (at >= 2.5 * column[:, None]) & (at < 2.5 * (column[:, None] + 1))
    page = np.where(written, made.signals[:, :2500], np.nan).astype(np.float32)
    result, looked = opinion(recording(made, page))
    assert not looked["at_once"]
    assert "at different moments, 2.5 s of each" in result.message


def test_a_lead_that_is_off_makes_it_not_eligible(made):
    signals = made.signals.copy()
    signals[9] = 0.0
    result, looked = opinion(recording(made, signals))
    assert (result.outcome, result.reason_code, looked) == (
        Outcome.NOT_ELIGIBLE,
        "leads_not_analysable",
        None,
    )
    assert result.label is None
    assert result.message.endswith("record again.")


def test_an_answer_agrees_with_itself(made):
    result, _ = opinion(recording(made))
    top = max(result.probabilities, key=result.probabilities.get)
    assert result.prediction_set[0] == top
    assert "NORM" not in result.suspected
    if result.outcome is Outcome.PREDICTED:
        assert (result.label, result.confidence) == (top, result.probabilities[top])
        assert result.confidence >= result.threshold
        assert result.message.startswith(("Like a normal ECG (", "Compatible with "))
    else:
        assert (result.label, result.confidence) == (None, None)
        assert result.probabilities[top] < result.threshold
