"""What a recording as a whole is called, which leads are read, and odd files."""

import numpy as np
import pytest

from ml.datasets.simulated_recording import simulate_recording
from ml.serving.recordings import Classifier, analyse_file, chosen_leads, classifying, named
from tests.ml.recordings import writers


@pytest.mark.parametrize(
    ("counts", "seconds", "label"),
    [
        ({"Normal": 1000, "PVC": 3}, 600.0, "PVC"),
        ({"Normal": 1000, "PVC": 2, "PAC": 5}, 600.0, "PAC"),
        ({"Normal": 9, "PVC": 1}, 10.0, "PVC"),
        ({"Normal": 1000, "PVC": 2, "Fusion": 1}, 600.0, "PVC"),
        ({"Normal": 1000}, 600.0, "Normal"),
        ({"Normal": 0, "PVC": 0}, 600.0, None),
    ],
)
def test_a_recording_is_named_after_its_most_urgent_class(counts, seconds, label):
    assert named(counts, seconds) == label


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("I", "II", "V1"), [1, 2]),
        (("V5", "MLII"), [1, 0]),
        (("aVR",), [0]),
        (("aVR", "aVL"), [0, 1]),
    ],
)
def test_the_leads_that_the_model_learnt_from_come_first(names, chosen):
    assert chosen_leads(names) == chosen


def test_a_channel_named_with_control_characters_leaves_none_in_what_is_stored(tmp_path):
    made = simulate_recording(seconds=20.0, leads=("II", "V1"))
    data = writers.edf(made, labels=["ECG II", "Resp"]).replace(b"Resp ", b"Re\x00sp")
    path = tmp_path / "odd.edf"
    path.write_bytes(data)
    answer = analyse_file(path, fs=None, unit=None, progress=lambda *_: None, store=None)
    assert any("Resp" in warning for warning in answer.findings.summary["warnings"])
    assert "\x00" not in str(answer.findings.summary)
    assert "\\x00" not in repr(answer.findings.summary)


@pytest.mark.parametrize(
    ("at_s", "seconds", "words"),
    [
        (0.0, 1800.0, "Classifying heartbeats"),
        (0.0, 86400.0, "Classifying heartbeats, hour 1 of 24"),
        (2 * 3600.0, 86400.0, "Classifying heartbeats, hour 3 of 24"),
        (3600.0, 3601.0, "Classifying heartbeats, hour 2 of 2"),
    ],
)
def test_classification_says_which_hour_it_is_at(at_s, seconds, words):
    assert classifying(at_s, seconds) == words


def test_classification_of_hours_tells_how_far_it_is():
    made = simulate_recording(seconds=20.0, leads=("II", "V1"))
    signals = np.zeros((2, round(2.5 * 3600 * made.fs)), dtype=np.float32)
    signals[:, : made.signals.shape[1]] = made.signals
    told = []
    classify = Classifier([0, 1], progress=lambda part, step: told.append((part, step)))
    names, _ = classify(signals, made.fs, made.r_samples)
    assert len(names) == len(made.r_samples)
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    assert 0.0 <= parts[0] < parts[-1] < 1.0
    assert list(dict.fromkeys(step for _, step in told)) == [
        f"Classifying heartbeats, hour {hour} of 3" for hour in (1, 2, 3)
    ]


def test_progress_of_a_recording_never_goes_back(tmp_path):
    path = tmp_path / "calm.edf"
    path.write_bytes(writers.edf(simulate_recording(seconds=20.0, leads=("II", "V1"))))
    told = []
    analyse_file(path, fs=None, unit=None, progress=lambda *step: told.append(step), store=None)
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    assert "Classifying heartbeats" in [step for _, step in told]
