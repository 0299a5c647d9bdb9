"""What a recording as a whole is called, which leads are read, and odd files."""

import pytest

from ml.datasets.simulated_recording import simulate_recording
from ml.serving.recordings import analyse_file, chosen_leads, named
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
