"""MIT-BIH Malignant Ventricular Ectopy Database (Greenwald 1986, PhysioNet, ODC-BY 1.0): rhythm labels, no beat labels.

Fibrillation comes from here, so normal beats must come from here too; otherwise a model could learn which database a
picture is from. Normal beats are QRS complexes found in stretches labelled normal; those that come early or late or
do not look like the stretch's median beat are left out, because they may be unlabelled ectopic beats.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from wfdb.processing import XQRS

from ml.datasets.beats import CENTRE, RATE_HZ, Beats, DataNotFoundError, cut, joined, record_names

NORMAL_RHYTHMS = frozenset({"N", "NSR"})
FIBRILLATION_RHYTHMS = frozenset({"VF", "VFIB", "VFL"})
TACHYCARDIA_RHYTHMS = frozenset({"VT"})
CONTROL_LABEL = "VT"
_GUARD_S = 1.0
_STEP_S = 1.0
_LEARNT_S = 10.0
_MOST_NORMAL_S = 300.0
_REGULAR = 0.15
_ALIKE = 0.90


def rhythms(folder: Path, name: str) -> list[tuple[int, int, str]]:
    """Stretches of one rhythm of a recording: first sample, last sample (exclusive), name such as ``VFIB``."""
    header = wfdb.rdheader(str(folder / name))
    marks = wfdb.rdann(str(folder / name), "atr")
    starts = [int(at) for at in marks.sample]
    names = [note.strip("\x00 ").lstrip("(") for note in marks.aux_note]
    return list(zip(starts, [*starts[1:], int(header.sig_len)], names, strict=True))


def regular_beats(signal: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """QRS complexes of a normal rhythm that are neither early nor late nor of another form.

    Args:
        signal: one lead of a stretch of normal rhythm, shape (n,), millivolt.
        fs: sampling rate, Hz.

    Returns:
        R peaks, samples; empty when the detector finds fewer than five.
    """
    detector = XQRS(sig=signal, fs=fs)
    detector.detect(verbose=False)
    peaks = np.asarray(detector.qrs_inds, dtype=np.int64)
    if len(peaks) < 5:  # a median beat needs a few
        return np.empty(0, dtype=np.int64)
    reach = round(0.08 * fs)
    peaks = np.array([_steepest_peak(signal, at, reach) for at in peaks], dtype=np.int64)
    gaps = np.diff(peaks)
    usual = float(np.median(gaps))
    even = np.abs(gaps - usual) <= _REGULAR * usual
    steady = np.r_[False, even[:-1] & even[1:], False]
    narrow = slice(CENTRE - round(0.15 * RATE_HZ), CENTRE + round(0.25 * RATE_HZ))
    shapes = cut(signal, fs, peaks)[:, narrow].astype(np.float64)
    shapes -= shapes.mean(axis=1, keepdims=True)
    median = np.median(shapes, axis=0)
    norm = np.linalg.norm(shapes, axis=1) * np.linalg.norm(median)
    alike = shapes @ median >= _ALIKE * np.maximum(norm, 1e-9)
    chosen: NDArray[np.int64] = peaks[steady & alike]
    return chosen


def _steepest_peak(signal: NDArray[np.float64], at: int, reach: int) -> int:
    """The largest deflection from the local median near a detected complex."""
    left, right = max(0, at - reach), min(len(signal), at + reach + 1)
    part = signal[left:right]
    return left + int(np.abs(part - np.median(signal[max(0, at - 5 * reach) : at + 5 * reach])).argmax())


def _spots(folder: Path, name: str, signal: NDArray[np.float64], fs: float) -> list[tuple[int, str]]:
    """Fiducial points and labels of one lead of a recording."""
    found: list[tuple[int, str]] = []
    guard, step = round(_GUARD_S * fs), round(_STEP_S * fs)
    normal_left = round(_MOST_NORMAL_S * fs)
    for start, stop, rhythm in rhythms(folder, name):
        if rhythm in NORMAL_RHYTHMS and stop - start > _LEARNT_S * 2 * fs and normal_left > 0:
            stop_here = min(stop, start + normal_left)
            normal_left -= stop_here - start
            peaks = regular_beats(signal[start:stop_here], fs) + start
            found += [(int(at), "Normal") for at in peaks if start + 2 * guard < at < stop_here - 2 * guard]
        elif rhythm in FIBRILLATION_RHYTHMS | TACHYCARDIA_RHYTHMS:
            label = "VF" if rhythm in FIBRILLATION_RHYTHMS else CONTROL_LABEL
            found += [(at, label) for at in range(start + guard, stop - guard, step)]
    return found


def load_record(folder: Path, name: str) -> Beats:
    """Windows of fibrillation or flutter (VF), of tachycardia (VT, a control class) and normal beats, both leads.

    Args:
        folder: folder of the database (``418.hea``, ``418.dat``, ``418.atr`` ...).
        name: record, for example ``"422"``.

    Raises:
        DataNotFoundError: when the recording is missing.
    """
    if not (folder / name).with_suffix(".hea").exists():
        raise DataNotFoundError(f"record {name} is not in {folder}")
    signals, fields = wfdb.rdsamp(str(folder / name))
    fs = float(fields["fs"])
    parts = []
    for lead in range(signals.shape[1]):
        signal = np.nan_to_num(signals[:, lead])
        spots = _spots(folder, name, signal, fs)
        samples = np.array([at for at, _ in spots], dtype=np.int64)
        windows = cut(signal, fs, samples)
        moving = windows.std(axis=1) > 0.02  # millivolt; a lead that had come off shows nothing
        parts.append(
            Beats(
                windows=windows,
                labels=np.array([label for _, label in spots], dtype=np.str_),
                records=np.full(len(spots), f"vfdb/{name}"),
                samples=samples,
            ).take(moving)
        )
    return joined(parts)


def load(folder: Path, records: Iterable[str] | None = None) -> Beats:
    """Windows of all recordings, or of the named ones.

    Raises:
        DataNotFoundError: when the folder or a named recording is missing.
    """
    names = record_names(folder) if records is None else list(records)
    return joined([load_record(folder, name) for name in names])
