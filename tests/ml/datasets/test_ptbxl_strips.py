import csv

import numpy as np
import pytest
import wfdb

from ml.datasets import ptbxl_strips
from ml.datasets.beats import DataNotFoundError
from ml.datasets.simulated import simulate_recording

BEATS = 8
EARLY = np.array([1.0, 1.0, 1.0, 0.7, 1.0, 1.0, 1.0, 1.0])
LATER = np.array([1.0, 1.0, 0.7, 1.3, 1.0, 1.0, 1.0, 1.0])
ALIKE = np.full(BEATS, 0.98)
STRANGE = np.where(np.arange(BEATS) == 3, 0.3, 0.98)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ({"NORM", "SR"}, "ordinary"),
        ({"CLBBB", "AFIB"}, "LBBB"),
        ({"CRBBB", "LAFB"}, "RBBB"),
        ({"CLBBB", "CRBBB"}, None),
        ({"CLBBB", "PACE"}, None),
        ({"AFIB"}, "AF"),
        ({"NORM", "SARRH"}, "irregular"),
        ({"NORM", "SVARR"}, None),
        ({"PVC", "SR"}, "PVC"),
        ({"PVC", "PAC"}, None),
        ({"PAC", "IRBBB"}, None),
        ({"IMI", "WPW"}, "diseased"),
    ],
)
def test_statements_become_one_kind_or_none(codes, kind):
    assert ptbxl_strips.kind_of(codes) == kind


@pytest.mark.parametrize(
    ("kind", "alike", "symbols"),
    [
        ("PAC", ALIKE, "QNNANNNQ"),
        ("PAC", STRANGE, "QNNQNNNQ"),
        ("PVC", STRANGE, "QNNVNNNQ"),
        ("PVC", ALIKE, "QNNQNNNQ"),
        ("AF", ALIKE, "QNNNNNNQ"),
        ("LBBB", STRANGE, "QLLQLLLQ"),
        ("RBBB", ALIKE, "QRRRRRRQ"),
        ("ordinary", ALIKE, "QNNQNNNQ"),
    ],
)
def test_a_beat_gets_a_symbol_only_where_there_is_little_doubt(kind, alike, symbols):
    assert "".join(ptbxl_strips.symbols_of(kind, EARLY, LATER, alike)) == symbols


def strip():
    made = simulate_recording(["Normal"] * 5 + ["PAC"] + ["Normal"] * 6, seed=5)
    at = np.arange(1000) / 100.0 * made.fs
    return np.stack([np.interp(at, np.arange(made.signal.shape[1]), lead) for lead in made.signal[:2]])


def test_a_recording_gets_its_premature_beat():
    found = ptbxl_strips.annotated("ptbxl/1", "PAC", strip().astype(np.float32), ("II", "V1"))
    assert found.fs == 100.0
    assert found.symbols.tolist().count("A") == 1
    assert set(found.symbols.tolist()) == set("QNA")


def test_a_flat_recording_is_left_out():
    assert ptbxl_strips.annotated("ptbxl/1", "PVC", np.zeros((2, 1000), dtype=np.float32), ()) is None


def test_a_recording_of_few_beats_is_left_out():
    signal = strip().astype(np.float32)
    signal[:, 250:] = signal[:, 249:250]
    assert ptbxl_strips.annotated("ptbxl/1", "PVC", signal, ()) is None


def test_the_public_layout_is_read(tmp_path):
    (tmp_path / "records100").mkdir()
    signal = strip()
    others = [signal[0]] * 4
    wfdb.wrsamp(
        "00001_lr",
        fs=100.0,
        units=["mV"] * 7,
        sig_name=["I", "II", "III", "AVR", "AVL", "AVF", "V1"],
        p_signal=np.stack([signal[1], signal[0], *others, signal[1]], axis=1),
        fmt=["16"] * 7,
        write_dir=str(tmp_path / "records100"),
    )
    with (tmp_path / "ptbxl_database.csv").open("w", newline="") as lines:
        rows = csv.DictWriter(lines, ["ecg_id", "strat_fold", "scp_codes", "filename_lr"])
        rows.writeheader()
        row = {"ecg_id": "1", "scp_codes": "{'PVC': 100.0}", "filename_lr": "records100/00001_lr"}
        rows.writerows([row | {"strat_fold": "1"}, row | {"strat_fold": "10", "ecg_id": "2"}])
    (kind, found), *rest = ptbxl_strips.load(tmp_path)
    assert (kind, found.name, found.leads, rest) == ("PVC", "ptbxl/1", ("II", "V1"), [])
    np.testing.assert_allclose(found.signal, signal, atol=0.01)


def test_missing_database_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="download PTB-XL"):
        next(ptbxl_strips.load(tmp_path))
