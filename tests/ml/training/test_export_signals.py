"""The exported graphs of signals against Keras: logits, and heat against automatic differentiation."""

import dataclasses

import numpy as np
import pytest

from ml import registry
from ml.datasets.simulated import simulate, simulate_recording
from ml.preprocessing.beat_signal import prepare_beats
from ml.preprocessing.rhythm_segment import prepare_segments
from ml.serving.signals import opened_from


@pytest.fixture(scope="module")
def beat_inputs():
    made = simulate_recording(["Normal"] * 8 + ["PVC"] + ["Normal"] * 8, seed=4)
    beats = prepare_beats(made.signal, made.fs, made.r_samples)
    return {"window": beats.windows, "features": beats.features}


@pytest.fixture(scope="module")
def segment_inputs():
    ecgs = [simulate(rhythm, seed=2) for rhythm in ("Normal", "PVC", "VF")]
    made = [prepare_segments(ecg.signal, ecg.fs) for ecg in ecgs]
    return {
        "window": np.concatenate([one.windows for one in made]),
        "features": np.concatenate([one.features for one in made]),
    }


def builders():
    from ml.models.beat_resnet import network as beats
    from ml.models.rhythm_vf import network as rhythm
    from ml.preprocessing import beat_signal, rhythm_segment

    return {
        "beat-resnet": (beats, beat_signal.FEATURES),
        "rhythm-vf": (rhythm, rhythm_segment.FEATURES),
    }


@pytest.fixture(params=["beat-resnet", "rhythm-vf"])
def shipped(request, keras, beat_inputs, segment_inputs):
    contract = registry.load(request.param)
    model = keras.models.load_model(contract.folder / "model.keras", compile=False)
    return contract, model, beat_inputs if request.param == "beat-resnet" else segment_inputs


def members_of(model):
    import keras

    return [layer for layer in model.layers if isinstance(layer, keras.Model)] or [model]


def by_differentiation(model, inputs, layer, class_):
    """Activation times its own gradient, summed over channels, of all members together: HiResCAM."""
    members = members_of(model)
    seeing = [one for one in members if any(part.name == layer for part in one.layers)]
    maps = [_one_by_differentiation(one, inputs, layer, class_) for one in seeing]
    return np.maximum(np.sum(maps, axis=0) / len(members), 0.0)


def _one_by_differentiation(model, inputs, layer, class_):
    import keras
    import tensorflow as tf

    given = [tf.constant(inputs[one.name]) for one in model.inputs]
    activation = keras.Model(model.inputs, model.get_layer(layer).output)(given)
    start = keras.Input(activation.shape[1:])
    # The rest of the network, from the last convolution on, with the other input as it is.
    rest = keras.Model([start, model.inputs[1]], _rest(model, layer, start))
    with tf.GradientTape() as tape:
        tape.watch(activation)
        logit = rest([activation, given[1]])[:, class_]
    return tf.reduce_sum(activation * tape.gradient(logit, activation), axis=2).numpy()


def _rest(model, layer, start):
    flat = model.get_layer("flat" if any(one.name == "flat" for one in model.layers) else "pooled")(start)
    other = model.get_layer("both").input[1]
    x = model.get_layer("both")([flat, other])
    x = model.get_layer("embedding")(x)
    return model.layers[-1](x)


def test_logits_are_those_of_keras(shipped):
    contract, model, inputs = shipped
    served = opened_from(contract).run("logits", **inputs)
    np.testing.assert_allclose(served, model(list(inputs.values())).numpy(), atol=1e-4)


def test_heat_is_activation_times_gradient(shipped):
    contract, model, inputs = shipped
    served = opened_from(contract).run("heat", **inputs)
    layer = contract.training["layers"]["convolution"]
    for position in range(len(contract.labels)):
        expected = by_differentiation(model, inputs, layer, position)
        np.testing.assert_allclose(served[:, position], expected, atol=1e-4)


def test_networks_are_small(shipped):
    assert all(one.count_params() <= 300_000 for one in members_of(shipped[1]))


@pytest.mark.parametrize("name", ["beat-resnet", "rhythm-vf"])
def test_an_untrained_network_survives_the_export(name, keras, tmp_path, beat_inputs, segment_inputs):
    """The recipe itself, not only its product."""
    from ml.training.export import export_signal_onnx

    keras.utils.set_random_seed(1)
    network, count = builders()[name]
    model = network.build(mean=np.full(count, 0.1), spread=np.full(count, 0.7))
    export_signal_onnx(model, tmp_path / "model.onnx", layers=network.LAYERS)
    inputs = beat_inputs if name == "beat-resnet" else segment_inputs
    opened = opened_from(dataclasses.replace(registry.load(name), folder=tmp_path))
    np.testing.assert_allclose(
        opened.run("logits", **inputs), model(list(inputs.values())).numpy(), atol=1e-4
    )
