"""The shipped network of twelve leads, and the recipe it came from."""

import dataclasses
import json

import numpy as np
import pytest

from ml import registry
from ml.__main__ import main
from ml.datasets.ptbxl_superclasses import SUPERCLASSES, Recordings
from ml.models.ecg_signals import data
from ml.preprocessing.twelve_lead import VERSION, prepare_leads
from ml.serving.signals import opened_from
from ml.serving.twelve_lead import calibrated, classify_leads
from ml.training import card
from tests.ml.golden_signals import LEADS, STRETCHES, twelve_leads

GOLDEN = json.loads(LEADS.read_text(encoding="utf-8"))
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
EVERY = pytest.mark.parametrize("name", list(STRETCHES))


@pytest.fixture(scope="module")
def contract():
    return registry.load("ecg-signals")


@pytest.fixture(scope="module")
def model(keras, contract):
    return keras.models.load_model(contract.folder / "model.keras", compile=False)


def window(name):
    made = twelve_leads(name)
    return prepare_leads(made.signals, made.fs).window[None]


@EVERY
def test_keras_model_gives_the_golden_probabilities(name, model, contract):
    logits = model(window(name), training=False).numpy()
    assert calibrated(contract, logits)[0] == pytest.approx(GOLDEN[name], abs=1e-4)


@EVERY
def test_serving_gives_the_golden_probabilities(name):
    made = twelve_leads(name)
    assert classify_leads(made.signals, made.fs).probabilities == pytest.approx(GOLDEN[name], abs=1e-4)


def test_command_line_gives_the_golden_probabilities(tmp_path, capsys):
    for name in STRETCHES:
        made = twelve_leads(name)
        np.savez(tmp_path / f"{name}.npz", signal=made.signals, fs=made.fs)
    files = [str(tmp_path / f"{name}.npz") for name in STRETCHES]
    assert main(["predict", "ecg-signals", *files]) == 0
    for line, name in zip(capsys.readouterr().out.splitlines(), STRETCHES, strict=True):
        assert json.loads(line)["probabilities"] == pytest.approx(GOLDEN[name], abs=1e-4)


@EVERY
def test_onnx_gives_the_logits_of_keras(name, model, contract):
    served = opened_from(contract).run("logits", window=window(name))
    np.testing.assert_allclose(served, model(window(name), training=False).numpy(), atol=1e-4)


@EVERY
def test_the_heat_adds_up_to_the_logit(name, keras, model, contract):
    """Activation times its gradient: with a linear head the mean over time is the logit without its constant."""
    heat = opened_from(contract).run("heat", window=window(name))[0]
    layer = contract.training["layers"]["convolution"]
    parts = []
    for member in (one for one in model.layers if isinstance(one, keras.Model)):
        activation = keras.Model(member.input, member.get_layer(layer).output)(window(name)).numpy()[0]
        kernel, constant = member.layers[-1].get_weights()
        given = activation @ kernel
        np.testing.assert_allclose(
            given.mean(axis=0) + constant, member(window(name), training=False).numpy()[0], atol=1e-3
        )
        parts.append(given.T)
    np.testing.assert_allclose(heat, np.maximum(np.mean(parts, axis=0), 0.0), atol=1e-3)


def test_the_model_was_trained_with_this_preparation(contract):
    assert contract.preprocessing_version == VERSION
    assert contract.labels == SUPERCLASSES
    assert contract.training["folds"] == {"training": [5, 6, 7, 8], "calibration": [9], "test": [10]}


def test_contract_has_the_measured_figures(contract):
    tested = contract.metrics["held_out_test"]
    for name in ("macro_auc", "macro_f1", "ece"):
        assert tested[name]["low"] <= tested[name]["value"] <= tested[name]["high"]
    assert set(tested["classes"]) == set(SUPERCLASSES)
    assert any("page" in name for name in contract.metrics["conditions"])
    assert abs(contract.sanity["randomised_weights_rank_correlation"]) < 0.5
    assert contract.sanity["deletion"]["drop_of_map"] > contract.sanity["deletion"]["drop_of_random"]


def test_trials_are_kept(contract):
    trials = json.loads((contract.folder / "trials.json").read_text(encoding="utf-8"))
    assert len(trials["trials"]) >= 3


def test_card_is_generated_from_the_contract(contract):
    content = json.loads((contract.folder / "model.json").read_text(encoding="utf-8"))
    assert (contract.folder / "card.md").read_text(encoding="utf-8") == card.text(content)


def test_the_artefact_is_small(contract):
    assert sum(one.stat().st_size for one in contract.folder.iterdir()) < 8 * 1024 * 1024


@pytest.fixture
def few():
    made = [twelve_leads(name).signals[:, ::5] for name in ("ten seconds",)] * 130
    signals = np.stack(made) * np.linspace(0.5, 1.5, 130, dtype=np.float32)[:, None, None]
    classes = np.zeros((130, 5), dtype=np.int64)
    classes[np.arange(130), np.arange(130) % 5] = 1
    return Recordings(
        signals=signals,
        classes=classes,
        patients=np.array([f"ptbxl/{i}" for i in range(130)]),
        folds=np.full(130, 5),
    )


def test_training_goes_on_where_it_was_stopped(keras, few, tmp_path):
    from ml.models.ecg_signals import fitting

    settings = fitting.Settings(widths=(8, 8), mixup=0.3)
    windows = data.prepared(few)
    told = {"epochs": 4, "seed": 1, "settings": settings}
    whole, history = fitting.fit(windows, windows, folder=tmp_path / "whole", **told)
    assert len(history) == 4
    log = tmp_path / "whole" / "history.json"
    log.write_text(json.dumps(history[:3]), encoding="utf-8")  # as if stopped while the last epoch was stored
    again, more = fitting.fit(windows, windows, folder=tmp_path / "whole", **told)
    assert more[:3] == history[:3]
    assert len(more) == 4
    assert again.count_params() == whole.count_params()


def test_an_untrained_network_survives_the_export(keras, contract, tmp_path):
    from ml.models.ecg_signals import network
    from ml.training.export import export_mean_head_onnx, round_to_half, save_packed

    keras.utils.set_random_seed(1)
    whole = network.together([network.build(widths=(8, 16)), network.build(widths=(8, 16))])
    round_to_half(whole)
    export_mean_head_onnx(whole, tmp_path / "model.onnx", **network.LAYERS)
    save_packed(whole, tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    opened = opened_from(dataclasses.replace(contract, folder=tmp_path))
    for name in STRETCHES:
        expected = whole(window(name), training=False).numpy()
        np.testing.assert_allclose(opened.run("logits", window=window(name)), expected, atol=1e-4)
        np.testing.assert_allclose(again(window(name), training=False).numpy(), expected, atol=1e-6)


def test_a_page_shows_each_lead_for_a_quarter_of_the_time(few):
    page = data.as_page(few.of_folds(5))
    assert page.signals.shape == (130, 250, 12)
    np.testing.assert_array_equal(page.classes, few.classes)


def test_crops_of_columns(keras):
    from ml.models.ecg_signals import fitting

    rng = np.random.default_rng(0)
    signals = np.arange(1000.0)[None, :, None] * np.ones((64, 1, 12))
    apart = fitting.Settings(apart=1.0)
    starts = fitting.drawn_starts(64, 1000, apart, rng)
    found = fitting.crops(signals.astype(np.float16), starts, 250)
    assert found.shape == (64, 250, 12)
    assert (found[:, 0, 0] == found[:, 0, 2]).all()
    assert (found[:, 0, 0] != found[:, 0, 3]).mean() > 0.9
    alike = fitting.drawn_starts(64, 1000, fitting.Settings(apart=0.0), rng)
    assert (alike == alike[:, :1]).all()


def test_augmentation_loses_leads_and_keeps_size(keras):
    from ml.models.ecg_signals import fitting

    rng = np.random.default_rng(0)
    windows = np.ones((400, 50, 12), dtype=np.float32)
    found = fitting.varied(windows, fitting.Settings(lost=0.5), rng)
    lost = (found == 0).all(axis=1).sum(axis=1)
    assert 0.4 < (lost > 0).mean() < 0.6
    assert lost.max() == 3
    assert 0.7 < np.median(found[found != 0]) < 1.3


def test_mixup_mixes_signal_and_target_alike(keras):
    from ml.models.ecg_signals import fitting

    rng = np.random.default_rng(0)
    targets = np.eye(5, dtype=np.float32)[np.arange(50) % 5]
    windows = np.repeat(targets.argmax(axis=1)[:, None, None], 12, axis=2).astype(np.float32)
    mixed, blended = fitting.mixed(windows, targets, fitting.Settings(mixup=0.4), rng)
    np.testing.assert_allclose(mixed[:, 0, 0], blended @ np.arange(5), atol=1e-5)
    np.testing.assert_allclose(blended.sum(axis=1), 1.0, atol=1e-5)
