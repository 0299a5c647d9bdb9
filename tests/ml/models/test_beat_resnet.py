import json

import numpy as np
import pytest

from ml import registry
from ml.__main__ import main
from ml.evaluation.ec57 import DS1, DS2
from ml.models.beat_resnet.classes import LABELS, classes_of
from ml.preprocessing.beat_signal import VERSION, prepare_beats
from ml.serving.beats import classify_beats
from ml.training import card
from ml.training.calibration import probabilities
from tests.ml.golden_signals import BEATS, KINDS, recording

GOLDEN = json.loads(BEATS.read_text(encoding="utf-8"))
EVERY = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def contract():
    return registry.load("beat-resnet")


@pytest.fixture(scope="module")
def keras_model(keras, contract):
    return keras.models.load_model(contract.folder / "model.keras", compile=False)


def near(kind):
    return pytest.approx(np.array(GOLDEN[kind]), abs=1e-4)


@EVERY
def test_keras_model_gives_the_golden_probabilities(kind, keras_model, contract):
    made = recording(kind)
    beats = prepare_beats(made.signal, made.fs, made.r_samples)
    logits = keras_model([beats.windows, beats.features]).numpy()
    assert probabilities(logits, contract.temperature) == near(kind)


@EVERY
def test_serving_gives_the_golden_probabilities(kind):
    made = recording(kind)
    assert classify_beats(made.signal, made.fs, made.r_samples).probabilities == near(kind)


def test_command_line_gives_the_golden_probabilities(tmp_path, capsys):
    files = []
    for kind in KINDS:
        made = recording(kind)
        files.append(tmp_path / f"{kind}.npz")
        np.savez(files[-1], signal=made.signal, fs=made.fs, r_samples=made.r_samples)
    assert main(["predict", "beat-resnet", *map(str, files), "--json"]) == 0
    for line, kind in zip(capsys.readouterr().out.splitlines(), KINDS, strict=True):
        row = json.loads(line)
        assert (row["model"], row["labels"]) == ("beat-resnet", list(LABELS))
        assert np.array(row["probabilities"]) == near(kind)


def test_command_line_names_a_file_without_signals(tmp_path, capsys):
    np.savez(tmp_path / "empty.npz", other=np.zeros(3))
    assert main(["predict", "beat-resnet", str(tmp_path / "empty.npz")]) == 1
    assert "no arrays signal, fs" in capsys.readouterr().err


def test_the_model_was_trained_with_this_preparation(contract):
    assert contract.preprocessing_version == VERSION
    assert contract.labels == LABELS


def test_no_test_record_was_learnt_from(contract):
    records = contract.training["records"]
    assert (tuple(records["training"]), tuple(records["test"])) == (DS1, DS2)
    assert not set(DS1) & set(DS2)
    assert len(DS1) == len(DS2) == 22
    assert not {f"mitdb/{name}" for name in ("102", "104", "107", "217")} & {*DS1, *DS2}


def test_contract_has_the_measured_figures(contract):
    assert {"held_out_test", "inside_training", "conditions", "heat_on_one_pvc"} <= set(contract.metrics)
    assert set(contract.metrics["held_out_test"]["classes"]) == set("NSVF")
    assert contract.metrics["heat_on_one_pvc"]["pvc_is_nearest_beat"] >= 0.8
    assert abs(contract.sanity["randomised_weights_rank_correlation"]) < 0.5
    assert contract.sanity["deletion"]["drop_of_map"] > contract.sanity["deletion"]["drop_of_random"]


def test_trials_are_kept(contract):
    trials = json.loads((contract.folder / "trials.json").read_text(encoding="utf-8"))
    assert len(trials["trials"]) >= 3
    assert "DS1" in trials["protocol"]


def test_card_is_generated_from_the_contract(contract):
    content = json.loads((contract.folder / "model.json").read_text(encoding="utf-8"))
    assert (contract.folder / "card.md").read_text(encoding="utf-8") == card.text(content)
    assert "## Gate" not in card.text(content)


def test_annotations_map_to_classes():
    symbols = np.array(list("NejLRAaJSVEF/fQ"))
    named = [LABELS[i] if i >= 0 else None for i in classes_of(symbols)]
    assert named == ["Normal"] * 3 + ["LBBB", "RBBB"] + ["PAC"] * 4 + ["PVC"] * 2 + ["Fusion"] + [None] * 3
