import numpy as np
import pytest

from ml import registry
from ml.datasets.simulated import simulate, simulate_recording
from ml.serving.rhythm import classify_segments


def test_simulated_fibrillation_is_recognised_and_normal_rhythm_is_not():
    wild = simulate("VF", seed=3)
    calm = simulate_recording(["Normal"] * 30, seed=3)
    assert (classify_segments(wild.signal, wild.fs).probabilities > 0.5).all()
    assert (classify_segments(calm.signal[0], calm.fs).probabilities < 0.5).all()


def test_answers_have_the_promised_form():
    calm = simulate_recording(["Normal"] * 30, seed=3)
    answers = classify_segments(calm.signal[0], calm.fs)
    contract = registry.load("rhythm-vf")
    assert answers.starts_s.tolist() == [4.0 * i for i in range(len(answers.probabilities))]
    assert answers.seconds == 4.0
    assert (answers.model, answers.version, answers.labels) == (
        "rhythm-vf",
        contract.version,
        contract.labels,
    )
    assert answers.weights_sha256 == registry.file_sha256(contract.folder / "model.onnx")
    confidence = np.maximum(answers.probabilities, 1 - answers.probabilities)
    expected = np.where(confidence >= answers.threshold, answers.probabilities > 0.5, -1)
    np.testing.assert_array_equal(answers.decisions, expected)
    assert answers.decisions.dtype == np.int8


def test_too_short_a_signal_gives_no_answers():
    answers = classify_segments(np.zeros(500), 250.0)
    assert answers.probabilities.shape == answers.decisions.shape == (0,)


def test_polarity_hardly_matters():
    wild = simulate("VF", seed=3)
    one, other = (classify_segments(sign * wild.signal, wild.fs).probabilities for sign in (1, -1))
    assert one == pytest.approx(other, abs=0.3)


def test_what_is_too_small_for_coarse_fibrillation_is_left_open():
    wild = simulate("VF", seed=3)
    tiny = wild.signal * 0.15 / np.ptp(wild.signal)
    answers = classify_segments(tiny, wild.fs)
    assert (answers.probabilities <= 0.5).all()
    assert (answers.decisions < 1).all()
