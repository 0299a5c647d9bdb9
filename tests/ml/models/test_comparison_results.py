"""The stored results of the comparison: complete, consistent, and quoted in the documents."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml import registry
from ml.comparison import FILE
from ml.models.beat_pictures.comparison.text import markdown

FOUND = json.loads(FILE.read_text(encoding="utf-8"))
DOCUMENT = Path(__file__).parents[3] / "docs" / "results.md"
MODELS = {model["name"]: model for model in FOUND["models"]}


def test_every_model_of_the_reports_and_a_control_is_there():
    families = {name: model["family"] for name, model in MODELS.items()}
    assert families == {
        "beat-cnn": "CNN",
        "beat-spectral": "spectral",
        "beat-efficientnet": "CNN",
        "beat-efficientnet-lstm": "RNN",
        "beat-hybrid": "hybrid",
        "control-shuffled-labels": "control",
    }


@pytest.mark.parametrize("model", FOUND["models"], ids=list(MODELS))
def test_figures_fit_together(model):
    confusion = np.array(model["confusion"])
    assert confusion.sum() == FOUND["beats"]
    assert model["figures"]["accuracy"]["value"] == pytest.approx(
        np.trace(confusion) / FOUND["beats"], abs=1e-4
    )
    for label, row in model["classes"].items():
        assert confusion[FOUND["labels"].index(label)].sum() == row["beats"]
    assert sum(row["count"] for row in model["reliability"]) == FOUND["beats"]
    assert [row["snr_db"] for row in model["noise"]] == [None, 24.0, 18.0, 12.0, 6.0, 0.0]
    assert model["noise"][0]["f1"] == model["figures"]["f1"]
    assert all(len(curve) <= 60 for curve in model["roc"].values())
    for value in model["figures"].values():
        assert 0.0 <= value["low"] <= value["high"] <= 1.0


def test_the_control_fails():
    assert (
        MODELS["control-shuffled-labels"]["figures"]["f1"]["high"]
        < MODELS["beat-cnn"]["figures"]["f1"]["low"]
    )


def test_sizes_are_those_of_the_installed_models():
    for contract in registry.contracts():
        if contract.name in MODELS:
            assert MODELS[contract.name]["size_bytes"] == (contract.folder / "model.onnx").stat().st_size
            assert MODELS[contract.name]["ms_per_beat"] > 0


def test_differences_are_those_of_the_figures():
    for row in FOUND["differences"]:
        a, b = (MODELS[row[side]]["figures"][row["figure"]]["value"] for side in "ab")
        assert row["value"] == pytest.approx(a - b, abs=2e-4)


def test_the_document_quotes_the_stored_results():
    assert markdown(FOUND) in DOCUMENT.read_text(encoding="utf-8")
