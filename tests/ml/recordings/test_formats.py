"""Every format by round trip: what was written is what is read, within the format's resolution."""

from __future__ import annotations

import datetime as dt
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ml.recordings.formats import read, sniff
from ml.recordings.reasons import UnusableRecording
from tests.ml.recordings import writers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ml.datasets.simulated_recording import SimulatedRecording
    from ml.recordings.recording import Recording


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[bytes], Path]:
    """A file under a name that says nothing."""

    def store(data: bytes) -> Path:
        path = tmp_path / "upload.bin"
        path.write_bytes(data)
        return path

    return store


def refusal(path: Path, **given: object) -> UnusableRecording:
    with pytest.raises(UnusableRecording) as caught:
        read(path, **given)  # type: ignore[arg-type]
    assert caught.value.message.endswith(".")
    assert "{" not in caught.value.message
    return caught.value


def same(recording: Recording, sim: SimulatedRecording, *, step_mv: float) -> None:
    assert recording.fs == pytest.approx(sim.fs)
    assert recording.signals.dtype == np.float32
    for lead, line in zip(sim.leads, sim.signals, strict=True):
        got = recording.signals[recording.leads.index(lead)]
        assert np.abs(got[: len(line)] - line).max() <= 0.51 * step_mv + 1e-6


@pytest.mark.parametrize(("fmt", "step"), [("16", 0.001), ("212", 0.005)])
def test_wfdb(
    minute: SimulatedRecording, tmp_path: Path, stored: Callable[[bytes], Path], fmt: str, step: float
) -> None:
    files = writers.wfdb_files(minute, tmp_path, fmt=fmt)
    recording = read(stored(writers.zipped({f"folder/{k}": v for k, v in files.items()})))
    same(recording, minute, step_mv=step)
    assert recording.leads == minute.leads
    assert recording.source_format == "wfdb"
    assert recording.units == ("mV", "mV", "mV")
    assert recording.pacemaker is None


def test_wfdb_comment_names_a_pacemaker(
    minute: SimulatedRecording, tmp_path: Path, stored: Callable[[bytes], Path]
) -> None:
    files = writers.wfdb_files(minute, tmp_path, comments=["71 M", "The patient has a pacemaker"])
    assert read(stored(writers.zipped(files))).pacemaker is True


def test_edf(minute: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    recording = read(stored(writers.edf(minute)))
    same(recording, minute, step_mv=20 / 65535)
    assert recording.leads == minute.leads


def test_edf_leaves_other_channels_out_and_says_so(
    minute: SimulatedRecording, stored: Callable[[bytes], Path]
) -> None:
    recording = read(stored(writers.edf(minute, labels=["ECG II", "Resp chest", "EKG V5"])))
    assert recording.leads == ("II", "V5")
    assert recording.warnings == ("These channels are no ECG leads and were left out: Resp chest.",)


def test_interrupted_edf_has_gaps_not_a_shorter_day(stored: Callable[[bytes], Path]) -> None:
    onsets, each = [0, 1, 5, 6], 250

    def field(*texts: str, width: int) -> bytes:
        return b"".join(text.ljust(width).encode() for text in texts)

    header = (
        field("0", width=8) + field("X", "X", width=80) + field("01.02.26", "03.04.05", width=8) + field("768", width=8)
        + field("EDF+D", width=44) + field("4", "1", width=8) + field("2", width=4)
        + field("ECG II", "EDF Annotations", width=16) + field("", "", width=80) + field("mV", "", width=8)
        + field("-10", "-1", width=8) + field("10", "1", width=8) + field("-32768", "-32768", width=8)
        + field("32767", "32767", width=8) + field("", "", width=80) + field("250", "16", width=8) + field("", "", width=32)
    )  # fmt: skip
    records = b"".join(
        struct.pack("<250h", *[100 * (i + 1)] * each) + f"+{at}\x14\x14".encode().ljust(32, b"\0")
        for i, at in enumerate(onsets)
    )
    recording = read(stored(header + records))
    assert recording.samples == 7 * each
    missing = np.isnan(recording.signals[0]).reshape(7, each)
    assert missing.all(axis=1).tolist() == [False, False, True, True, True, False, False]
    assert not missing[[0, 1, 5, 6]].any()
    assert recording.started_at == dt.datetime(2026, 2, 1, 3, 4, 5)  # noqa: DTZ001
    assert "interrupted" in recording.warnings[0]


def test_edf_that_breaks_off_gives_what_is_there(
    minute: SimulatedRecording, stored: Callable[[bytes], Path]
) -> None:
    data = writers.edf(minute)
    recording = read(stored(data[: len(data) // 2]))
    assert 20 < recording.seconds < 40
    assert "ends before the length" in recording.warnings[0]


def test_table(minute: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    recording = read(stored(writers.table(minute)))
    same(recording, minute, step_mv=0.001)
    assert recording.leads == minute.leads


@pytest.mark.parametrize(
    ("before", "heading"),
    [
        ("", "II (mV),V1 (mV),V5 (mV)"),
        ("# sampling rate (Hz) = {fs}\n", "II_mV,V1_mV,V5_mV"),
        ("fs, {fs}\nunits, mV\n", "Lead II,Lead V1,Lead V5"),
    ],
)
def test_table_says_rate_and_unit_in_many_ways(
    minute: SimulatedRecording, stored: Callable[[bytes], Path], before: str, heading: str
) -> None:
    data = writers.table(minute, before=before, heading=heading)
    recording = read(stored(data), fs=None if before else 250.0)
    assert (recording.leads, recording.fs) == (minute.leads, 250.0)


def test_table_in_german_with_a_time_column(stored: Callable[[bytes], Path]) -> None:
    lines = ["time (ms);II (µV);aVF (µV)"] + [
        f"{4 * i};{i % 7 * 100},5;-{i % 3 * 50},25" for i in range(1000)
    ]
    recording = read(stored("\r\n".join(lines).encode()))
    assert recording.leads == ("II", "aVF")
    assert recording.fs == pytest.approx(250.0)
    assert recording.signals[0, 6] == pytest.approx(0.6005)
    assert recording.signals[1, 2] == pytest.approx(-0.10025)


def test_missing_cells_become_missing_samples(stored: Callable[[bytes], Path]) -> None:
    recording = read(stored(b"II,V1\n1,2\n,3\nNaN,4\n5,inf\n" * 1), fs=250, unit="mV")
    assert np.isnan(recording.signals).tolist() == [[False, True, True, False], [False, False, False, True]]


def test_unit_and_rate_are_asked_for_never_guessed(
    minute: SimulatedRecording, stored: Callable[[bytes], Path]
) -> None:
    bare = stored(writers.table(minute, before=""))
    assert refusal(bare, fs=250).reason_code == "unit_unknown"
    assert refusal(bare, unit="mV").reason_code == "rate_unknown"
    assert read(bare, fs=250, unit="mV").leads == minute.leads
    microvolt = read(bare, fs=250, unit="uV")
    assert np.abs(microvolt.signals).max() < 0.01


def test_the_files_own_rate_has_precedence(
    minute: SimulatedRecording, stored: Callable[[bytes], Path]
) -> None:
    recording = read(stored(writers.table(minute)), fs=500)
    assert recording.fs == 250
    assert "500 Hz entered were not used" in recording.warnings[0]


def test_text_between_the_numbers_is_named(stored: Callable[[bytes], Path]) -> None:
    found = refusal(stored(b"II,V1\n1,2\n3,lead off\n4,5\n"), fs=250, unit="mV")
    assert found.reason_code == "not_numbers"
    assert "lead off" in found.message


def test_dicom(minute: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    recording = read(stored(writers.dicom(minute)))
    same(recording, minute, step_mv=0.0025)
    assert recording.samples == minute.signals.shape[1]
    assert recording.started_at == dt.datetime(2026, 1, 2, 3, 4, 5, 500000)  # noqa: DTZ001
    assert recording.units == ("uV", "uV", "uV")


def test_dicom_without_sensitivity_asks_for_the_unit(
    minute: SimulatedRecording, stored: Callable[[bytes], Path]
) -> None:
    path = stored(writers.dicom(minute, unit=None))
    assert refusal(path).reason_code == "unit_unknown"
    assert np.isfinite(read(path, unit="uV").signals).all()


def test_dicom_pressure_alone_is_no_ecg(minute: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    data = (
        writers.dicom(minute, unit="mm")
        .replace(b"Lead II ", b"Aorta AO")
        .replace(b"Lead V1 ", b"Art. Pul")
        .replace(b"Lead V5 ", b"Atrium R")
    )
    assert refusal(stored(data)).reason_code == "no_ecg_lead"


def test_aecg(short: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    recording = read(stored(writers.aecg(short)))
    same(recording, short, step_mv=0.005)
    assert recording.started_at == dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001
    assert recording.leads == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def test_muse(short: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    recording = read(stored(writers.muse(short, statement="Electronic ventricular pacemaker")))
    same(recording, short, step_mv=0.00488)
    one, two = recording.signals[:2]
    assert np.allclose(recording.signals[recording.leads.index("aVF")], two - one / 2, atol=1e-6)
    assert recording.pacemaker is True
    assert "computed from I and II" in recording.warnings[-1]


def test_muse_without_a_unit_asks(short: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    assert refusal(stored(writers.muse(short, units=""))).reason_code == "unit_unknown"


def test_scp(short: SimulatedRecording, stored: Callable[[bytes], Path]) -> None:
    recording = read(stored(writers.scp(short)))
    same(recording, short, step_mv=0.005)
    assert recording.started_at == dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001
    assert recording.warnings == ("Leads III, aVR, aVL and aVF were computed from I and II.",)


def test_scp_with_a_changed_byte_is_read_with_a_warning(
    short: SimulatedRecording, stored: Callable[[bytes], Path]
) -> None:
    data = bytearray(writers.scp(short))
    data[-100] ^= 1
    assert "checksum" in read(stored(bytes(data))).warnings[0]


def test_content_decides_never_the_name(
    short: SimulatedRecording, minute: SimulatedRecording, tmp_path: Path
) -> None:
    heads = {
        "wfdb": writers.zipped(writers.wfdb_files(minute, tmp_path)),
        "edf": writers.edf(minute),
        "csv": writers.table(minute),
        "dicom": writers.dicom(minute),
        "aecg": writers.aecg(short),
        "muse": writers.muse(short),
        "scp": writers.scp(short),
    }
    assert {name: sniff(data[:4096]) for name, data in heads.items()} == {name: name for name in heads}
    others = [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
        b"name,age\nAda,36\n",
        b"II\n",
        b"<html><body>II,V1</body></html>",
        b"\0" * 4096,
    ]
    assert [sniff(data) for data in others] == [None] * len(others)
    assert sniff(writers.dicom(minute, sop_class="1.2.840.10008.5.1.4.1.1.2")) is None  # a CT image


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"../../rec.hea": b"rec 1 250 10\nrec.dat 16 200 16 0 0 0 0 II\n"}, "unsafe_archive"),
        ({"/etc/rec.hea": b"rec 1 250 10\nrec.dat 16 200 16 0 0 0 0 II\n"}, "unsafe_archive"),
        ({"rec.hea": b"rec 1 250 10\n../../../etc/passwd 16 200 16 0 0 0 0 II\n"}, "unsafe_archive"),
        ({"rec.hea": b"rec 1 250 10\n/etc/passwd 16 200 16 0 0 0 0 II\n"}, "unsafe_archive"),
        ({"rec.hea": b"rec 1 250 10\nrec.dat 16 200 16 0 0 0 0 II\n"}, "recording_incomplete"),
        ({"word/document.xml": b"<w/>"}, "recording_incomplete"),
        ({"a.hea": b"a 1 250 10\n", "b.hea": b"b 1 250 10\n"}, "several_recordings"),
        ({"rec.hea": b"rec/3 1 250 30\nx1 10\nx2 10\nx3 10\n"}, "recording_unsupported"),
        ({"rec.hea": b"rec 1 250 9999999999999\nrec.dat 16 200 16 0 0 0 0 II\n", "rec.dat": b""}, "recording_too_large"),
        ({"rec.hea": b"rec 1 250 1000\nrec.dat 16 200 16 0 0 0 0 II\n", "rec.dat": b"\0" * 10_000_000}, "unsafe_archive"),
        ({"rec.hea": b"rec 1 250 1000\nrec.dat 16 200 16 0 0 0 0 II\n", "rec.dat": b"\0" * 10}, "recording_damaged"),
        ({"rec.hea": b"rec 1\nrec.dat 16 200 16 0 0 0 0 II\n", "rec.dat": b"\0" * 2000}, "rate_unknown"),
        ({"rec.hea": b"rec 1 250 1000\nrec.dat 16 0 16 0 0 0 0 II\n", "rec.dat": b"\0" * 2000}, "unit_unknown"),
        ({"rec.hea": b"rec 1 250 1000\nrec.dat 16 200/mmHg 16 0 0 0 0 ABP\n", "rec.dat": b"\0" * 2000}, "no_ecg_lead"),
    ],
)  # fmt: skip
def test_archives_that_are_refused(
    members: dict[str, bytes], code: str, stored: Callable[[bytes], Path]
) -> None:
    assert refusal(stored(writers.zipped(members))).reason_code == code


def test_uncalibrated_counts_take_the_unit_that_is_given(stored: Callable[[bytes], Path]) -> None:
    counts = np.arange(1000, dtype="<i2")
    data = writers.zipped({"r.hea": b"r 1 250 1000\nr.dat 16 0 16 0 0 0 0 II\n", "r.dat": counts.tobytes()})
    assert read(stored(data), unit="uV").signals[0] == pytest.approx(counts / 1000)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\x89PNG\r\n\x1a\n", "recording_format_unknown"),
        (b"rec 1 250 10\nrec.dat 16 200 16 0 0 0 0 II\n", "recording_incomplete"),
        (b"PK\x03\x04 and no more", "recording_damaged"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><AnnotatedECG>&a;</AnnotatedECG>", "recording_damaged"),
        (b"<AnnotatedECG>" + b"<a>" * 100_000, "recording_damaged"),
    ],
)
def test_files_that_are_no_recording(data: bytes, code: str, stored: Callable[[bytes], Path]) -> None:
    assert refusal(stored(data)).reason_code == code


def test_too_many_leads_are_refused_from_the_heading(stored: Callable[[bytes], Path]) -> None:
    heading = ",".join(f"ECG {i}" for i in range(40))
    found = refusal(stored(f"{heading}\n{','.join('1' * 40)}\n".encode()), fs=250, unit="mV")
    assert found.reason_code == "recording_too_large"


def test_a_line_of_megabytes_is_not_read_into_memory(stored: Callable[[bytes], Path]) -> None:
    found = refusal(stored(b"II,V1\n1,2\n" + b"1" * 9_000_000), fs=250, unit="mV")
    assert found.reason_code == "recording_damaged"


def test_choosing_a_format_loads_no_numerical_library() -> None:
    script = (
        "import sys; from ml.recordings.formats import sniff; sniff(b'x');"
        "print(sorted({'numpy', 'pandas', 'django', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
