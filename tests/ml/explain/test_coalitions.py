"""Answers to all coalitions are those that the served model gives when it is asked for each of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.clinical.features import NAMES
from ml.explain.coalitions import Coalitions
from ml.serving.clinical import MODELS
from ml.serving.signals import signal_member

LOW = np.array([40, 0, 1, 0, 5, 0, 1_000, 0.1, 80, 0, 0])
HIGH = np.array([95, 1, 1_000_000, 1, 90, 1, 3_000_000, 40, 200, 1, 1])


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    opened = signal_member(request.param)
    typical = np.array([opened.contract.input["typical"][name] for name in NAMES], dtype=np.float32)
    return opened, Coalitions(opened.contract.folder / "model.onnx"), typical


def asked_one_by_one(opened, row, typical):
    """The model's own answers; the last feature changes fastest."""
    differing = np.flatnonzero(row != typical)
    chosen = np.indices([2] * len(differing)).reshape(len(differing), 2 ** len(differing)).T == 1
    rows = np.repeat(typical[None], len(chosen), axis=0)
    rows[:, differing] = np.where(chosen, row[differing], typical[differing])
    return opened.run("logits", values=rows)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), differing=st.sets(st.integers(0, 10)))
def test_every_answer_is_the_models_own(model, seed, differing):
    opened, coalitions, typical = model
    rng = np.random.default_rng(seed)
    rows = np.repeat(typical[None], 3, axis=0)
    for column in differing:
        span = (0, 1) if HIGH[column] == 1 else (LOW[column], HIGH[column])
        rows[:, column] = 1 - typical[column] if HIGH[column] == 1 else rng.uniform(*span, size=3)
    answers = coalitions.answers(rows, typical)
    assert answers.shape == (3, *[2] * len(differing), 2)
    for row, of_row in zip(rows, answers, strict=True):
        assert of_row.reshape(-1, 2) == pytest.approx(asked_one_by_one(opened, row, typical), abs=1e-5)


def test_a_row_has_the_same_numbers_alone_and_among_others(model):
    _, coalitions, typical = model
    rows = typical * np.linspace(0.8, 0.9, 7, dtype=np.float32)[:, None]
    rows[:, typical == 0] = 1.0
    together = coalitions.answers(rows, typical)
    for place in range(7):
        assert np.array_equal(coalitions.answers(rows[place : place + 1], typical)[0], together[place])


def test_an_unknown_operation_is_refused(tmp_path):
    from ml.training.onnx_graph import Graph

    graph = Graph("values", 2)
    graph.output("logits", graph.node("Softplus", "values"), 2)
    graph.save(tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="Softplus is not known"):
        Coalitions(tmp_path / "model.onnx").answers(
            np.ones((1, 2), dtype=np.float32), np.zeros(2, dtype=np.float32)
        )
