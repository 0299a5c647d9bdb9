"""Whatever happens to a file on its way: a recording, or a refusal with a reason; never another exception, never a hang."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.datasets.simulated_recording import simulate_recording
from ml.recordings.formats import read, sniff
from ml.recordings.reasons import RecordingReason, UnusableRecording
from tests.ml.recordings import writers

FORMATS = ("wfdb", "wfdb header", "edf", "csv", "dicom", "aecg", "muse", "scp")
HEADER = b"rec 2 100 300 12:00:00 01/02/2026\nrec.dat 16 200(0)/mV 16 0 5 7 0 II\nrec.dat 16 200/mV 16 0 5 7 0 V1\n"


@cache
def whole(name: str) -> bytes:
    sim = simulate_recording(seconds=3, fs=100, leads=("II", "V1"))
    if name == "wfdb":
        with tempfile.TemporaryDirectory() as folder:
            return writers.zipped(writers.wfdb_files(sim, Path(folder)))
    if name == "wfdb header":
        return HEADER
    writer = {"csv": writers.table}.get(name) or getattr(writers, name)
    data: bytes = writer(sim)
    return data


def outcome(name: str, data: bytes, folder: Path) -> None:
    if name == "wfdb header":
        data = writers.zipped({"rec.hea": data, "rec.dat": b"\1\0" * 600})
    path = folder / "upload"
    path.write_bytes(data)
    try:
        recording = read(path, fs=100, unit="mV")
    except UnusableRecording as refused:
        assert refused.reason_code in set(RecordingReason)  # noqa: PT017  # a refusal is one of two right answers
        return
    assert recording.signals.shape == (len(recording.leads), recording.samples)
    assert recording.samples > 0
    assert recording.signals.dtype == np.float32


quick = settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FORMATS)
@quick
@given(share=st.floats(0, 1))
def test_cut_short(name: str, tmp_path: Path, share: float) -> None:
    data = whole(name)
    outcome(name, data[: round(share * len(data))], tmp_path)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FORMATS)
@quick
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12),
    early=st.booleans(),
)
def test_changed_bytes(name: str, tmp_path: Path, changes: list[tuple[float, int]], early: bool) -> None:  # noqa: FBT001
    data = bytearray(whole(name))
    for at, value in changes:
        data[int(at * (min(len(data), 1200 if early else len(data)) - 1))] = value
    outcome(name, bytes(data), tmp_path)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FORMATS)
@quick
@given(
    at=st.floats(0, 1),
    size=st.integers(1, 60),
    inserted=st.sampled_from([b"", b"9" * 12, b"-1", b"\0" * 40, b"\xff" * 8, b"nan", b"1e309"]),
)
def test_bytes_lost_or_put_in(name: str, tmp_path: Path, at: float, size: int, inserted: bytes) -> None:
    data = whole(name)
    start = int(at * len(data))
    outcome(name, data[:start] + inserted + data[start + size :], tmp_path)


@quick
@given(
    head=st.binary(max_size=400),
    start=st.sampled_from(
        [
            b"",
            b"PK\x03\x04",
            b"0       ",
            b"<AnnotatedECG>",
            b"<RestingECG>",
            b"II,V1\n",
            b"\0" * 128 + b"DICM",
        ]
    ),
)
def test_any_bytes_are_sniffed(head: bytes, start: bytes) -> None:
    assert sniff(start + head) in {None, "wfdb", "edf", "csv", "dicom", "aecg", "muse", "scp"}
