import numpy as np
import pytest

from ml import registry
from ml.datasets.simulated import simulate_recording
from ml.preprocessing.beat_signal import prepare_beats

NAMES = {"convolution": "last_convolution", "embedding": "embedding"}


@pytest.fixture(scope="module")
def model(keras):
    return keras.models.load_model(registry.load("beat-resnet").folder / "model.keras", compile=False)


@pytest.fixture(scope="module")
def inputs():
    made = simulate_recording((["Normal"] * 6 + ["PVC"]) * 5, seed=6)
    beats = prepare_beats(made.signal, made.fs, made.r_samples)
    return {"window": beats.windows, "features": beats.features}


def test_random_weights_change_the_heat(model, inputs):
    from ml.explain.signal_checks import randomisation_likeness

    classes = np.full(len(inputs["window"]), 4)
    assert abs(randomisation_likeness(model, inputs, classes, layers=NAMES, seed=0)) < 0.7


def test_checking_does_not_change_the_model(model, inputs):
    from ml.explain.signal_checks import heat, randomisation_likeness

    classes = np.full(len(inputs["window"]), 4)
    before = heat(model, inputs, classes, layers=NAMES)
    randomisation_likeness(model, inputs, classes, layers=NAMES, seed=0)
    np.testing.assert_array_equal(heat(model, inputs, classes, layers=NAMES), before)


def test_deletion_of_everything_is_deletion_of_anything(model, inputs):
    from ml.explain.signal_checks import deletion

    classes = np.full(len(inputs["window"]), 4)
    found = deletion(model, inputs, classes, layers=NAMES, signal="window", temperature=1.0, part=1.0, seed=0)
    assert found["drop_of_map"] == found["drop_of_random"]
