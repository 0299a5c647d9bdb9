import json

import numpy as np
import pytest

from ml.__main__ import main
from ml.datasets.beats import LABELS
from ml.datasets.simulated import beat_png
from ml.models.beat_cnn import card
from ml.preprocessing.beat_image import VERSION, prepare_beat_image
from ml.serving import analyse
from ml.serving.analysis import calibrated
from ml.serving.session import OnnxNetwork
from ml.training.calibration import probabilities
from tests.ml.golden import FILE

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
EVERY = pytest.mark.parametrize("row", GOLDEN, ids=[f"{row['label']}-{row['style']}" for row in GOLDEN])


def png(row):
    return beat_png(row["label"], seed=row["seed"], size=row["size"], style=row["style"])


def expected(row):
    return pytest.approx(row["probabilities"], abs=1e-4)


@EVERY
def test_keras_model_gives_the_golden_probabilities(row, keras_model, contract):
    logits = keras_model(prepare_beat_image(png(row))[None].astype(np.float32)).numpy()
    assert dict(zip(LABELS, probabilities(logits, contract.temperature)[0], strict=True)) == expected(row)


@EVERY
def test_onnx_gives_the_golden_probabilities(row, contract):
    logits = OnnxNetwork(contract)(prepare_beat_image(png(row))[None]).logits[0]
    assert dict(zip(LABELS, calibrated(contract, logits), strict=True)) == expected(row)


@EVERY
def test_serving_gives_the_golden_probabilities(row):
    assert analyse(png(row))[0].probabilities == expected(row)


def test_command_line_gives_the_golden_probabilities(tmp_path, capsys):
    files = []
    for position, row in enumerate(GOLDEN):
        files.append(tmp_path / f"{position}.png")
        files[-1].write_bytes(png(row))
    assert main(["predict", "beat-cnn", *map(str, files), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == [str(path) for path in files]
    for line, row in zip(lines, GOLDEN, strict=True):
        assert line["probabilities"] == expected(row)


def test_the_model_was_trained_with_this_preparation(contract):
    assert contract.preprocessing_version == VERSION


def test_card_is_generated_from_the_contract(contract):
    content = json.loads((contract.folder / "model.json").read_text(encoding="utf-8"))
    assert (contract.folder / "card.md").read_text(encoding="utf-8") == card.text(content)


def test_card_says_what_a_clinician_needs(contract):
    text = (contract.folder / "card.md").read_text(encoding="utf-8")
    for needed in ("## Limits", "## Figures", "Confusion", "### Fibrillation control", "## Heatmap checks"):
        assert needed in text
