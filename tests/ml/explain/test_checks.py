import functools

import numpy as np

from ml.datasets.simulated import beat_picture
from ml.explain.checks import deletion
from ml.preprocessing.beat_image import prepare_beat_image


def test_deleting_what_counts_drops_more_than_deleting_at_random():
    def probability(images):
        ink = images[:, :16, :16, 0].mean(axis=(1, 2)) / 255.0
        return np.stack([ink, 1 - ink], axis=1)

    images = np.full((4, 64, 64, 1), 255, dtype=np.uint8)
    maps = np.zeros((4, 16, 16), dtype=np.float32)
    maps[:, :4, :4] = 1.0
    found = deletion(probability, images, maps, np.zeros(4, dtype=int), part=1 / 16, seed=0)
    assert found["drop_of_map"] == 1.0
    assert found["drop_of_random"] < 0.3


def test_random_weights_give_another_map(keras_model, contract):
    from ml.explain.checks import randomisation_likeness
    from ml.explain.gradcam import gradcam

    before = [weights.copy() for weights in keras_model.get_weights()]
    images = np.stack([prepare_beat_image(beat_picture("PVC", seed=i)) for i in range(6)])
    maps = functools.partial(gradcam, layer=contract.training["layers"]["convolution"])
    likeness = randomisation_likeness(keras_model, images, np.full(6, 4), maps=maps, seed=3)
    assert likeness < 0.6
    for one, other in zip(before, keras_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_shipped_model_passed_both_checks(contract):
    sanity = contract.sanity
    assert abs(sanity["randomised_weights_rank_correlation"]) < 0.5
    assert sanity["deletion"]["drop_of_map"] > sanity["deletion"]["drop_of_random"]
