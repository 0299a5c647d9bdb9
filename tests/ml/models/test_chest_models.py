"""The chest models: golden vectors through training code, serving and command line, maps, contracts and cards."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import softmax

from ml import registry
from ml.__main__ import main
from ml.chest.eligible import judge_attributes
from ml.chest.measuring import read
from ml.datasets.simulated_chest import draw_chest
from ml.dicom.image import image_of
from ml.dicom.opening import open_dicom
from ml.preprocessing.chest_image import VERSION, prepare_chest
from ml.serving.chest import analyse_chest, film_of
from ml.serving.signals import signal_member
from ml.training import card
from ml.training.calibration import probabilities
from tests.ml.golden_chest_cases import FILE, film_file

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
NAMES = ("cxr-heart", "dicom-cardiac")


@pytest.fixture(scope="module", params=GOLDEN, ids=lambda row: f"seed {row['seed']}")
def case(request, tmp_path_factory):
    row = request.param
    path = film_file(tmp_path_factory.mktemp("films"), row["seed"], row["ratio"], inverted=row["inverted"])
    dataset = open_dicom(path)
    image = image_of(dataset)
    film = film_of(path, dataset, image, judge_attributes(dataset, image))
    return row, path, prepare_chest(film).pixels


def members_of_heart(keras):
    """The trained networks that answer together, as they are stored."""
    contract = registry.load("cxr-heart")
    files = sorted(file for file in contract.sha256 if file.endswith(".keras"))
    return [keras.models.load_model(contract.folder / file, compile=False) for file in files]


def test_serving_gives_the_golden_answers(case):
    row, path, _ = case
    answer = analyse_chest(path)
    assert answer.measurement is not None
    assert answer.measurement.ratio == pytest.approx(row["measured"], abs=1e-4)
    for result in answer.results:
        assert result.probabilities == pytest.approx(row["probabilities"][result.model], abs=1e-4)
        assert sum(result.probabilities.values()) == pytest.approx(1.0)


def test_the_trained_networks_give_the_golden_answers(keras, case):
    row, _, pixels = case
    outlines = members_of_heart(keras)

    def shares(pictures):
        every = [softmax(one(pictures.astype(np.float32)).numpy(), axis=-1) for one in outlines]
        return np.mean(every, axis=0)

    reading = read(pixels, shares)
    assert reading.size.ratio == pytest.approx(row["measured"], abs=1e-4)
    contract = registry.load("dicom-cardiac")
    classifier = keras.models.load_model(contract.folder / "model.keras", compile=False)
    shares = probabilities(classifier(pixels[None].astype(np.float32)).numpy(), contract.temperature)[0]
    assert list(shares) == pytest.approx(list(row["probabilities"]["dicom-cardiac"].values()), abs=1e-4)


def test_what_is_no_upright_chest_lies_beyond_the_gate_and_known_films_before_it(keras):
    from ml.models.cxr_heart.answers import embeddings_of, reach
    from ml.models.cxr_heart.export import OutlineGraph

    contract = registry.load("cxr-heart")
    graph = OutlineGraph(members_of_heart(keras))
    films = np.stack([prepare_chest(draw_chest(seed=seed, size=256).grey).pixels for seed in range(8)])
    near, far = reach(graph, films, embeddings_of(graph, films))
    assert near < contract.gate["max_distance"] < far


def test_the_command_line_says_the_same(case, capsys):
    row, path, _ = case
    for name in NAMES:
        assert main(["predict", name, str(path), "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["probabilities"] == pytest.approx(row["probabilities"][name], abs=1e-4)


def test_the_map_is_the_part_of_the_logit_that_each_place_gave(case):
    pixels = case[2][None]
    opened = signal_member("dicom-cardiac")
    logits, cam = opened.session.run(["logits", "cam"], {"image": pixels})
    top = int(logits[0].argmax())
    assert cam.shape[1] == 2
    assert cam[0, top].max() > 0


@pytest.mark.parametrize("name", NAMES)
def test_contract_and_card_belong_to_the_installed_files(name):
    contract = registry.load(name)
    assert contract.input["kind"] == "chest"
    assert contract.preprocessing_version == VERSION
    fields = json.loads((contract.folder / "model.json").read_text(encoding="utf-8"))
    assert (contract.folder / "card.md").read_text(encoding="utf-8") == card.text(fields)
    assert sum(path.stat().st_size for path in contract.folder.iterdir()) < 11_000_000
