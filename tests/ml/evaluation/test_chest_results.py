"""The stored figures of the chest models: whole, of the installed weights, and quoted in the document."""

import json

import numpy as np
import pytest

from ml import registry
from ml.chest.measuring import fit_error
from ml.datasets.chest_xray import SITES
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.figures import (
    area_difference,
    calibration_error,
    chance_error,
    decisions,
    heart_figures,
)
from ml.models.chest_pictures.folds import FOLDS, runs
from ml.models.chest_pictures.results import RESULTS, stored_figures
from ml.models.chest_pictures.text import DOCUMENT, markdown
from ml.models.cxr_heart.answers import SHAPE_NAMES, Answers, gate_limits, refused, together

FOUND = json.loads(RESULTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(0)
    count = 300
    true = rng.uniform(0.4, 0.65, count)
    return true, Answers(
        positions=np.arange(count),
        ratio=true + rng.normal(0.0, 0.02, count),
        apart=true + rng.normal(0.0, 0.03, count),
        spread=np.full(count, 0.004),
        variants=np.repeat(true[:, None], 5, axis=1),
        dice=np.full((count, 3), 0.9),
        shapes=rng.uniform(0.2, 0.3, (count, len(SHAPE_NAMES))),
        distance=rng.uniform(0.05, 0.1, count),
    )


def calibrated(given, true):
    """Error and half width of the interval of each answer."""
    errors = fit_error(given.ratio, given.spread, true)
    sigma = errors.of(given.spread)
    return {"sigma": sigma, "half_width": errors.reach * sigma}


def test_figures_of_known_errors_are_those_errors(answers):
    true, given = answers
    found, probability = heart_figures(given, true, **calibrated(given, true))
    assert found["ratio_mae"]["value"] == pytest.approx(0.02 * np.sqrt(2 / np.pi), rel=0.15)
    assert found["interval_coverage"]["value"] == pytest.approx(0.90, abs=0.02)
    assert found["auc"]["low"] < found["auc"]["value"] < found["auc"]["high"]
    assert found["not_measured"] == 0
    assert sum(row["films"] for row in found["labels"].values()) == 300
    assert calibration_error(probability, true > 0.5) < 0.08
    assert found["ece_of_perfect"] == chance_error(probability) < 0.08


def test_a_film_that_was_not_measured_is_counted_and_says_nothing(answers):
    true, given = answers
    ratio = given.ratio.copy()
    ratio[:30] = np.nan
    holes = Answers(
        **{name: ratio if name == "ratio" else getattr(given, name) for name in Answers.__slots__}
    )
    found, probability = heart_figures(holes, true, **calibrated(given, true))
    assert found["not_measured"] == 30
    assert set(probability[:30]) == {0.5}


def test_a_classifier_that_knows_is_better_than_one_that_guesses():
    rng = np.random.default_rng(1)
    truth = rng.random(200) < 0.4
    knows = np.where(truth, 0.8, 0.2) + rng.normal(0.0, 0.1, 200)
    assert decisions(knows.clip(0, 1), truth)["auc"]["value"] > 0.95
    assert area_difference(knows, rng.random(200), truth)["low"] > 0.2


def test_the_gate_lets_known_films_through_and_nothing_far_from_them(answers):
    _, given = answers
    limits = gate_limits([given])
    assert not refused(given, limits).any()
    far = {"distance": given.distance + 1.0, "shapes": np.full_like(given.shapes, np.nan)}
    for name, value in far.items():
        other = Answers(**{key: value if key == name else getattr(given, key) for key in Answers.__slots__})
        assert refused(other, limits).all()
    assert len(together([given, given]).ratio) == 600


@pytest.mark.parametrize("name", ["cxr-heart", "dicom-cardiac"])
def test_the_cards_say_what_is_stored(name):
    assert registry.load(name).metrics == stored_figures(name)
    assert {"wingspan_to_jsrt", "jsrt_to_wingspan"} <= set(FOUND["models"][name])


def test_every_film_is_counted():
    heart = FOUND["models"]["cxr-heart"]
    assert heart["wingspan_to_jsrt"]["films"] == FOUND["films"]["jsrt"] == 215
    assert heart["jsrt_to_wingspan"]["films"] == FOUND["films"]["wingspan"] == 212


def test_the_document_quotes_the_stored_results():
    assert markdown(FOUND) in DOCUMENT.read_text(encoding="utf-8")


def test_within_the_sites_every_film_is_asked_of_one_fold_that_has_not_learnt_it(answers):
    _, given = answers
    films = Films(
        names=np.arange(300).astype(str),
        sites=np.repeat(["jsrt", "wingspan"], 150),
        pictures=np.zeros((300, 1, 1, 1), dtype=np.uint8),
        masks=np.zeros((300, 1, 1), dtype=np.uint8),
        ratios=given.ratio,
        mended=0,
    )
    by_name = {run.name: run for run in runs(films)}
    folds = [by_name[name] for name in FOLDS]
    assert sorted(np.concatenate([run.asked for run in folds])) == list(range(300))
    for run in by_name.values():
        assert not set(run.asked) & set(run.learn)
        assert len(run.asked) + len(run.learn) == 300
    for name in SITES:
        assert set(films.sites[by_name[name].learn]) == {name}


def test_answers_are_calibrated_by_others_of_their_kind(keras):
    from ml.models.chest_pictures.evaluate import of_one_kind

    assert of_one_kind("jsrt") == ["wingspan"]
    assert set(of_one_kind("fold-2")) == set(FOLDS) - {"fold-2"}
