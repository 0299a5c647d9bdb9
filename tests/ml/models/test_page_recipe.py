"""The recipe of the page models: drawing, heads, what learns and what does not, folds and controls, on made features."""

import dataclasses

import numpy as np
import pytest

from ml.datasets.simulated_recording import simulate_recording
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
    from ml.models.page_pictures import controls, folds, head, last_layer
    from ml.models.page_pictures.data import RealPages

    box = LeadBox(lead="I", rhythm=False, left=10.0, right=70.0, baseline=30.0, start_s=0.0, seconds=2.4)
    paper = np.full((240, 400), 230, dtype=np.uint8)
    source = PageSource(ink=np.zeros_like(paper), grey=paper, boxes=(box,), mm_per_mv=10.0)
    classes = np.arange(80) % 4
    pages = RealPages(
        sources=(source,) * 80,
        headers=np.zeros((80, 96, 512), dtype=np.uint8),
        leads=np.zeros((80, 250, 12), dtype=np.float32),
        classes=classes,
        groups=np.array([f"device {i // 8}" for i in range(80)]),
        names=np.array([f"{i}.webp" for i in range(80)]),
        refused=(("mi", "page_no_grid"), ("mi", "page_no_grid"), ("normal", "page_glare")),
    )
    return {
        "controls": controls,
        "folds": folds,
        "head": head,
        "last_layer": last_layer,
        "pages": pages,
        "keras": keras,
    }


def test_a_drawn_page_is_a_prepared_page_and_the_same_state_draws_the_same():
    one, again, other = (draw_prepared(leads(), 500.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == SHAPE
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert 0.005 < (one > 100).mean() < 0.2


def test_weights_per_place_give_the_logit(parts):
    head, keras = parts["head"], parts["keras"]
    rng = np.random.default_rng(0)
    for shape in ((8, 16, 3), (16, 3)):  # the whole picture, or its columns
        evidence = rng.random((2, *shape)).astype(np.float32)
        given = keras.Input(shape)
        dense = keras.layers.Dense(4)
        model = keras.Model(given, dense(head.pooled(given)))
        kernel, bias = dense.get_weights()
        places = evidence[:, None] if evidence.ndim == 3 else evidence
        whole = np.einsum("bhwd,hwdc->bc", places, head.per_place(kernel, shape)) + bias
        assert whole == pytest.approx(model(evidence).numpy(), abs=1e-4)
        assert (head.class_maps(evidence, kernel, np.array([0, 1])) >= 0).all()


def test_heat_of_leads_lies_on_every_lead_alike_and_keeps_its_sum(parts):
    head = parts["head"]
    maps = np.random.default_rng(0).random((2, 1, 16))
    page = head.over_leads(maps)
    assert page.shape == (2, *head.LAID)
    assert page.sum(axis=(1, 2)) == pytest.approx(maps.sum(axis=(1, 2)))
    assert page[:, 12:].max() == 0
    assert np.array_equal(page[:, 0, :8], page[:, 11, 24:])
    kernel = np.ones((3, 4), dtype=np.float32)  # of a mean over time
    assert head.per_place(kernel, (16, 3)).sum(axis=(0, 1)) == pytest.approx(kernel)


def made_embeddings(count=80):
    rng = np.random.default_rng(0)
    classes = np.arange(count) % 4
    embeddings = {}
    for name, depth in (
        ("page-cnn", 24),
        ("page-mobilenet", 40),
        ("page-vgg16", 12),
        ("page-signals", 16),
    ):
        made = rng.normal(5.0, 2.0, (count, depth)).astype(np.float32)
        made[np.arange(count), classes] += 5.0
        made[:, -1] = 1.0  # a feature that never varies
        embeddings[name] = made
    return embeddings, classes, np.array([f"device {i // 2}" for i in range(count)])


def test_last_layers_learn_and_the_fusion_is_better_than_its_members(parts):
    last_layer = parts["last_layer"]
    embeddings, classes, groups = made_embeddings()
    learn, outside = np.arange(40), np.arange(40, 80)
    layers = last_layer.fit_all(embeddings, learn, classes, groups, seed=1)
    assert tuple(layers) == (*last_layer.JOINED, "page-fusion")
    right = {}
    for name, layer in layers.items():
        given = last_layer.embedding_of(name, embeddings)
        assert layer.kernel.shape == (given.shape[1], 4)
        right[name] = (layer.logits(given[outside]).argmax(axis=1) == classes[outside]).mean()
    assert right["page-fusion"] > 0.8
    assert right["page-fusion"] >= max(right.values()) - 1e-9


def test_what_is_learnt_does_not_depend_on_the_units_of_a_member(parts):
    last_layer = parts["last_layer"]
    embeddings, classes, groups = made_embeddings()
    both = [embeddings["page-cnn"], embeddings["page-vgg16"]]
    scaled = [both[0] * 100.0, both[1] - 7.0]
    first = last_layer.fit_last_layer(both, classes, groups, seed=1)
    second = last_layer.fit_last_layer(scaled, classes, groups, seed=1)
    logits = first.logits(np.concatenate(both, axis=1))
    assert second.logits(np.concatenate(scaled, axis=1)) == pytest.approx(logits, abs=0.02)


def test_a_class_without_pages_is_never_named(parts):
    last_layer = parts["last_layer"]
    embeddings, classes, groups = made_embeddings()
    rows = np.flatnonzero(classes != 2)
    layer = last_layer.fit_all(embeddings, rows, classes, groups, seed=1)["page-fusion"]
    assert (layer.logits(last_layer.embedding_of("page-fusion", embeddings)).argmax(axis=1) != 2).all()


def test_embeddings_are_kept_by_the_content_of_pages_and_weights(parts, tmp_path, monkeypatch):
    monkeypatch.setenv("CARDIOCARE_PAGES_CACHE", str(tmp_path))
    from ml.models.page_pictures import pretraining

    own, keras = parts["folds"].recipe("page-cnn"), parts["keras"]
    asked = []

    def run(model, pictures):
        asked.append(len(pictures))
        return model.predict_on_batch(pictures.astype(np.float32)).astype(np.float16)

    monkeypatch.setattr(pretraining, "run", run)
    given = keras.Input(SHAPE)
    model = keras.Model(given, keras.layers.GlobalAveragePooling2D(name=parts["head"].EMBEDDING)(given))
    pages = np.stack([np.full(SHAPE, value, dtype=np.uint8) for value in (10, 20, 10)])
    assert pretraining.embeddings_of(model, own, pages[:2]).tolist() == [[10.0], [20.0]]
    assert pretraining.embeddings_of(model, own, pages[::-1]).tolist() == [[10.0], [20.0], [10.0]]
    assert sum(asked) == 2


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
