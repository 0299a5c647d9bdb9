"""The stored figures of the page models: whole, of the installed weights, and quoted in the document."""

import json

import pytest

from ml import registry
from ml.models.page_pictures.results import RESULTS
from ml.models.page_pictures.text import DOCUMENT, markdown

JOINED = ("page-cnn", "page-mobilenet", "page-vgg16", "page-signals")
FOUND = json.loads(RESULTS.read_text(encoding="utf-8"))


def test_every_installed_model_is_measured_and_its_card_says_the_same():
    for contract in registry.contracts():
        if contract.input.get("kind") == "page":
            assert contract.metrics["cross_validation"] == FOUND["models"][contract.name]


def test_every_page_of_the_data_is_accounted_for():
    refused = sum(sum(reasons.values()) for reasons in FOUND["pages"]["refused"].values())
    assert sum(FOUND["pages"]["prepared"].values()) + refused == 1120


def test_the_fusion_is_compared_with_the_best_of_its_members():
    against = FOUND["fusion_against_best_single"]
    best = max(JOINED, key=lambda name: FOUND["models"][name]["macro_f1"]["value"])
    assert against["best_single"] == best
    gain = FOUND["models"]["page-fusion"]["macro_f1"]["value"] - FOUND["models"][best]["macro_f1"]["value"]
    assert against["macro_f1"]["value"] == pytest.approx(gain, abs=2e-4)


def test_the_positive_control_learns_and_what_no_model_sees_tells_less():
    found = FOUND["controls"]["controls"]
    learnt = found["page"]["of_all"]["macro_auc"]
    assert learnt["low"] > 0.75, "what learns nothing proves nothing"
    for name in ("header", "paper", "layout", "border"):
        assert found[name]["of_all"]["macro_auc"]["high"] < learnt["low"]


def test_pages_on_plain_paper_are_in_no_figure_of_the_models():
    plain = FOUND["plain_paper"]
    left_out = sum(reasons.get("left_out_plain_paper", 0) for reasons in FOUND["pages"]["refused"].values())
    assert sum(plain["pages"].values()) + plain["of_known_devices"] == left_out
    assert plain["pages"]["Normal ECG"] == 0
    assert set(plain["models"]) == set(FOUND["models"])


def test_the_external_test_is_of_the_installed_models_and_of_every_recording():
    outside = FOUND["external"]
    assert set(outside["models"]) == {
        one.name for one in registry.contracts() if one.input.get("kind") == "page"
    }
    assert outside["pages"] + outside["refused"] == 90


def test_the_document_quotes_the_stored_results():
    assert markdown(FOUND) in DOCUMENT.read_text(encoding="utf-8")
