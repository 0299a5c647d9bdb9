"""Training and answering fold by fold, on a few simulated beats."""

import numpy as np
import pytest

from ml.datasets.beats import LABELS, Beats
from ml.datasets.simulated import beat_picture
from ml.preprocessing.beat_image import prepare_beat_image

PEOPLE = 8
# Keras 3.15 reads its learning rate in a way that NumPy 2 warns about; nothing of ours can change it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def made():
    from ml.models.beat_pictures.comparison.material import Fold, Material
    from ml.models.beat_pictures.fitting import Examples

    count = PEOPLE * len(LABELS)
    labels = np.array([LABELS[i % len(LABELS)] for i in range(count)])
    pictures = np.stack(
        [prepare_beat_image(beat_picture(str(label), seed=i)) for i, label in enumerate(labels)]
    )
    beats = Beats(
        windows=np.zeros((count, 651), dtype=np.float32),
        labels=labels,
        records=np.array([f"mitdb/{i // len(LABELS)}" for i in range(count)]),
        samples=np.arange(count),
    )
    side = np.arange(count) // len(LABELS)
    folds = tuple(Fold(learnt=side % 2 != k, stopped=side % 2 != k, held_out=side % 2 == k) for k in (0, 1))
    classes = np.array([LABELS.index(str(label)) for label in labels])
    drawn = Examples(variants=pictures[:, None], classes=classes)
    return Material(pool=beats, drawn=drawn, tested=beats, shown=np.stack([pictures, pictures]), folds=folds)


def test_every_beat_is_answered_by_a_network_that_had_not_seen_it_and_no_fold_is_made_twice(
    keras, made, tmp_path
):
    from ml.models.beat_pictures.comparison.answers import answers
    from ml.models.beat_spectral.card import RECIPE

    found = answers([RECIPE], made, tmp_path, tmp_path / "work", epochs=1)[RECIPE.name]
    assert found.shape == (2, len(made.tested), len(LABELS))
    np.testing.assert_allclose(found.sum(axis=2), 1.0)
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    files = sorted((tmp_path / "work").glob("*.npy"))
    assert len(files) == len(made.folds)
    kept = np.load(files[0])
    np.save(files[0], np.full_like(kept, 0.5))
    again = answers([RECIPE], made, tmp_path, tmp_path / "work", epochs=1)[RECIPE.name]
    held_out = made.folds[0].held_out
    np.testing.assert_allclose(again[:, held_out], 1.0 / len(LABELS))
    np.testing.assert_allclose(again[:, ~held_out], found[:, ~held_out])
