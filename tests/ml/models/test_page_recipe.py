"""The recipe of the page models: drawing, heads, what learns and what does not, folds and controls, on made features."""

import dataclasses

import numpy as np
import pytest

from ml.datasets.simulated_recording import simulate_recording
from ml.models.page_pictures.augment import vary_page
from ml.models.page_pictures.drawing import draw_prepared
from ml.preprocessing.page_image import SHAPE, LeadBox, PageSource
from ml.recordings.leads import TWELVE


def leads(seed=3):
    recording = simulate_recording(
        seconds=10.1, fs=500.0, leads=TWELVE, noise_mv=0.0, wander_mv=0.0, seed=seed
    )
    return recording.signals[:, 25:5025].astype(np.float32)


@pytest.fixture(scope="module")
def parts(keras):
    from ml.models.page_pictures import controls, folds, head, joint
    from ml.models.page_pictures.data import RealPages

    box = LeadBox(lead="I", rhythm=False, left=10.0, right=70.0, baseline=30.0, start_s=0.0, seconds=2.4)
    paper = np.full((240, 400), 230, dtype=np.uint8)
    source = PageSource(ink=np.zeros_like(paper), grey=paper, boxes=(box,), mm_per_mv=10.0)
    classes = np.arange(80) % 4
    pages = RealPages(
        sources=(source,) * 80,
        headers=np.zeros((80, 96, 512), dtype=np.uint8),
        classes=classes,
        groups=np.array([f"device {i // 8}" for i in range(80)]),
        names=np.array([f"{i}.webp" for i in range(80)]),
        refused=(("mi", "page_no_grid"), ("mi", "page_no_grid"), ("normal", "page_glare")),
    )
    return {
        "controls": controls,
        "folds": folds,
        "head": head,
        "joint": joint,
        "pages": pages,
        "keras": keras,
    }


def test_a_drawn_page_is_a_prepared_page_and_the_same_state_draws_the_same():
    one, again, other = (draw_prepared(leads(), 500.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == SHAPE
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert 0.005 < (one > 100).mean() < 0.2


def test_a_varied_page_keeps_its_shape_and_most_of_its_ink():
    page = draw_prepared(leads(), 500.0, np.random.default_rng(1))
    rng = np.random.default_rng(0)
    for _ in range(8):
        varied = vary_page(page, rng)
        assert varied.shape == page.shape
        assert varied.dtype == np.uint8
        assert 0.4 < varied.mean() / page.mean() < 2.5


def test_weights_per_place_give_the_logit(parts):
    head, keras = parts["head"], parts["keras"]
    rng = np.random.default_rng(0)
    for shape in ((8, 16, 3), (16, 3)):
        evidence = rng.random((2, *shape)).astype(np.float32)
        given = keras.Input(shape)
        dense = keras.layers.Dense(4)
        model = keras.Model(given, dense(head.pooled(given)))
        kernel, bias = dense.get_weights()
        places = evidence[:, None] if evidence.ndim == 3 else evidence
        whole = np.einsum("bhwd,hwdc->bc", places, head.per_place(kernel, shape)) + bias
        assert whole == pytest.approx(model(evidence).numpy(), abs=1e-4)
        assert (head.class_maps(evidence, kernel, np.array([0, 1])) >= 0).all()


def joined(parts, count=40):
    joint, folds = parts["joint"], parts["folds"]
    parts["keras"].utils.set_random_seed(1)
    shapes = {"page-cnn": (16, 32, 8), "page-mobilenet": (16, 32, 8), "page-vgg16": (8, 16, 8)}
    tops = {name: joint.top_of(folds.recipe(name), shape, None) for name, shape in shapes.items()}
    rng = np.random.default_rng(0)
    classes = np.arange(count) % 4
    features = {}
    for name, (high, wide, depth) in shapes.items():
        made = rng.random((count, 2 if name == "page-cnn" else 1, high, wide, depth))
        made[np.arange(count), :, :, :, classes] += 1.0
        features[name] = made.astype(np.float16)
    return joint.joint_network(tops), features, classes


def test_all_learn_at_once_and_the_fusion_leaves_its_members_alone(parts):
    joint, keras = parts["joint"], parts["keras"]
    learnt, features, classes = joined(parts)
    assert learnt.names == ("page-cnn", "page-mobilenet", "page-vgg16", "page-fusion")
    import tensorflow as tf

    given = [features[name][:, 0].astype(np.float32) for name in learnt.tops]
    with tf.GradientTape() as tape:
        fused = tf.reduce_sum(learnt.joint(given)[-1][:, 0])
    weights = learnt.tops["page-cnn"].trainable_variables
    assert all(gradient is None for gradient in tape.gradient(fused, [one.value for one in weights]))
    joint.fit_joint(learnt, features, classes, epochs=15, seed=1)
    for logits in joint.joint_logits(learnt, features).values():
        assert (logits.argmax(axis=1) == classes).mean() > 0.7
    assert keras.backend.backend() == "tensorflow"


def test_folds_keep_devices_on_one_side(parts):
    folds, pages = parts["folds"], parts["pages"]
    for inside, outside in folds.outer_folds(pages, 0):
        learn, held = folds.calibration_split(pages, inside, 1)
        sides = [set(pages.groups[side]) for side in (learn, held, outside)]
        assert sum(map(len, sides)) == len(set.union(*sides)) == 10
    assert pages.refusals() == {
        "Myocardial infarction": {"page_no_grid": 2},
        "Normal ECG": {"page_glare": 1},
    }


def test_finished_folds_are_kept(parts, tmp_path, monkeypatch):
    monkeypatch.setenv("CARDIOCARE_PAGES_CACHE", str(tmp_path))
    folds, pages = parts["folds"], parts["pages"]
    asked = []

    def fit(learn, held, outside, seed):
        asked.append(seed)
        return {
            "model": folds.answered(
                np.eye(4)[pages.classes[held]] * 3, np.eye(4)[pages.classes[outside]] * 3, pages, held
            )
        }

    first = folds.cross_validated(pages, fit, name="made", repeats=1)
    again = folds.cross_validated(pages, fit, name="made", repeats=1)
    assert len(asked) == 5
    assert np.array_equal(first["model"].probability, again["model"].probability)
    assert sorted(first["model"].positions) == list(range(80))
    assert (first["model"].probability.argmax(axis=1) == pages.classes[first["model"].positions]).all()


def test_controls_see_only_what_they_should(parts):
    controls, pages = parts["controls"], parts["pages"]
    page = np.zeros((1, *SHAPE), dtype=np.uint8)
    page[0, 30:34] = 255  # on a base line
    assert controls.borders(page).max() == 0
    assert controls.whole(page).max() > 0
    inked = np.zeros_like(pages.sources[0].ink)
    inked[100:104, 50:300] = 255
    grey = np.where(inked > 0, 0, pages.sources[0].grey).astype(np.uint8)
    one = dataclasses.replace(pages.sources[0], ink=inked, grey=grey)
    assert controls.papers(dataclasses.replace(pages, sources=(one,))).min() > 200
