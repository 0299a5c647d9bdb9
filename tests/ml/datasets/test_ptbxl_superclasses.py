"""PTB-XL as published, and packed."""

import csv

import numpy as np
import pytest
import wfdb

from ml.datasets.beats import DataNotFoundError
from ml.datasets.ptbxl_superclasses import SUPERCLASSES, load, twelve_of_eight
from ml.recordings.leads import TWELVE

STATEMENTS = [("NORM", "NORM"), ("IMI", "MI"), ("NDT", "STTC"), ("CLBBB", "CD"), ("LVH", "HYP"), ("SR", "")]
ROWS = [  # patient, fold, statements
    (1, 5, {"NORM": 100.0, "SR": 0.0}),
    (2, 6, {"IMI": 15.0, "CLBBB": 100.0}),
    (3, 6, {"SR": 0.0}),
    (4, 10, {"LVH": 80.0, "NDT": 50.0}),
]
WANTED = {1: [1, 0, 0, 0, 0], 2: [0, 1, 0, 1, 0], 4: [0, 0, 1, 0, 1]}


def eight():
    rng = np.random.default_rng(0)
    return np.rint(rng.normal(0.0, 60.0, (len(ROWS), 8, 1000))).astype(np.int16)


def write(path, heads, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(heads)
        writer.writerows(rows)


@pytest.fixture
def published(tmp_path):
    write(tmp_path / "scp_statements.csv", ["", "diagnostic_class"], STATEMENTS)
    rows = []
    for number, (patient, fold, codes) in enumerate(ROWS):
        wfdb.wrsamp(
            f"{number:05d}_lr",
            fs=100,
            units=["mV"] * 12,
            sig_name=[name.upper() for name in TWELVE],
            p_signal=twelve_of_eight(eight()[number] * 0.005).T.astype(np.float64),
            fmt=["16"] * 12,
            adc_gain=[1000.0] * 12,
            baseline=[0] * 12,
            write_dir=str(tmp_path),
        )
        rows.append((float(patient), fold, str(codes), f"{number:05d}_lr"))
    write(tmp_path / "ptbxl_database.csv", ["patient_id", "strat_fold", "scp_codes", "filename_lr"], rows)
    return tmp_path


@pytest.fixture
def packed(tmp_path):
    np.save(tmp_path / "signals.npy", eight())
    rows = [
        (float(patient), fold, *WANTED.get(patient, [0] * 5), number)
        for number, (patient, fold, _) in enumerate(ROWS)
    ]
    write(tmp_path / "labels.csv", ["patient_id", "strat_fold", *SUPERCLASSES, "row"], rows)
    return tmp_path


@pytest.mark.parametrize("layout", ["published", "packed"])
def test_both_layouts_give_the_same(layout, request):
    found = load(request.getfixturevalue(layout), frozenset(range(1, 11)), quiet=True)
    assert found.patients.tolist() == ["ptbxl/1", "ptbxl/2", "ptbxl/4"]
    assert found.classes.tolist() == list(WANTED.values())
    assert found.folds.tolist() == [5, 6, 10]
    assert found.of_folds(6, 10).patients.tolist() == ["ptbxl/2", "ptbxl/4"]
    wanted = twelve_of_eight(eight()[[0, 1, 3]].astype(np.float32) * 0.005)
    np.testing.assert_allclose(found.signals, wanted, atol=1e-3)


def test_only_the_folds_asked_for_are_read(published):
    assert load(published, frozenset({10}), quiet=True).patients.tolist() == ["ptbxl/4"]


def test_leads_follow_from_each_other():
    one = twelve_of_eight(eight()[0].astype(np.float64))
    i, ii, iii, avr, avl, avf = one[:6]
    np.testing.assert_allclose(i + iii, ii, atol=1e-4)
    np.testing.assert_allclose(avr + avl + avf, 0.0, atol=1e-4)
    np.testing.assert_allclose(avf, (ii + iii) / 2, atol=1e-4)


def test_a_missing_database_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="download PTB-XL"):
        load(tmp_path, frozenset({5}), quiet=True)
