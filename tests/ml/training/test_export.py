"""The exported graph against the reference: logits, embeddings, and Grad-CAM by automatic differentiation."""

import numpy as np
import pytest

from ml.datasets.beats import LABELS
from ml.datasets.simulated import beat_picture
from ml.preprocessing.beat_image import prepare_beat_image
from ml.serving.session import OnnxNetwork


@pytest.fixture(scope="module")
def images():
    return np.stack([prepare_beat_image(beat_picture(label, seed=i)) for i, label in enumerate(LABELS)])


@pytest.fixture(scope="module")
def answer(contract, images):
    return OnnxNetwork(contract)(images)


def test_logits_are_those_of_keras(answer, keras_model, images):
    np.testing.assert_allclose(answer.logits, keras_model(images.astype(np.float32)).numpy(), atol=1e-4)


def test_maps_are_grad_cam_of_every_class(answer, keras_model, images, contract):
    from ml.explain.gradcam import gradcam

    layer = contract.training["layers"]["convolution"]
    for position in range(len(LABELS)):
        classes = np.full(len(images), position)
        expected = gradcam(keras_model, images, classes=classes, layer=layer)
        np.testing.assert_allclose(answer.cam[:, position], expected, atol=1e-4)


def test_tensorflow_fallback_gives_the_same(answer, keras_model, images, contract):
    from ml.training.export import ServingGraph

    layers = contract.training["layers"]
    outputs = ServingGraph(
        keras_model, convolution=layers["convolution"], embedding=layers["embedding"]
    ).call(images)
    for name in ("logits", "embedding", "cam"):
        np.testing.assert_allclose(outputs[name].numpy(), getattr(answer, name), atol=1e-4)


def test_one_picture_alone_and_in_a_batch_are_the_same(answer, contract, images):
    alone = OnnxNetwork(contract)(images[2:3])
    np.testing.assert_allclose(alone.logits[0], answer.logits[2], atol=1e-5)


def test_scaling_is_inside_the_model(keras_model, images, keras):
    assert any(isinstance(layer, keras.layers.Rescaling) for layer in keras_model.layers)
    scaled_twice = keras_model(images.astype(np.float32) / 255.0).numpy()
    assert np.abs(scaled_twice - keras_model(images.astype(np.float32)).numpy()).max() > 1.0


def test_an_untrained_network_survives_the_export(keras, tmp_path):
    """The recipe itself, not only its product."""
    import dataclasses

    from ml.models.beat_cnn import network
    from ml.registry import load
    from ml.training.export import export_onnx

    keras.utils.set_random_seed(1)
    model = network.build()
    layers = {"convolution": network.LAST_CONVOLUTION, "embedding": network.EMBEDDING}
    export_onnx(model, tmp_path / "model.onnx", layers=layers)
    exported = OnnxNetwork(dataclasses.replace(load("beat-cnn"), folder=tmp_path))
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 1), dtype=np.uint8)
    np.testing.assert_allclose(exported(noise).logits, model(noise.astype(np.float32)).numpy(), atol=1e-4)
