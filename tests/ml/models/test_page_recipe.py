"""The recipe of the page models: drawing, heads, what learns and what does not, folds and controls, on made features."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from ml import registry
from ml.datasets.simulated_recording import simulate_recording
from ml.models.page_pictures.drawing import draw_prepared
from ml.pages.render import render_page
from ml.pages.style import PageStyle
from ml.preprocessing.page_image import SHAPE
from ml.preprocessing.page_source import LeadBox, PageSource
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
        ("page-efficientnet", 20),
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
    assert tuple(layers) == (*embeddings, "page-fusion", last_layer.WIDER)
    right = {}
    for name, layer in layers.items():
        given = last_layer.embedding_of(name, embeddings)
        assert layer.kernel.shape == (given.shape[1], 4)
        right[name] = (layer.logits(given[outside]).argmax(axis=1) == classes[outside]).mean()
    assert right["page-fusion"] > 0.8
    assert right["page-fusion"] >= max(right[name] for name in last_layer.JOINED) - 1e-9


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

    keras, asked = parts["keras"], []

    def run(model, pictures):
        asked.append(len(pictures))
        return model.predict_on_batch(pictures.astype(np.float32)).astype(np.float16)

    monkeypatch.setattr(pretraining, "run", run)
    given = keras.Input(SHAPE)
    model = keras.Model(given, keras.layers.GlobalAveragePooling2D(name=parts["head"].EMBEDDING)(given))
    pages = np.stack([np.full(SHAPE, value, dtype=np.uint8) for value in (10, 20, 10)])
    assert pretraining.embeddings_of(model, "made", pages[:2]).tolist() == [[10.0], [20.0]]
    assert pretraining.embeddings_of(model, "made", pages[::-1]).tolist() == [[10.0], [20.0], [10.0]]
    assert sum(asked) == 2


def test_installed_contracts_warn_of_what_the_recipes_warn_of(parts):
    for contract in registry.contracts():
        if contract.input.get("kind") == "page":
            own = parts["folds"].recipe(contract.name)
            assert (contract.version, contract.limits) == (own.release, own.limits)


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

    given = {"model": np.zeros((80, 3), dtype=np.float32)}
    first = folds.cross_validated(pages, fit, name="made", given=given, repeats=1)
    again = folds.cross_validated(pages, fit, name="made", given=given, repeats=1)
    assert len(asked) == 5
    folds.cross_validated(pages, fit, name="made", given={"model": given["model"] + 1}, repeats=1)
    assert len(asked) == 10, "other embeddings are other folds"
    assert np.array_equal(first["model"].probability, again["model"].probability)
    assert sorted(first["model"].positions) == list(range(80))
    assert (first["model"].probability.argmax(axis=1) == pages.classes[first["model"].positions]).all()


def inked(source):
    """The same page with a trace on it, and where."""
    ink = np.zeros_like(source.ink)
    ink[100:104, 50:300] = 255
    grey = np.where(ink > 0, 0, source.grey).astype(np.uint8)
    return dataclasses.replace(source, ink=ink, grey=grey)


def test_controls_see_only_what_they_should(parts):
    controls, pages = parts["controls"], parts["pages"]
    page = np.zeros(SHAPE, dtype=np.uint8)
    page[30:34] = 255  # on a base line
    page[1:3] = 200  # at the border of a row
    assert controls.border(page)[30:34].max() == 0
    assert controls.border(page)[1:3].min() == 200
    bare, one = pages.sources[0], inked(pages.sources[0])
    assert np.array_equal(controls.paper(bare), controls.paper(one))
    assert np.array_equal(controls.layout(bare), controls.layout(one))
    assert controls.layout(one).any()
    assert not np.array_equal(*(controls.relaid(source).pixels for source in (bare, one)))


def test_a_control_learns_what_can_be_learnt_and_nothing_else(parts, tmp_path, monkeypatch):
    """The positive control: the same layers find a class that is drawn, and no class that is not."""
    monkeypatch.setenv("CARDIOCARE_PAGES_CACHE", str(tmp_path))
    controls, folds, pages = parts["controls"], parts["folds"], parts["pages"]
    keras, file = parts["keras"], registry.load("page-mobilenet").folder / "model.keras"
    installed = keras.models.load_model(file, compile=False)

    def imagenet(model, _):
        for layer in model.layers:
            layer.set_weights(installed.get_layer(layer.name).get_weights() if layer.weights else [])

    monkeypatch.setattr(controls, "load_weights", imagenet)
    rng = np.random.default_rng(5)
    headers = rng.integers(0, 40, (80, 64, 128), dtype=np.uint8)
    for header, class_ in zip(headers, pages.classes, strict=True):
        header[:, 32 * class_ : 32 * class_ + 32] += 150
    drawn = dataclasses.replace(pages, headers=headers)
    found = controls.features(drawn, ("header",), tmp_path)
    found["noise"] = rng.normal(size=found["header"].shape).astype(np.float32)
    pooled = folds.cross_validated(
        drawn, folds.fit_fold(drawn, found), name="controls", given=found, repeats=1
    )
    right = {
        name: (one.probability.argmax(axis=1) == drawn.classes[one.positions]).mean()
        for name, one in pooled.items()
    }
    assert right["header"] > 0.9
    assert right["noise"] < 0.5


def test_pages_on_plain_paper_are_left_out_and_can_be_asked_for(parts, tmp_path, monkeypatch):
    from ml.models.page_pictures import data

    monkeypatch.setenv("CARDIOCARE_PAGES_CACHE", str(tmp_path / "kept"))
    listing = tmp_path / "ecg_pages" / "manifest.csv"
    listing.parent.mkdir()
    rows = ["file,label,group,original_file"]
    for grid, label in ((True, "normal"), (False, "mi")):
        recording = simulate_recording(
            seconds=10.1, fs=500.0, leads=TWELVE, noise_mv=0.0, wander_mv=0.02, seed=3
        )
        style = PageStyle(px_per_mm=5.0, grid="lines" if grid else "none")
        drawn = render_page(recording.signals[:, 25:5025].astype(np.float64), 500.0, style).image
        Image.fromarray(drawn).save(listing.parent / f"{label}.png")
        rows.append(f"{label}.png,{label},device {label},")
    listing.write_text("\n".join(rows))
    for plain, label, other, reason in (
        (False, 0, "Myocardial infarction", "left_out_plain_paper"),
        (True, 2, "Normal ECG", "left_out_grid"),
    ):
        pages = data.real_pages(tmp_path, plain=plain, quiet=True)
        assert pages.classes.tolist() == [label]
        assert pages.refusals() == {other: {reason: 1}}
        assert pages.pictures().max() > 200


def test_plain_paper_is_answered_by_layers_that_never_saw_it_nor_its_devices(parts):
    from ml.models.page_pictures.evaluate import on_plain_paper

    embeddings, _, _ = made_embeddings()
    pages = parts["pages"]
    chosen = np.array([1, 2, 3, 5, 6, 7])
    plain = dataclasses.replace(
        pages.take(chosen), groups=np.array(["device 0", *("new", "newer") * 2, "new"])
    )
    found = on_plain_paper(
        embeddings, pages, {name: values[chosen] for name, values in embeddings.items()}, plain
    )
    assert found["pages"] == {
        "Normal ECG": 0,
        "Abnormal heartbeat": 1,
        "Myocardial infarction": 2,
        "History of MI": 2,
    }
    assert (found["of_known_devices"], found["devices"]) == (1, 2)
    assert set(found["models"]) == {*embeddings, "page-fusion"}
    assert "Normal ECG" not in found["models"]["page-fusion"]
    assert found["models"]["page-fusion"]["Myocardial infarction"]["value"] == 1.0
