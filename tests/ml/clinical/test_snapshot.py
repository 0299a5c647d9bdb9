import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.clinical.snapshot import Snapshot, SnapshotError, Value, read_snapshot, record_of

AT = "2026-03-02T09:30:00+00:00"
KNOWN = Snapshot(
    67,
    "female",
    {
        "serum_creatinine": Value(1.7, "mg/dL", AT),
        "platelets": Value(231.0, "10⁹/L", AT),
        "smoking": Value(2.0, "", AT, "a history"),
    },
    "very high",
)


def changed(**fields):
    return json.dumps(json.loads(KNOWN.as_bytes()) | fields).encode()


def test_a_snapshot_is_read_as_it_was_written():
    assert read_snapshot(KNOWN.as_bytes()) == KNOWN
    assert KNOWN.as_bytes().startswith(b'{"age":67,"format":"cardiocare-clinical","region":"very high"')


def test_the_same_values_make_the_same_bytes_in_any_order():
    backwards = Snapshot(67, "female", dict(reversed(KNOWN.values.items())), "very high")
    assert backwards.as_bytes() == KNOWN.as_bytes()


def test_the_models_are_given_their_own_units():
    record = record_of(KNOWN)
    assert {name: value for name, value in record.items() if value is not None} == {
        "age": 67.0, "sex": 0.0, "serum_creatinine": 1.7, "platelets": 231_000.0, "smoking": 0.0,
    }  # fmt: skip
    assert record_of(Snapshot(30, "other", {}))["sex"] is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        changed(version=2),
        changed(format="other"),
        changed(age="old"),
        changed(
            values={"serum_creatinine": {"value": 150.0, "unit": "µmol/L", "measured_at": AT, "source": ""}}
        ),
        changed(
            values={"serum_creatinine": {"value": "NaN", "unit": "mg/dL", "measured_at": AT, "source": ""}}
        ),
        changed(values={"serum_creatinine": 1.7}),
    ],
)
def test_another_file_is_no_snapshot(data):
    with pytest.raises(SnapshotError):
        read_snapshot(data)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    with pytest.raises(SnapshotError):
        read_snapshot(data)
