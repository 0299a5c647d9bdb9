import json
import shutil
import subprocess
import sys

import pytest

from ml import registry

INSTALLED = [
    "beat-cnn",
    "beat-efficientnet",
    "beat-efficientnet-lstm",
    "beat-hybrid",
    "beat-resnet",
    "beat-spectral",
    "clinical-cnn-bn",
    "clinical-cnn-residual",
    "clinical-hybrid",
    "clinical-logistic",
    "clinical-rf",
    "cxr-heart",
    "dicom-cardiac",
    "ecg-signals",
    "page-cnn",
    "page-efficientnet",
    "page-efficientnet-lstm",
    "page-fusion",
    "page-mobilenet",
    "page-signals",
    "page-vgg16",
    "rhythm-vf",
]


def test_lists_the_installed_models():
    assert [contract.name for contract in registry.contracts()] == INSTALLED


def test_contract_says_what_the_design_asks_for(contract):
    assert contract.labels == ("Normal", "LBBB", "RBBB", "PAC", "PVC", "VF")
    assert set(contract.sha256) == {"model.onnx", "model.keras", "embeddings.npy"}
    assert set(contract.conformal["min_probability"]) == set(contract.labels)
    assert {"cross_validation", "fibrillation_control", "held_out_test"} <= set(contract.metrics)
    assert contract.limits


def test_no_record_is_on_two_sides(contract):
    records = contract.training["records"]
    sides = [set(records[side]) for side in ("training", "calibration", "test")]
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert not {"mitdb/102", "mitdb/104", "mitdb/107", "mitdb/217"} & set.union(*sides)


def test_unknown_model_is_named():
    with pytest.raises(
        registry.ModelNotFoundError,
        match=f"no model is called 'no-such-model'; installed: {', '.join(INSTALLED)}",
    ):
        registry.load("no-such-model")


@pytest.fixture
def copy(tmp_path, contract):
    shutil.copytree(contract.folder, tmp_path / "beat_cnn" / "artefact")
    return tmp_path


@pytest.mark.parametrize("name", ["model.onnx", "model.keras", "embeddings.npy"])
def test_changed_weights_are_refused(copy, name):
    path = copy / "beat_cnn" / "artefact" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(registry.TamperedArtefactError, match=name):
        registry.load("beat-cnn", copy)


def test_missing_weights_are_refused(copy):
    (copy / "beat_cnn" / "artefact" / "model.onnx").unlink()
    with pytest.raises(registry.TamperedArtefactError, match=r"model\.onnx is missing"):
        registry.load("beat-cnn", copy)


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps({"labels": 3})])
def test_broken_contract_is_refused(copy, text):
    (copy / "beat_cnn" / "artefact" / "model.json").write_text(text)
    with pytest.raises(registry.TamperedArtefactError, match="no model contract"):
        registry.contracts(copy)


def test_registry_needs_the_standard_library_only():
    code = "import sys, ml.registry, ml.contract; sys.exit(bool({'numpy', 'PIL', 'onnxruntime', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_artefact_is_small_enough_to_commit(contract):
    assert sum(path.stat().st_size for path in contract.folder.iterdir()) < 5_000_000
