import csv

import numpy as np
import pytest
import wfdb

from ml.datasets import mitdb, ptbxl, vfdb
from ml.datasets.beats import CENTRE, Beats, DataNotFoundError, cut
from ml.datasets.simulated import simulate


def test_mitdb_reads_labels_of_lead_two(mitdb_folder):
    beats = mitdb.load_record(mitdb_folder, "119")
    assert beats.labels.tolist() == ["Normal", "PVC", "PAC", "Normal"]
    assert set(beats.records.tolist()) == {"mitdb/119"}
    assert beats.windows.shape == (4, 651)
    assert (beats.windows[:, CENTRE] > 0.5).all(), "lead MLII, not the inverted V5 beside it"


def test_mitdb_reads_all_records(mitdb_folder):
    assert len(mitdb.load(mitdb_folder)) == 8


@pytest.mark.parametrize("load", [mitdb.load, vfdb.load])
def test_missing_database_is_named(load, tmp_path):
    with pytest.raises(DataNotFoundError, match=r"physionet\.org"):
        load(tmp_path)


@pytest.mark.parametrize("load", [mitdb.load_record, vfdb.load_record])
def test_missing_record_is_named(load, tmp_path):
    with pytest.raises(DataNotFoundError, match="record 100 is not in"):
        load(tmp_path, "100")


@pytest.fixture(scope="module")
def vfdb_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vfdb")
    ecg = simulate("Normal", seed=4)
    period = ecg.signal[: round(0.8 * ecg.fs)]
    normal = np.tile(np.interp(np.arange(200) * 2, np.arange(len(period)), period), 40)  # 32 s at 250 Hz
    wild = np.tile(simulate("VF", seed=4).signal[::2], 4)[:2500]
    signal = np.concatenate([normal, wild, wild])
    wfdb.wrsamp(
        "418",
        fs=250.0,
        units=["mV", "mV"],
        sig_name=["ECG", "ECG2"],
        p_signal=np.stack([signal, np.zeros_like(signal)], axis=1),
        fmt=["16", "16"],
        write_dir=str(folder),
    )
    wfdb.wrann(
        "418",
        "atr",
        np.array([1, len(normal), len(normal) + 2500]),
        symbol=["+"] * 3,
        aux_note=["(N", "(VFIB", "(VT"],
        write_dir=str(folder),
    )
    return folder


def test_vfdb_reads_rhythms(vfdb_folder):
    assert [(stop - start, name) for start, stop, name in vfdb.rhythms(vfdb_folder, "418")] == [
        (7999, "N"),
        (2500, "VFIB"),
        (2500, "VT"),
    ]


def test_vfdb_gives_normal_beats_beside_fibrillation(vfdb_folder):
    beats = vfdb.load(vfdb_folder)
    counts = {label: int((beats.labels == label).sum()) for label in ("Normal", "VF", "VT")}
    assert counts["VF"] == counts["VT"] == 8, "one lead only: the other had come off"
    assert counts["Normal"] >= 25
    normal = beats.take(beats.labels == "Normal")
    assert (normal.samples < 8000).all()


@pytest.mark.parametrize(
    ("codes", "label"),
    [
        ({"NORM", "SR"}, "Normal"),
        ({"CLBBB"}, "LBBB"),
        ({"CRBBB", "LAFB"}, "RBBB"),
        ({"CRBBB", "PVC"}, None),
        ({"NORM", "PVC"}, "PVC"),
        ({"PAC", "ILBBB"}, None),
        ({"CLBBB", "PACE"}, None),
        ({"IMI"}, None),
    ],
)
def test_ptbxl_statements_become_one_class_or_none(codes, label):
    assert ptbxl.label_of(codes) == label


def test_ptbxl_reads_the_public_layout(tmp_path):
    (tmp_path / "records100").mkdir()
    ecg = simulate("Normal", seed=4)
    period = np.interp(np.arange(80) * 5, np.arange(400), ecg.signal[:400])
    lead = np.tile(period, 13)[:1000]
    wfdb.wrsamp(
        "00001_lr",
        fs=100.0,
        units=["mV", "mV"],
        sig_name=["I", "II"],
        p_signal=np.stack([lead * 0, lead], axis=1),
        fmt=["16", "16"],
        write_dir=str(tmp_path / "records100"),
    )
    with (tmp_path / "ptbxl_database.csv").open("w", newline="") as lines:
        rows = csv.DictWriter(lines, ["patient_id", "strat_fold", "scp_codes", "filename_lr"])
        rows.writeheader()
        row = {"patient_id": "7.0", "scp_codes": "{'CLBBB': 100.0}", "filename_lr": "records100/00001_lr"}
        rows.writerows([row | {"strat_fold": "1"}, row | {"strat_fold": "10"}])
    beats = ptbxl.load(tmp_path, ptbxl.TRAINING_FOLDS, quiet=True)
    assert set(beats.labels.tolist()) == {"LBBB"}
    assert set(beats.records.tolist()) == {"ptbxl/7"}
    assert len(beats) == 4


def test_missing_ptbxl_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="download PTB-XL"):
        ptbxl.load(tmp_path, ptbxl.TEST_FOLDS, quiet=True)


def beats_of(labels, records):
    count = len(labels)
    return Beats(
        windows=np.zeros((count, 651), dtype=np.float32),
        labels=np.array(labels),
        records=np.array(records),
        samples=np.arange(count),
    )


def test_caps_are_per_record_and_class():
    beats = beats_of(["Normal"] * 5 + ["PVC"] * 2 + ["Normal"] * 3, ["a"] * 7 + ["b"] * 3)
    capped = beats.capped({"Normal": 2}, np.random.default_rng(0))
    assert capped.labels.tolist() == ["Normal"] * 2 + ["PVC"] * 2 + ["Normal"] * 2
    assert (np.diff(capped.samples) > 0).all()


def test_cutting_keeps_millivolt_and_centre():
    signal = np.zeros(2000)
    signal[1000] = 1.5
    window = cut(signal, 500.0, [1000])[0]
    assert int(window.argmax()) == CENTRE
    assert window.max() == pytest.approx(1.5)
