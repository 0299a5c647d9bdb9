"""The parts of beat-resnet's recipe: which beats an epoch shows, further beats, and the shift of rare classes."""

import dataclasses
import itertools

import numpy as np
import pytest

from ml.datasets.simulated import simulate_recording
from ml.models.beat_resnet import data
from ml.models.beat_resnet.classes import LABELS
from ml.models.beat_resnet.shift import best_shift
from ml.preprocessing.beat_signal import FEATURES, LEADS, LENGTH, prepare_beats
from ml.training import loop
from ml.training.intermittent import WAYS
from ml.training.resequence import FIBRILLATION, KINDS

SEQUENCE = (["Normal"] * 8 + ["PAC"] + ["Normal"] * 7 + ["PVC"]) * 3
NORMAL, RBBB, PAC, PVC = (LABELS.index(name) for name in ("Normal", "RBBB", "PAC", "PVC"))


@pytest.fixture(scope="module")
def examples():
    made = simulate_recording(SEQUENCE, seed=3)
    beats = prepare_beats(made.signal, made.fs, made.r_samples)
    classes = np.array([LABELS.index(label) for label in SEQUENCE])
    return data.Examples(
        windows=beats.windows,
        features=beats.features,
        classes=classes,
        symbols=np.array(["N", "L", "R", "A", "V", "F"])[classes],
        records=np.full(len(classes), "mitdb/900"),
    )


def test_beats_are_laid_in_every_kind_of_rhythm(examples):
    made = data.remade(examples, KINDS, fewest=3, copies=2, seed=1)
    names, counts = np.unique(made.records, return_counts=True)
    assert set(names.tolist()) == {f"made-{kind}/mitdb/900" for kind in KINDS}
    assert counts.min() >= 2 * 60
    assert {NORMAL, PAC} <= set(made.classes.tolist()) <= {NORMAL, PAC, PVC}
    np.testing.assert_array_equal(made.classes == PAC, made.symbols == "A")


def test_recordings_without_premature_beats_are_left_out(examples):
    assert len(data.remade(examples, KINDS, fewest=10, seed=1)) == 0


def test_fibrillation_needs_no_premature_beats(examples):
    usual = examples.take(examples.classes == NORMAL)
    made = data.remade(usual, (FIBRILLATION,), fewest=0, seed=1)
    assert set(made.classes.tolist()) == {NORMAL}


def test_blocks_come_and_go_in_made_recordings(examples):
    first, *others = (
        dataclasses.replace(
            examples, records=np.full(len(examples), f"ptbxl/{number}"), classes=classes, symbols=symbols
        )
        for number, (classes, symbols) in enumerate(
            [
                (examples.classes, examples.symbols),
                (np.full(len(examples), NORMAL), np.full(len(examples), "N")),
                (np.full(len(examples), RBBB), np.full(len(examples), "R")),
            ]
        )
    )
    everything = data.joined([first, *others])
    made = data.with_blocks(everything, 8, seed=1)
    assert {name.split("/")[0] for name in made.records.tolist()} == {f"made-block-{way}" for way in WAYS}
    assert {NORMAL, RBBB} <= set(made.classes.tolist()) <= {NORMAL, RBBB, PVC}
    np.testing.assert_array_equal(made.classes == RBBB, made.symbols == "R")
    assert len(data.with_blocks(first, 8, seed=1)) == 0


def test_an_epoch_shows_at_most_so_many_of_each_group():
    groups = np.array([0] * 50 + [1] * 3 + [7] * 20)
    first, second = (loop.capped(groups, 10, np.random.default_rng(seed)) for seed in (0, 1))
    for drawn in (first, second):
        assert len(set(drawn.tolist())) == len(drawn) == 23
        assert np.bincount(groups[drawn]).tolist() == [10, 3, 0, 0, 0, 0, 0, 10]
    assert set(first.tolist()) != set(second.tolist())


def test_an_epoch_shows_further_beats_by_their_source(keras, examples):
    from ml.models.beat_resnet.fitting import Settings, _Epochs

    other = dataclasses.replace(examples, records=np.full(len(examples), "ptbxl/1"))
    made = data.remade(examples, ("single",), fewest=3, seed=1)
    settings = Settings(per_record=4, rare=1, others=3)
    bank = np.zeros((2, 1000), dtype=np.float32)
    shown = _Epochs(examples, data.joined([other, made]), bank, settings, 0)
    targets = np.concatenate([batch[1] for batch in shown.batches()])
    sources = 1 + len(np.unique(made.classes)) / 3
    assert targets.sum() == 4 + 3 + 3 + 9 * sources
    assert shown.steps() == 1
    assert next(shown.batches())[0][0].shape[1:] == (LEADS, LENGTH, 2)


def test_the_shift_undoes_a_bias_against_normal_beats():
    rng = np.random.default_rng(0)
    classes = rng.choice([NORMAL, PAC, PVC], 3000, p=[0.9, 0.04, 0.06])
    logits = 4.0 * np.eye(len(LABELS))[classes] + rng.normal(0.0, 1.0, (3000, len(LABELS)))
    logits[:, [PAC, PVC]] += 2.0
    shift = best_shift(logits, classes)
    assert shift[PAC] < -0.5
    assert shift[PVC] < -0.5
    others = [i for i in range(len(LABELS)) if i not in {PAC, PVC}]
    assert not shift[others].any()


def test_the_shift_is_part_of_the_networks(keras):
    from ml.models.beat_resnet import network
    from ml.models.beat_resnet.shift import move

    spread = {"mean": np.zeros(FEATURES), "spread": np.ones(FEATURES)}
    members = [network.build(**spread, filters=4), network.build_plain(**spread)]
    inputs = [np.ones((2, LEADS, LENGTH, 2), np.float32), np.ones((2, FEATURES), np.float32)]
    before = network.together(members)(inputs).numpy()
    shift = np.arange(len(LABELS)) / 10.0
    move(members, shift)
    np.testing.assert_allclose(network.together(members)(inputs).numpy(), before + shift, atol=1e-5)


def test_rhythm_and_form_alone_cannot_tell_blocks_from_normal_beats(keras):
    from ml.models.beat_resnet import network

    model = network.build_plain(mean=np.zeros(FEATURES), spread=np.ones(FEATURES))
    features = np.random.default_rng(1).normal(size=(5, FEATURES)).astype(np.float32)
    logits = model([np.zeros((5, LEADS, LENGTH, 2), np.float32), features]).numpy()
    for one, other in itertools.pairwise(("Normal", "LBBB", "RBBB")):
        np.testing.assert_array_equal(logits[:, LABELS.index(one)], logits[:, LABELS.index(other)])
    assert np.ptp(logits[:, [NORMAL, PAC, PVC]], axis=1).min() > 0


def test_the_network_reads_p_wave_and_complex_only(keras):
    from ml.models.beat_resnet import network

    model = network.build(mean=np.zeros(FEATURES), spread=np.ones(FEATURES), filters=4)
    rng = np.random.default_rng(2)
    windows = rng.normal(size=(3, LEADS, LENGTH, 2)).astype(np.float32)
    features = np.zeros((3, FEATURES), np.float32)
    other = windows.copy()
    other[:, :, : network.FROM] = other[:, :, network.TO :] = 0.0
    np.testing.assert_allclose(model([windows, features]), model([other, features]), atol=1e-5)
    last = model.get_layer(network.LAST_CONVOLUTION).output
    assert last.shape[1] == network.STEPS
