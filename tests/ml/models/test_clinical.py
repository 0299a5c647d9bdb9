"""The clinical models on made records: fitting, stacking, export without loss, training and evaluation by command."""

import json

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ml.__main__ import main
from ml.clinical.features import NAMES
from ml.datasets.heart_disease import SITES
from ml.models.clinical.members import Bent, Forest, Settings
from ml.models.clinical.stack import (
    MEMBERS,
    MODELS,
    Stack,
    complete,
    fit_stacks,
    fit_weights,
    folds,
    probability,
    typical_values,
)
from ml.registry import read_contract, verify
from tests.ml.clinical import rows

SETTINGS = Settings(seed=3, epochs=2)
DATA = rows.made(150, missing=0.05)


def served(path, values):
    """Probability of death by the exported graph."""
    logits = onnxruntime.InferenceSession(str(path)).run(["logits"], {"values": values})[0].astype(np.float64)
    return probability(logits[:, 1] - logits[:, 0])


def stack_of(*names, data=DATA):
    typical = typical_values(data.values)
    members = [MEMBERS[name](complete(data.values, typical), data.died, SETTINGS) for name in names]
    return Stack(tuple(members), np.linspace(0.3, 0.6, len(names)), -0.2, typical)


def test_typical_values_are_medians_and_frequent_answers():
    values = np.full((3, len(NAMES)), np.nan, dtype=np.float32)
    values[:, :2] = [[50, 1], [60, 1], [90, 0]]
    values[0, 2:] = 1
    assert typical_values(values)[:2].tolist() == [60, 1]


def test_a_model_learns_what_the_rows_hold():
    fitted = fit_stacks(DATA.values, DATA.died, ["clinical-rf", "clinical-logistic"], settings=SETTINGS)
    fresh = rows.made(400, seed=9)
    for one in fitted.values():
        assert roc_auc_score(fresh.died, one.stack.log_odds(fresh.values)) > 0.7
        assert roc_auc_score(DATA.died, one.unseen) > 0.65
        assert (one.stack.weights >= 0).all()


def test_each_row_is_held_out_once():
    outside = np.concatenate([held for _, held in folds(DATA.died, 1)])
    assert sorted(outside) == list(range(len(DATA.died)))


def test_nothing_is_learnt_from_outcomes_that_are_random():
    rng = np.random.default_rng(0)
    died = rng.permutation(DATA.died)
    unseen = fit_stacks(DATA.values, died, ["clinical-logistic"], settings=SETTINGS)[
        "clinical-logistic"
    ].unseen
    assert 0.3 < roc_auc_score(died, unseen) < 0.65


def test_a_useless_member_loses_weight_and_none_is_negative():
    rng = np.random.default_rng(1)
    died = rng.integers(0, 2, 400)
    useful = (died * 2 - 1) + rng.normal(0, 1, 400)
    weights, _ = fit_weights(np.stack([useful, rng.normal(0, 1, 400), -useful], axis=1), died)
    assert weights[0] > weights[1] >= 0
    assert weights[2] < weights[0]
    assert weights.min() >= 0


@pytest.mark.parametrize("name", ["forest", "bent"])
def test_export_is_exact(name, tmp_path, keras):
    from ml.models.clinical.export import export_stack

    stack = stack_of(name)
    export_stack(stack, tmp_path / "model.onnx")
    fresh = rows.made(300, seed=4, missing=0.1).values
    assert served(tmp_path / "model.onnx", fresh) == pytest.approx(
        probability(stack.log_odds(fresh)), abs=1e-6
    )


@given(st.floats(-1e6, 1e6), st.integers(-3, 3))
def test_rounding_a_threshold_down_keeps_every_comparison(keras, threshold, steps):
    from ml.models.clinical.export import _floor

    rounded = _floor(np.array([threshold]))[0]
    value = rounded
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.float32(np.inf if steps > 0 else -np.inf))
    assert (float(value) <= threshold) == (value <= rounded)


@pytest.mark.parametrize("name", ["residual", "normalised"])
def test_an_exported_network_answers_as_keras_does(name, tmp_path, keras):
    from ml.models.clinical.export import export_stack

    stack = stack_of(name)
    export_stack(stack, tmp_path / "model.onnx")
    fresh = rows.made(50, seed=4, missing=0.1).values
    assert served(tmp_path / "model.onnx", fresh) == pytest.approx(
        probability(stack.log_odds(fresh)), abs=1e-5
    )


def test_a_seed_gives_the_same_network_whatever_was_trained_before(keras):
    values = complete(DATA.values, typical_values(DATA.values))
    first = MEMBERS["residual"](values, DATA.died, SETTINGS).log_odds(values)
    MEMBERS["residual"](values, DATA.died, Settings(seed=5, epochs=2))
    again = MEMBERS["residual"](values, DATA.died, SETTINGS).log_odds(values)
    assert again == pytest.approx(first, abs=1e-5)


@pytest.fixture
def quick(monkeypatch):
    """Fewer resamples and trees, and a hybrid of the members that are fitted at once."""
    from ml.evaluation import risk
    from ml.models.clinical import members

    monkeypatch.setattr(risk, "RESAMPLES", 20)
    monkeypatch.setattr(members, "TREES", 20)
    monkeypatch.setitem(MODELS, "clinical-hybrid", ("forest", "bent"))
    for name in ("clinical-cnn-residual", "clinical-cnn-bn"):
        monkeypatch.delitem(MODELS, name)


def test_training_writes_an_artefact_that_gives_the_same_answers(tmp_path, keras, quick, capsys):
    rows.write(tmp_path, DATA)
    target = tmp_path / "artefact"
    assert main(["train", "clinical-hybrid", "--data", str(tmp_path), "--target", str(target)]) == 0
    assert capsys.readouterr().out.startswith("clinical-hybrid 1.0.0: records it had not seen: accuracy 0.")
    contract = read_contract(target)
    verify(contract)
    assert set(contract.sha256) == {"model.onnx"}
    fraction = NAMES.index("ejection_fraction")
    assert contract.input["typical"]["ejection_fraction"] == np.nanmedian(DATA.values[:, fraction])
    assert 0 < contract.levels["low_below"] < contract.levels["high_from"] < 1
    fitted = fit_stacks(DATA.values, DATA.died, ["clinical-hybrid"], settings=Settings(seed=7))[
        "clinical-hybrid"
    ]
    expected = probability(fitted.stack.log_odds(DATA.values))
    assert served(target / "model.onnx", DATA.values) == pytest.approx(expected, abs=1e-6)
    assert "## Risk levels" in (target / "card.md").read_text(encoding="utf-8")


def test_evaluation_measures_every_model_on_the_same_folds(tmp_path, keras, quick, capsys):
    rows.write(tmp_path, rows.made(80))
    folder = tmp_path / "clinical" / "uci_heart_disease"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for site in SITES:
        lines = [
            ",".join(["63,1,4,140,260,0,1", str(rng.integers(90, 180)), "0,1,2,?,?", str(i % 2)])
            for i in range(12)
        ]
        (folder / f"processed.{site}.data").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "out").mkdir()
    assert (
        main(
            [
                "evaluate",
                "clinical",
                "--data",
                str(tmp_path),
                "--repeats",
                "1",
                "--target",
                str(tmp_path / "out"),
            ]
        )
        == 0
    )
    measured = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert set(measured["models"]) == set(MODELS) == {"clinical-rf", "clinical-logistic", "clinical-hybrid"}
    assert set(measured["leave_site_out"]["sites"]) == set(SITES)
    assert (measured["patients"], measured["repeats"]) == (80, 1)
    said = capsys.readouterr().out
    assert "clinical-hybrid" in said
    assert "switzerland" in said


def test_logarithms_and_bends_do_not_depend_on_other_columns():
    typical = typical_values(DATA.values)
    values = complete(DATA.values, typical)
    for member in (Forest.fit(values, DATA.died, SETTINGS), Bent.fit(values, DATA.died, SETTINGS)):
        changed = values.copy()
        changed[:, NAMES.index("platelets")] = 1e5
        assert member.log_odds(changed) == pytest.approx(member.log_odds(values))
