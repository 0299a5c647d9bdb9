"""The page models: golden vectors through training code and serving, heatmaps, contracts, cards, and what is refused."""

import functools
import io
import json

import numpy as np
import pytest
from PIL import Image

from ml import registry
from ml.__main__ import main
from ml.contract import Outcome
from ml.datasets.simulated import bad_input
from ml.pages.digitise import oriented_page
from ml.pages.picture import open_picture
from ml.preprocessing.page_image import VERSION, page_image
from ml.serving.page_models import answer_page, answer_picture, heat_by_lead, page_models
from ml.serving.signals import signal_member
from ml.training import card
from ml.training.calibration import probabilities
from tests.ml.golden_page_cases import FILE, page_png

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
LABELS = ("Normal ECG", "Abnormal heartbeat", "Myocardial infarction", "History of MI")
NAMES = tuple(GOLDEN[0]["probabilities"])
SINGLE = tuple(name for name in NAMES if name != "page-fusion")


@functools.cache
def read(position):
    row = GOLDEN[position]
    page, reading, _ = oriented_page(open_picture(page_png(row["layout"], row["seed"], row["paper"])))
    return page, reading, page_image(page, reading)


@functools.cache
def answers(position):
    page, reading, _ = read(position)
    return {result.model: result for result in answer_page(page, reading, input_sha256="0" * 64)}


def expected(position, name):
    shares = GOLDEN[position]["probabilities"][name]
    return pytest.approx([shares[label] for label in LABELS], abs=1e-4)


def given(position, name):
    """What a network is given: the picture, or the leads."""
    prepared = read(position)[2]
    return {"window": prepared.leads[None]} if name == "page-signals" else {"image": prepared.pixels[None]}


@pytest.fixture(params=NAMES)
def contract(request):
    return registry.load(request.param)


def test_the_fusion_is_the_last_of_all_that_are_installed():
    assert set(page_models()) == set(NAMES)
    assert page_models()[-1] == "page-fusion"


@pytest.mark.parametrize("position", range(len(GOLDEN)))
def test_serving_gives_the_golden_probabilities(position):
    found = answers(position)
    assert set(found) == set(NAMES)
    for name, result in found.items():
        assert list(result.probabilities.values()) == expected(position, name)
        assert sum(result.probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("name", SINGLE)
def test_the_trained_network_gives_the_golden_probabilities(keras, name):
    contract = registry.load(name)
    model = keras.models.load_model(contract.folder / "model.keras", compile=False)
    for position in range(len(GOLDEN)):
        (values,) = given(position, name).values()
        shares = probabilities(model(values.astype(np.float32)).numpy(), contract.temperature)[0]
        assert shares == expected(position, name)


def test_the_fusion_is_the_dense_layer_over_its_members_embeddings(keras):
    contract = registry.load("page-fusion")
    head = keras.models.load_model(contract.folder / "model.keras", compile=False)
    embeddings = [
        signal_member(name).session.run(["embedding"], given(0, name))[0]
        for name in contract.training["members"]
    ]
    assert probabilities(head(embeddings).numpy(), contract.temperature)[0] == expected(0, "page-fusion")


@pytest.mark.parametrize("name", SINGLE)
def test_the_served_map_is_the_part_of_the_logit_that_each_place_gave(keras, name):
    from ml.models.page_pictures.head import EVIDENCE, LOGITS, class_maps, over_leads, per_place

    contract = registry.load(name)
    model = keras.models.load_model(contract.folder / "model.keras", compile=False)
    inputs = given(0, name)
    (values,) = inputs.values()
    logits, cam = signal_member(name).session.run(["logits", "cam"], inputs)
    evidence = keras.Model(model.input, model.get_layer(EVIDENCE).output)(values.astype(np.float32)).numpy()
    kernel, bias = model.get_layer(LOGITS).get_weights()
    for position in range(len(LABELS)):
        reference = class_maps(evidence, kernel, np.array([position]))[0]
        reference = over_leads(reference) if name == "page-signals" else reference
        assert cam[0, position] == pytest.approx(reference, abs=1e-3)
    places = evidence[:, None] if evidence.ndim == 3 else evidence
    whole = np.einsum("bhwd,hwdc->bc", places, per_place(kernel, evidence.shape[1:])) + bias
    assert whole == pytest.approx(logits, abs=1e-3)


def test_heat_lies_on_the_leads_and_nowhere_else():
    page, _, prepared = read(0)
    height, width = page.inside.shape
    shown = 0
    for result in answers(0).values():
        if result.heatmap_png is None:
            continue
        heat = np.asarray(Image.open(io.BytesIO(result.heatmap_png)))
        assert heat.shape[1] == 256
        assert heat.shape[0] == pytest.approx(256 * height / width, abs=1)
        assert heat.max() > 200
        above = min(piece.source[1] for piece in prepared.placed) * page.scale
        assert heat[: int(above * 256 / width) - 1].max(initial=0) == 0
        shown += 1
    assert shown


def test_heat_by_lead_sums_to_one_and_is_empty_without_evidence():
    _, _, prepared = read(0)
    found = heat_by_lead(np.ones((16, 32), dtype=np.float32), prepared)
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["II"] > found["V1"]  # it has the strip as well
    assert heat_by_lead(np.zeros((16, 32), dtype=np.float32), prepared) == {}


def test_contract_and_card_agree(contract):
    fields = json.loads((contract.folder / "model.json").read_text(encoding="utf-8"))
    assert contract.labels == LABELS
    assert contract.input["kind"] == "page"
    assert contract.preprocessing_version == VERSION
    assert 0.0 < contract.abstention_threshold < 1.0
    assert "cross_validation" in contract.metrics
    assert (contract.folder / "card.md").read_text(encoding="utf-8") == card.text(fields)


def test_random_weights_change_the_map(contract):
    if contract.name != "page-fusion":
        assert abs(contract.sanity["randomised_weights_rank_correlation"]) < 0.5


def test_a_member_with_other_weights_is_refused(monkeypatch):
    from ml.serving import page_models as served

    opened = signal_member("page-fusion")
    served._whole_fusion.cache_clear()
    monkeypatch.setitem(opened.contract.training["members"], "page-cnn", "0" * 64)
    with pytest.raises(registry.TamperedArtefactError, match="train page-fusion again"):
        served.answer_page(*read(0)[:2], models=("page-fusion",))
    served._whole_fusion.cache_clear()


def test_what_is_no_page_gets_a_reason():
    found = answer_picture("page-fusion", bad_input("photo", seed=1, edge=640))
    assert found["outcome"] == Outcome.POOR_INPUT.value
    assert found["reason_code"].startswith("page_")
    assert found["label"] is None


def test_command_line_gives_the_golden_probabilities(tmp_path, capsys):
    row = GOLDEN[0]
    path = tmp_path / "page.png"
    path.write_bytes(page_png(row["layout"], row["seed"], row["paper"]))
    assert main(["predict", "page-fusion", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["probabilities"].values()) == expected(0, "page-fusion")
    assert said["file"] == str(path)
