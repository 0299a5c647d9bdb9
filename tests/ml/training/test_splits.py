import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.training.splits import folds, patients_of


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_no_record_is_on_two_sides_and_each_is_held_out_once(seed):
    rng = np.random.default_rng(seed)
    records = np.array([f"mitdb/{r}" for r in rng.integers(200, 215, 600)])
    labels = rng.choice(["Normal", "PVC"], 600)
    held = []
    for inside, outside in folds(labels, records, count=5, seed=seed):
        assert not inside & outside
        held += sorted(outside)
    assert sorted(held) == sorted(set(records.tolist()))


def test_records_of_one_person_stay_together():
    assert patients_of(np.array(["mitdb/201", "mitdb/202", "mitdb/203"])).tolist() == [
        "mitdb/201",
        "mitdb/201",
        "mitdb/203",
    ]
