import numpy as np
import pytest

# Keras 3.15 asks its variables for arrays in a way that NumPy 2 warns about; nothing of ours can change it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def toy(keras):
    keras.utils.set_random_seed(0)
    given = keras.Input((2,), name="x")
    return keras.Model([given], keras.layers.Dense(2)(given))


class Shown:
    """Points whose class is the sign of their first coordinate."""

    def __init__(self):
        self.x = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
        self.y = np.eye(2, dtype=np.float32)[(self.x[:, 0] > 0).astype(int)]

    def batches(self):
        yield [self.x[:300]], self.y[:300]
        yield [self.x[300:]], self.y[300:]

    def steps(self):
        return 2


def test_it_learns_and_ends_with_the_best_epoch(toy, tmp_path):
    from ml.training.loop import logits_of, run

    shown = Shown()
    best = run(toy, shown, epochs=40, rate=0.1, smoothing=0.0, checkpoint=tmp_path / "best.weights.h5")
    assert best == 40
    right = logits_of(toy, shown.x).argmax(axis=1) == shown.y.argmax(axis=1)
    assert right.mean() > 0.95


def test_it_stops_when_other_records_get_no_better(toy, tmp_path):
    from ml.training.loop import PATIENCE, logits_of, run

    watched = iter([3.0, 1.0, *([2.0] * 50)])
    seen = []

    def watch(model):
        seen.append(logits_of(model, np.eye(2, dtype=np.float32)))
        return next(watched)

    best = run(
        toy,
        Shown(),
        epochs=50,
        rate=0.1,
        smoothing=0.0,
        checkpoint=tmp_path / "best.weights.h5",
        watch=watch,
    )
    assert (best, len(seen)) == (2, 2 + PATIENCE)
    np.testing.assert_allclose(logits_of(toy, np.eye(2, dtype=np.float32)), seen[1], atol=1e-6)


def test_balanced_draws_at_most_so_many_of_each_record_and_class():
    from ml.training.loop import balanced

    records = np.array(["a"] * 10 + ["b"] * 3)
    classes = np.array([0] * 8 + [1] * 2 + [0] * 3)
    chosen = balanced(records, classes, 3, np.random.default_rng(0))
    assert sorted(zip(records[chosen].tolist(), classes[chosen].tolist(), strict=True)) == (
        [("a", 0)] * 3 + [("a", 1)] * 2 + [("b", 0)] * 3
    )
    assert (np.diff(chosen) > 0).all()
