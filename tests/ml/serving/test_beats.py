import subprocess
import sys

import numpy as np
import pytest

from ml import registry
from ml.datasets.simulated import simulate_recording
from ml.recordings.ec57 import to_ec57
from ml.serving.beats import classify_beats, heat_along, heat_of, sure_classes
from ml.serving.signals import signal_member

LABELS = ["Normal"] * 20 + ["PVC"] + ["Normal"] * 25 + ["PVC"] + ["Normal"] * 20


@pytest.fixture(scope="module")
def recording():
    return simulate_recording(LABELS, seed=1)


@pytest.fixture(scope="module")
def answers(recording):
    return classify_beats(recording.signal, recording.fs, recording.r_samples)


def test_simulated_ventricular_beats_are_recognised(answers):
    called = np.array(answers.labels)[answers.probabilities.argmax(axis=1)]
    assert (called == "PVC").nonzero()[0].tolist() == [20, 46]


def test_answers_have_the_promised_form(answers):
    assert answers.probabilities.shape == (len(LABELS), len(answers.labels))
    assert answers.probabilities.dtype == np.float32
    assert answers.classes.dtype == np.int8
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1.0, atol=1e-5)
    four = to_ec57(answers.probabilities, answers.labels)
    np.testing.assert_array_equal(answers.classes >= 0, four.max(axis=1) >= answers.threshold)


def test_a_doubt_between_normal_and_a_block_is_no_doubt_about_the_beat():
    labels = ("Normal", "LBBB", "RBBB", "PAC", "PVC", "Fusion")
    shares = np.array(
        [
            [0.4, 0.1, 0.3, 0.1, 0.1, 0.0],  # N together, most of it Normal
            [0.1, 0.4, 0.2, 0.2, 0.1, 0.0],  # N together, most of it LBBB
            [0.3, 0.1, 0.1, 0.0, 0.4, 0.1],  # N reaches half, PVC is the most probable single class
            [0.1, 0.1, 0.0, 0.1, 0.7, 0.0],
            [0.2, 0.1, 0.1, 0.1, 0.4, 0.1],
        ],
        dtype=np.float32,
    )
    assert sure_classes(shares, labels, 0.6).tolist() == [0, 1, -1, 4, -1]


def test_answers_say_what_made_them(answers):
    contract = registry.load("beat-resnet")
    assert (answers.model, answers.version) == ("beat-resnet", contract.version)
    assert answers.weights_sha256 == registry.file_sha256(contract.folder / "model.onnx")
    assert answers.threshold == contract.abstention_threshold
    assert answers.device in {"cpu", "cuda"}
    assert answers.duration_ms > 0


def test_same_recording_same_numbers(recording, answers):
    again = classify_beats(recording.signal, recording.fs, recording.r_samples)
    np.testing.assert_array_equal(again.probabilities, answers.probabilities)


@pytest.mark.parametrize("signal", [lambda s: 5.0 * s, lambda s: s[::-1]])
def test_gain_and_order_of_leads_do_not_matter(recording, answers, signal):
    other = classify_beats(signal(recording.signal), recording.fs, recording.r_samples)
    np.testing.assert_allclose(other.probabilities, answers.probabilities, atol=1e-3)


def test_one_lead_at_another_rate_and_rough_positions_do(recording):
    rough = recording.r_samples // 2 + np.resize([-2, 3, 0, 1], len(LABELS))
    other = classify_beats(recording.signal[:1, ::2], recording.fs / 2, rough)
    called = np.array(other.labels)[other.probabilities.argmax(axis=1)]
    assert {20, 46} <= set((called == "PVC").nonzero()[0].tolist())


def test_no_beats_no_answers(recording):
    answers = classify_beats(recording.signal, recording.fs, np.zeros(0, dtype=int))
    assert answers.probabilities.shape == (0, len(answers.labels))
    assert answers.classes.shape == (0,)
    assert not heat_of(recording.signal, recording.fs, np.zeros(0, dtype=int), label="PVC").any()


def test_a_batch_and_the_whole_are_the_same(recording, monkeypatch, answers):
    monkeypatch.setattr("ml.serving.signals._BATCH", 7)
    again = classify_beats(recording.signal, recording.fs, recording.r_samples)
    np.testing.assert_allclose(again.probabilities, answers.probabilities, atol=1e-5)


def test_heat_lies_on_its_beat(recording):
    along = heat_along(recording.signal, recording.fs, recording.r_samples, 20)
    assert along.shape == (recording.signal.shape[1],)
    assert along.max() == pytest.approx(1.0)
    lit = np.flatnonzero(along)
    at = recording.r_samples[20]
    assert at - 0.5 * recording.fs < lit.min() <= lit.max() < at + 0.65 * recording.fs


def test_heat_of_the_strip_peaks_at_a_ventricular_beat(recording):
    along = heat_of(recording.signal, recording.fs, recording.r_samples, label="PVC")
    assert np.abs(recording.r_samples - along.argmax()).argmin() in {20, 46}


def test_heat_at_the_edge_of_the_signal_is_cut_not_moved(recording):
    some = slice(recording.r_samples[20] - 30, recording.r_samples[20] + 4000)
    at = recording.r_samples[20:26] - some.start
    assert heat_along(recording.signal[:, some], recording.fs, at, 0).shape == (4030,)


def test_an_unknown_beat_is_an_error(recording):
    with pytest.raises(IndexError):
        heat_along(recording.signal, recording.fs, recording.r_samples, len(LABELS))


def test_the_model_is_opened_once():
    assert signal_member("beat-resnet") is signal_member("beat-resnet")


def test_serving_signals_never_imports_tensorflow():
    code = (
        "import sys; from ml.serving.beats import classify_beats; from ml.serving.rhythm import classify_segments;"
        "from ml.datasets.simulated import simulate_recording as s; r = s(['Normal'] * 9, seed=1);"
        "classify_beats(r.signal, r.fs, r.r_samples); classify_segments(r.signal[0], r.fs);"
        "sys.exit(bool({'tensorflow', 'keras', 'sklearn', 'wfdb', 'django'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
