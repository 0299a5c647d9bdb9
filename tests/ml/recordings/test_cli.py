"""The commands for recordings, as a user runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import wfdb

from ml.__main__ import main
from ml.evaluation import qrs
from tests.ml.recordings import writers

if TYPE_CHECKING:
    from pathlib import Path

    from ml.datasets.simulated_recording import SimulatedRecording


@pytest.fixture
def stored(minute: SimulatedRecording, tmp_path: Path) -> Path:
    path = tmp_path / "holter"
    path.write_bytes(writers.table(minute, before=""))
    return path


def test_measure_in_words(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(stored), "--fs", "250", "--unit", "mV"]) == 0
    said = capsys.readouterr().out
    assert "70 /min" in said
    assert "Fridericia" in said
    assert "Normal" in said


def test_measure_as_json(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(stored), "--fs", "250", "--unit", "mV", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["measures"]["heart_rate"]["mean_bpm"] == pytest.approx(70, rel=0.01)


def test_a_refusal_is_a_sentence_and_a_code(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(stored), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["reason_code"] == "unit_unknown"
    assert "Enter the unit" in said.err


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(tmp_path / "none")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_the_detector_is_measured(
    minute: SimulatedRecording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mitdb"
    folder.mkdir()
    writers.wfdb_files(minute, folder)
    extra = int(minute.r_samples[30]) + 100  # an annotated beat that is not there
    marks = np.sort(np.append(minute.r_samples, extra))
    wfdb.wrann("rec", "atr", marks, symbol=["N"] * len(marks), write_dir=str(folder))
    target = tmp_path / "figures.json"
    assert main(["qrs", "--data", str(tmp_path), "--target", str(target)]) == 0
    figures = json.loads(target.read_text())
    beats = len(minute.r_samples)
    assert figures["tolerance_ms"]["50"] == {
        "sensitivity": round(beats / (beats + 1), 5),
        "sensitivity_in_analysable": round(beats / (beats + 1), 5),
        "positive_predictive_value": 1.0,
    }
    assert "within 50 ms" in capsys.readouterr().out


def test_beats_are_matched_one_to_one() -> None:
    truth, found = np.array([100, 200, 300]), np.array([90, 105, 320, 500])
    assert qrs.matched(truth, found, 10) == 1
    assert qrs.matched(truth, found, 20) == 2


def test_the_stored_figures_meet_the_claim() -> None:
    figures = json.loads(qrs.RESULTS.read_text())
    assert figures["beats"] > 100_000
    assert figures["tolerance_ms"]["150"]["sensitivity_in_analysable"] > 0.99
    assert figures["tolerance_ms"]["150"]["positive_predictive_value"] > 0.99
