import numpy as np
import pytest

from ml.evaluation.ec57 import ec57_report, j_kappa, kappa
from ml.models.beat_resnet.classes import LABELS
from ml.recordings.ec57 import CLASSES, classes_of, to_ec57

RECORDS = np.array(["a"] * 6 + ["b"] * 6)
TRUTH = np.array([0, 1, 2, 3, 4, 5] * 2)


def shares(called):
    return np.eye(len(LABELS))[called]


def test_bundle_branch_blocks_are_normal_beats():
    assert classes_of(np.arange(6), LABELS).tolist() == [0, 0, 0, 1, 2, 3]
    np.testing.assert_allclose(to_ec57(np.full((1, 6), 1 / 6), LABELS), [[0.5, 1 / 6, 1 / 6, 1 / 6]])


def test_block_called_normal_is_no_error():
    found = ec57_report(shares(np.where(TRUTH < 3, 0, TRUTH)), TRUTH, RECORDS, labels=LABELS)
    assert found["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["kappa"]["value"] == found["j_kappa"]["value"] == 1.0
    assert tuple(found["classes"]) == CLASSES


def test_fusion_called_ventricular_costs_precision_of_v_and_macro_of_three():
    found = ec57_report(shares(np.where(TRUTH == 5, 4, TRUTH)), TRUTH, RECORDS, labels=LABELS)
    assert found["classes"]["V"]["recall"]["value"] == 1.0
    assert found["classes"]["V"]["precision"]["value"] == 0.5
    assert found["macro_f1_nsv"]["value"] == pytest.approx((1 + 1 + 2 / 3) / 3, abs=1e-4)
    assert found["macro_f1"]["value"] == pytest.approx((1 + 1 + 2 / 3 + 0) / 4, abs=1e-4)


def test_figures_of_each_record():
    called = TRUTH.copy()
    called[3] = 0  # the one S of record a is missed
    found = ec57_report(shares(called), TRUTH, RECORDS, labels=LABELS)
    a, b = found["per_record"]
    assert a == {
        "record": "a",
        "beats": 6,
        "S": {"beats": 1, "se": 0.0, "ppv": None, "f1": 0.0},
        "V": {"beats": 1, "se": 1.0, "ppv": 1.0, "f1": 1.0},
    }
    assert b["S"]["f1"] == 1.0
    assert found["classes"]["S"]["recall"]["low"] == 0.0, "the interval comes from drawing records"


def test_kappa_and_j_kappa_of_a_known_table():
    confusion = np.array([[45.0, 15.0], [25.0, 15.0]])
    assert kappa(confusion) == pytest.approx(0.1304, abs=1e-4)
    four = np.diag([90.0, 4.0, 4.0, 2.0])
    four[0, 1] = four[1, 0] = 1.0
    # Se and +P of S are 4/5, those of V are 1
    assert j_kappa(four) == pytest.approx(kappa(four) / 2 + (0.8 + 0.8 + 1 + 1) / 8)
