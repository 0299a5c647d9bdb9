"""Models of pictures asked about recordings."""

import json

import pytest
from PIL import Image

from ml import registry
from ml.__main__ import main
from ml.datasets.simulated import as_png
from ml.datasets.simulated_recording import Heart, simulate_recording
from ml.preprocessing.beat_image import render_beat
from ml.serving.analysis import analyse
from ml.serving.beat_pictures import PictureClassifier
from tests.ml.recordings import writers


@pytest.fixture(scope="module")
def made():
    return simulate_recording(Heart(events={20: "PVC"}), seconds=40.0, leads=("V1", "II"), seed=2)


def test_a_beat_of_a_recording_gets_the_answer_of_its_picture(made):
    asked = PictureClassifier("beat-cnn", 1)
    names, confidences = asked(made.signals, made.fs, made.r_samples)
    answers = asked.answers()
    assert len(names) == len(confidences) == len(made.r_samples)
    assert answers.heat is None
    for position in (5, 20):
        picture = render_beat(made.signals[1], made.fs, made.r_samples[position])
        (alone,) = analyse(as_png(Image.fromarray(picture)))
        shares = dict(zip(answers.labels, answers.probabilities[position], strict=True))
        assert shares == pytest.approx(alone.probabilities, abs=0.05)
        assert names[position] == (alone.label or "unsure")


def test_what_the_gate_refuses_is_not_named(made):
    signals = made.signals.copy()
    at = int(made.r_samples[10])
    signals[1, at - int(2 * made.fs) : at + int(2 * made.fs)] = 0.0
    names, _ = PictureClassifier("beat-cnn", 1)(signals, made.fs, made.r_samples)
    assert names[10] == "unsure"


def test_it_must_be_asked_first():
    with pytest.raises(RuntimeError, match="not been asked"):
        PictureClassifier("beat-cnn", 0).answers()


@pytest.mark.parametrize("ending", ["rec.zip", "rec", "rec.hea"])
def test_command_line_takes_a_recording_for_a_model_of_pictures(made, tmp_path, capsys, ending):
    files = writers.wfdb_files(made, tmp_path)
    (tmp_path / "rec.zip").write_bytes(writers.zipped(files))
    assert main(["predict", "beat-cnn", str(tmp_path / ending), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    contract = registry.load("beat-cnn")
    assert (said["model"], said["classes"]) == ("beat-cnn", list(contract.labels))
    count = len(said["beat_samples"])
    assert abs(count - len(made.r_samples)) <= 2
    assert len(said["beat_classes"]) == len(said["beat_confidences"]) == count
    assert set(said["beat_classes"]) <= set(range(-1, len(contract.labels)))
    assert sum(said["probabilities"].values()) == pytest.approx(1.0)


def test_an_unusable_recording_is_refused_in_the_name_of_the_model_asked(tmp_path, capsys):
    path = tmp_path / "unit.csv"
    path.write_bytes(writers.table(simulate_recording(seconds=20.0, leads=("II",)), before=""))
    assert main(["predict", "beat-cnn", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["model"], said["outcome"], said["label"]) == ("beat-cnn", "poor_input", None)


def test_a_missing_record_is_named(tmp_path, capsys):
    assert main(["predict", "beat-cnn", str(tmp_path / "none"), "--json"]) == 1
    assert "No such file" in capsys.readouterr().err
