"""The networks of the comparison before any training."""

import numpy as np
import pytest

from ml.datasets.beats import DataNotFoundError
from ml.preprocessing.beat_image import prepare_beat_image


def test_spectral_kernels_answer_to_their_own_frequency():
    from ml.models.beat_spectral.network import FREQUENCIES_HZ, RATE_HZ, stft_kernels, wavelet_kernels

    seconds = np.arange(64) / RATE_HZ
    # A wavelet near half the rate is too short to tell frequencies apart, and a window of half a second the lowest ones.
    for kernels, least, most in ((stft_kernels(), 4, len(FREQUENCIES_HZ)), (wavelet_kernels(), 2, 8)):
        length = len(kernels)
        np.testing.assert_allclose(kernels.sum(axis=0), 0.0, atol=1e-4)
        for position in range(least, most):
            wave = np.cos(2.0 * np.pi * FREQUENCIES_HZ[position] * seconds)[:length]
            parts = (wave @ kernels[:, 0]).reshape(2, -1)
            assert abs(int((parts**2).sum(axis=0).argmax()) - position) <= 1


def test_spectral_network_reads_height_and_not_thickness_alone(keras):
    from ml.models.beat_spectral import network

    keras.utils.set_random_seed(0)
    model = network.build()
    flat = np.zeros((1, 64, 64, 1), dtype=np.float32)
    flat[:, 32] = 255.0
    wave = np.zeros_like(flat)
    rows = (32 + 20 * np.sin(np.arange(64) / 3.0)).astype(int)
    wave[0, rows, np.arange(64)] = 255.0
    assert np.abs(model(flat).numpy() - model(wave).numpy()).max() > 1e-3
    fixed = [layer for layer in model.layers if layer.name.startswith(("stft", "wavelet"))]
    assert len(fixed) == 4
    assert not any(layer.trainable_weights for layer in fixed)


@pytest.mark.parametrize(
    "name", ["beat_spectral", "beat_hybrid", "beat_efficientnet", "beat_efficientnet_lstm"]
)
def test_the_mean_of_the_evidence_is_what_the_last_layer_reads(keras, name):
    import importlib

    from ml.models.beat_pictures.recipe import EMBEDDING, EVIDENCE

    model = importlib.import_module(f"ml.models.{name}.network").build()
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 1)).astype(np.float32)
    parts = keras.Model(model.input, [model.get_layer(EVIDENCE).output, model.get_layer(EMBEDDING).output])
    evidence, embedding = (value.numpy() for value in parts(images))
    np.testing.assert_allclose(evidence.reshape(3, -1, evidence.shape[-1]).mean(axis=1), embedding, atol=1e-5)
    weights, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(model(images).numpy(), embedding @ weights + bias, atol=1e-4)


def stored_weights(folder):
    """Random arrays under the names of the published weights."""
    from ml.models.efficientnet.backbone import BLOCKS, STEM, WEIGHTS

    rng = np.random.default_rng(0)
    arrays = {"_conv_stem.weight": rng.normal(size=(STEM, 3, 3, 3)) * 0.1}
    norms = {"_bn0": STEM}
    before = STEM
    for position, (kernel, _, expansion, channels) in enumerate(BLOCKS):
        wide, block = before * expansion, f"_blocks.{position}."
        if expansion > 1:
            arrays[f"{block}_expand_conv.weight"] = rng.normal(size=(wide, before, 1, 1)) * 0.1
            norms[f"{block}_bn0"] = wide
        arrays[f"{block}_depthwise_conv.weight"] = rng.normal(size=(wide, 1, kernel, kernel)) * 0.1
        arrays[f"{block}_project_conv.weight"] = rng.normal(size=(channels, wide, 1, 1)) * 0.1
        norms |= {f"{block}_bn1": wide, f"{block}_bn2": channels}
        before = channels
    for name, count in norms.items():
        for part in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{name}.{part}"] = rng.uniform(0.5, 1.5, count)
    place = folder / "imagenet_weights" / WEIGHTS
    place.parent.mkdir()
    np.savez(place, **{name: value.astype(np.float16) for name, value in arrays.items()})
    return arrays


def test_transferred_weights_are_folded_with_their_normalisation(keras, tmp_path):
    from ml.models.beat_efficientnet import network
    from ml.models.efficientnet.backbone import load_weights

    arrays = stored_weights(tmp_path)
    model = network.build()
    load_weights(model, tmp_path)
    kernel, bias = model.get_layer("block_3_depthwise_conv").get_weights()
    image = np.random.default_rng(1).normal(size=(1, 9, 9, kernel.shape[2])).astype(np.float32)
    alone = keras.ops.depthwise_conv(image, kernel, strides=1, padding="same").numpy() + bias
    plain = arrays["_blocks.3._depthwise_conv.weight"].transpose(2, 3, 0, 1)
    convolved = keras.ops.depthwise_conv(image, plain.astype(np.float32), strides=1, padding="same").numpy()
    norm = {
        part: arrays[f"_blocks.3._bn1.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    }
    scaled = (convolved - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-3)
    np.testing.assert_allclose(alone, scaled * norm["weight"] + norm["bias"], atol=2e-2)


def test_what_does_not_learn_is_computed_once(keras, tmp_path):
    from ml.datasets.simulated import beat_picture
    from ml.models.beat_efficientnet.card import RECIPE

    stored_weights(tmp_path)
    model = RECIPE.network(tmp_path)
    images = np.stack([prepare_beat_image(beat_picture("PVC", seed=i)) for i in range(3)])
    seen = RECIPE.seen(model, images)
    assert seen.dtype == np.float16
    learner = RECIPE.learner(model)
    assert len(learner.trainable_weights) < len(model.trainable_weights)
    whole = model(images.astype(np.float32)).numpy()
    np.testing.assert_allclose(
        learner(seen.astype(np.float32)).numpy(), whole, atol=0.05 * np.abs(whole).max()
    )


def test_missing_weights_are_named(keras, tmp_path):
    from ml.models.beat_efficientnet.card import RECIPE

    with pytest.raises(DataNotFoundError, match="no weights of EfficientNet-Lite0"):
        RECIPE.network(tmp_path)
