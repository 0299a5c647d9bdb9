import pytest

from ml.datasets.beats import DataNotFoundError
from ml.evaluation.agreement import agreement, preferred_records, side_of


def test_says_which_side_a_record_was_on(contract):
    assert side_of("119", contract) == "test"
    assert side_of("111", contract) == "calibration"
    assert side_of("109", contract) == "training"
    assert side_of("102", contract) == "unused"


def test_prefers_records_that_were_never_seen(mitdb_folder):
    assert preferred_records(mitdb_folder) == ("119",)


def test_refuses_to_flatter(tmp_path, mitdb_folder):
    for path in mitdb_folder.glob("119.*"):
        (tmp_path / path.name.replace("119", "109")).write_bytes(path.read_bytes())
    with pytest.raises(DataNotFoundError, match="kept out of training"):
        preferred_records(tmp_path)


def test_counts_every_annotated_beat(mitdb_folder):
    (result,) = agreement(mitdb_folder, quiet=True)
    assert (result.record, result.side, result.unseen, result.beats) == ("119", "test", True, 4)
    assert result.answered + result.abstained + result.refused == 4
    assert {label: row["beats"] for label, row in result.classes.items()} == {"Normal": 2, "PVC": 1, "PAC": 1}
    assert result.agreed == sum(row["agreed"] for row in result.classes.values())
    assert result.classes["PVC"]["called"] == {"PVC": 1}


def test_takes_some_beats_evenly(mitdb_folder):
    (result,) = agreement(mitdb_folder, ["900"], most_per_record=2, quiet=True)
    assert (result.beats, result.side) == (2, "unused")
