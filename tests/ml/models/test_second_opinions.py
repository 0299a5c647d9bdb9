"""The models of the comparison: golden vectors through every way in, parity of the graphs, heatmaps, contract and card."""

import functools
import json

import numpy as np
import pytest

from ml import registry
from ml.__main__ import main
from ml.contract import Outcome
from ml.datasets.beats import LABELS
from ml.datasets.simulated import bad_input, beat_png
from ml.preprocessing.beat_image import VERSION, prepare_beat_image
from ml.serving.analysis import analyse, answer_one
from ml.serving.session import OnnxNetwork, member
from ml.serving.warming import warm
from ml.training import card
from ml.training.calibration import probabilities
from tests.ml.golden import SECOND_OPINIONS

NAMES = ("beat-efficientnet", "beat-efficientnet-lstm", "beat-hybrid", "beat-spectral")
GOLDEN = json.loads(SECOND_OPINIONS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=NAMES)
def contract(request):
    return registry.load(request.param)


@pytest.fixture(scope="module")
def rows(contract):
    return GOLDEN[contract.name]


@pytest.fixture(scope="module")
def images(rows):
    return np.stack([prepare_beat_image(png(row)) for row in rows])


@pytest.fixture(scope="module")
def model(keras, contract):
    return keras.models.load_model(contract.folder / "model.keras", compile=False)


def png(row):
    return beat_png(row["label"], seed=row["seed"], size=row["size"], style=row["style"])


def expected(rows):
    return pytest.approx(
        np.array([[row["probabilities"][label] for label in LABELS] for row in rows]), abs=1e-4
    )


def test_keras_model_gives_the_golden_probabilities(model, contract, rows, images):
    logits = model(images.astype(np.float32)).numpy()
    assert probabilities(logits, contract.temperature) == expected(rows)


def test_served_graph_is_the_keras_model_with_its_class_activation_maps(model, contract, images):
    from ml.explain.cam import class_activation

    answer = OnnxNetwork(contract)(images)
    np.testing.assert_allclose(answer.logits, model(images.astype(np.float32)).numpy(), atol=1e-4)
    layer = contract.training["layers"]["evidence"]
    for position in range(len(LABELS)):
        maps = class_activation(model, images, classes=np.full(len(images), position), layer=layer)
        np.testing.assert_allclose(answer.cam[:, position], maps, atol=1e-4)
    alone = OnnxNetwork(contract)(images[3:4])
    np.testing.assert_allclose(alone.logits[0], answer.logits[3], atol=1e-5)


def test_tensorflow_fallback_gives_the_same(model, contract, images):
    from ml.training.export import picture_graph

    answer = OnnxNetwork(contract)(images)
    outputs = picture_graph(model, contract.training["layers"]).call(images)
    for name in ("logits", "embedding", "cam"):
        np.testing.assert_allclose(outputs[name].numpy(), getattr(answer, name), atol=1e-4)


def test_command_line_gives_the_golden_probabilities(contract, rows, tmp_path, capsys):
    files = []
    for position, row in enumerate(rows):
        files.append(tmp_path / f"{position}.png")
        files[-1].write_bytes(png(row))
    assert main(["predict", contract.name, *map(str, files), "--json"]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["model"] for line in said} == {contract.name}
    assert np.array([[line["probabilities"][label] for label in LABELS] for line in said]) == expected(rows)


def test_the_gate_of_beat_cnn_decides(contract):
    for kind in ("blank", "photo", "page", "no_image"):
        data = bad_input(kind, seed=1)
        other, first = answer_one(contract.name, data), answer_one("beat-cnn", data)
        assert other.model == contract.name
        assert (other.outcome, other.reason_code) == (first.outcome, first.reason_code)
        assert other.outcome in {Outcome.NOT_ELIGIBLE, Outcome.POOR_INPUT}


def test_random_weights_give_another_map(model, contract, images):
    from ml.explain.cam import class_activation
    from ml.explain.checks import randomisation_likeness

    maps = functools.partial(class_activation, layer=contract.training["layers"]["evidence"])
    classes = model(images.astype(np.float32)).numpy().argmax(axis=1)
    assert abs(randomisation_likeness(model, images, classes, maps=maps, seed=3)) < 0.6
    assert abs(contract.sanity["randomised_weights_rank_correlation"]) < 0.5
    assert contract.sanity["deletion"]["drop_of_map"] > contract.sanity["deletion"]["drop_of_random"]


def test_contract_and_card(contract):
    assert contract.second_opinion
    assert contract.input["kind"] == "picture"
    assert contract.preprocessing_version == VERSION
    content = json.loads((contract.folder / "model.json").read_text(encoding="utf-8"))
    assert (contract.folder / "card.md").read_text(encoding="utf-8") == card.text(content)
    assert "held_out_test" in contract.metrics
    records = contract.training["records"]
    sides = [set(records[side]) for side in ("training", "calibration", "test")]
    assert sum(map(len, sides)) == len(set.union(*sides))


def test_every_trial_is_kept_and_the_settings_are_one_of_them(contract):
    found = json.loads((contract.folder / "trials.json").read_text(encoding="utf-8"))
    best = max(trial["macro_f1"] for trial in found["trials"])
    (chosen,) = (t for t in found["trials"] if t["settings"] == contract.training["settings"])
    assert len(found["trials"]) >= 6
    assert chosen["macro_f1"] >= best - 0.02


def test_all_answer_when_asked_and_only_then():
    data = beat_png("PVC", seed=1)
    assert [result.model for result in analyse(data)] == ["beat-cnn"]
    results = analyse(data, second_opinions=True)
    assert [result.model for result in results] == ["beat-cnn", *NAMES]
    assert results[0].probabilities == analyse(data)[0].probabilities
    assert len({result.input_sha256 for result in results}) == 1
    for result in results:
        assert result.probabilities == answer_one(result.model, data).probabilities
    assert all(result.label is None for result in analyse(bad_input("photo", seed=1), second_opinions=True))


def test_they_are_not_warmed_unless_asked():
    assert not set(NAMES) & set(warm())
    assert set(NAMES) <= set(warm(second_opinions=True))
    assert len(member("beat-hybrid").reference) == 0


def test_all_artefacts_are_small_enough_to_commit():
    files = [path for name in NAMES for path in registry.load(name).folder.iterdir()]
    assert sum(path.stat().st_size for path in files) < 30_000_000
