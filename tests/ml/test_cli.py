import json
import subprocess
import sys

import pytest

from ml.__main__ import main
from ml.datasets.simulated import bad_input, beat_png
from tests.ml.test_registry import INSTALLED


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "pvc.png").write_bytes(beat_png("PVC", seed=1))
    (tmp_path / "photo.png").write_bytes(bad_input("photo", seed=1))
    return tmp_path


def test_list(capsys, contract):
    assert main(["list"]) == 0
    assert capsys.readouterr().out.startswith(f"beat-cnn  {contract.version}  Normal, LBBB")
    assert main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == INSTALLED
    assert rows[0]["sha256"] == contract.weights_sha256


def test_predict_prints_a_table(pictures, capsys):
    assert main(["predict", "beat-cnn", str(pictures / "pvc.png"), str(pictures / "photo.png")]) == 0
    first, second = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert (first[1], first[2].split()[0]) == ("predicted", "PVC")
    assert second[1:3] == ["not_eligible", "not_an_ecg"]


def test_predict_names_a_missing_file_and_goes_on(pictures, capsys):
    assert main(["predict", "beat-cnn", str(pictures / "none.png"), str(pictures / "pvc.png"), "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.err == f"{pictures / 'none.png'}: No such file or directory\n"
    assert [json.loads(line)["label"] for line in captured.out.splitlines()] == ["PVC"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "no-such-model", "a.png"], "no model is called 'no-such-model'"),
        (["train", "no-such-model", "--data", "."], "no model called 'no-such-model' can be trained here"),
        (["evaluate", "beat-cnn", "--data", "/nowhere"], "no annotated WFDB recordings"),
        (["train", "beat-cnn", "--data", "/nowhere"], "no annotated WFDB recordings"),
        (["train", "beat-resnet", "--data", "/nowhere"], "no annotated WFDB recordings"),
        (["evaluate", "beat-resnet", "--data", "/nowhere"], "no annotated WFDB recordings"),
        (["train", "rhythm-vf", "--data", "/nowhere"], "no annotated WFDB recordings"),
        (["evaluate", "rhythm-vf", "--data", "/nowhere"], "no annotated WFDB recordings"),
        (["train", "beat-hybrid", "--data", "/nowhere"], "no annotated WFDB recordings"),
        (["search", "beat-hybrid", "--data", "/nowhere"], "download PTB-XL"),
        (["search", "beat-cnn", "--data", "/nowhere"], "beat-cnn has no settings to try"),
        (["evaluate", "comparison", "--data", "/nowhere"], "noise recording em is not in"),
        (["train", "clinical-rf", "--data", "/nowhere"], "no heart_failure_clinical_records_dataset.csv"),
        (["evaluate", "clinical", "--data", "/nowhere"], "no heart_failure_clinical_records_dataset.csv"),
    ],
)
def test_errors_are_for_people(words, said, capsys, keras):
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert said in captured.err
    assert captured.out == ""


def test_epochs_must_be_positive(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "beat-cnn", "--data", ".", "--epochs", "0"])
    assert stopped.value.code == 2
    assert "must be at least 1" in capsys.readouterr().err


def test_runs_as_a_module_without_django():
    done = subprocess.run([sys.executable, "-m", "ml", "list"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[0]) == (0, "beat-cnn")


def test_a_recording_gives_its_beats_as_the_worker_does(tmp_path, capsys):
    from ml.datasets.simulated_recording import Heart, simulate_recording
    from ml.serving.recordings import analyse_file
    from tests.ml.recordings import writers

    made = simulate_recording(Heart(events={20: "PVC"}), seconds=60.0, leads=("II", "V1"), seed=2)
    files = writers.wfdb_files(made, tmp_path)
    assert set(files) == {"rec.hea", "rec.dat"}
    path = tmp_path / "rec.zip"
    path.write_bytes(writers.zipped(files))
    worker = analyse_file(path, fs=None, unit=None, progress=lambda *_: None, store=None)
    for given in (path, tmp_path / "rec"):
        assert main(["predict", "beat-resnet", str(given), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["probabilities"] == pytest.approx(worker.results[0].probabilities, abs=1e-4)
        assert bytes(said["beat_confidences"]) == worker.findings.beat_confidences
