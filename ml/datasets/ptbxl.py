"""PTB-XL (Wagner and others 2020, PhysioNet, CC BY 4.0): lead II beats of thousands of people, for training.

MIT-BIH has left bundle branch block in four people and right in six, too few to learn either from. PTB-XL labels whole
ten-second recordings, so beat labels are derived: every regular beat of a recording with complete bundle branch block
has that block; in recordings said to hold premature complexes the early beats are taken, as PVC when their form differs
from the recording's median beat and as PAC when it does not. These labels train; they are never called a cardiologist's.
"""

from __future__ import annotations

import ast
import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from tqdm import tqdm
from wfdb.processing import XQRS

from ml.datasets.beats import CENTRE, RATE_HZ, Beats, DataNotFoundError, cut, joined

TRAINING_FOLDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8})
VALIDATION_FOLDS = frozenset({9})
TEST_FOLDS = frozenset({10})
FS = 100.0
_LEAD_II = 1
_PACKED_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
_MILLIVOLT = 0.005
_BLOCKS = frozenset({"CLBBB", "CRBBB", "ILBBB", "IRBBB", "LAFB", "LPFB", "LAFB/LPFB", "IVCD", "WPW"})
_OTHER = frozenset({"PACE", "BIGU", "TRIGU", "PRC(S)"})
_NORMAL = frozenset({"NORM", "STTC", "NST_", "NDT", "ISC_"})
_MOST_NORMAL_RECORDS = 1200
_EARLY, _LIKE, _UNLIKE, _REGULAR = 0.85, 0.90, 0.75, 0.12
_MIN_BEATS = 5


def names_of(cell: str | None) -> set[str]:
    """Codes of a cell such as ``['NORM']`` or ``{'NORM': 100.0}``."""
    return set(ast.literal_eval(cell)) if cell else set()


def label_of(codes: set[str]) -> str | None:
    """The class that a recording's statements stand for, or None when they stand for none or for several."""
    if codes & _OTHER:
        return None
    found = {name for code, name in (("CLBBB", "LBBB"), ("CRBBB", "RBBB")) if code in codes}
    found |= {name for name in ("PVC", "PAC") if name in codes}
    if len(found) == 1 and (found & {"LBBB", "RBBB"} or not codes & _BLOCKS):
        return found.pop()
    return "Normal" if not found and codes & _NORMAL and not codes & _BLOCKS else None


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """A recording of the listing.

    Attributes:
        patient: ``ptbxl/`` and the number of the person.
        codes: statements about the recording.
        where: row of ``signals.npy``, or a WFDB path.
    """

    patient: str
    codes: set[str]
    where: int | str


def listing(folder: Path, folds: frozenset[int]) -> Iterator[Listed]:
    """Every recording of some folds.

    Raises:
        DataNotFoundError: when the folder holds neither ``labels.csv`` nor ``ptbxl_database.csv``.
    """
    file = next(
        (folder / name for name in ("labels.csv", "ptbxl_database.csv") if (folder / name).exists()), None
    )
    if file is None:
        raise DataNotFoundError(f"no ptbxl_database.csv in {folder}; download PTB-XL from physionet.org")
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if int(float(row["strat_fold"])) not in folds:
                continue
            codes = set().union(
                *(names_of(row.get(name)) for name in ("scp_codes", "sub_class", "form", "rhythm"))
            )
            where: int | str = int(row["row"]) if "row" in row else row["filename_lr"]
            yield Listed(f"ptbxl/{int(float(row['patient_id']))}", codes, where)


def read_leads(folder: Path, listed: Listed, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Some leads of a recording, shape (leads, 1000), millivolt, 100 Hz."""
    if (folder / "signals.npy").exists():
        packed = np.load(folder / "signals.npy", mmap_mode="r")
        rows = [_PACKED_LEADS.index(name) for name in names]
        return np.asarray(packed[listed.where, rows], dtype=np.float64) * _MILLIVOLT
    signals, fields = wfdb.rdsamp(str(folder / str(listed.where)))
    return np.asarray(signals[:, [fields["sig_name"].index(name) for name in names]].T, dtype=np.float64)


def catalogue(folder: Path, folds: frozenset[int]) -> list[tuple[str, str, int | str]]:
    """Recordings that are of use: patient, class, and where the signal is (row of ``signals.npy``, or a WFDB path).

    Raises:
        DataNotFoundError: when the folder holds neither ``labels.csv`` nor ``ptbxl_database.csv``.
    """
    chosen: list[tuple[str, str, int | str]] = []
    normal = 0
    for found in listing(folder, folds):
        label = label_of(found.codes)
        normal += label == "Normal"
        if label is None or (label == "Normal" and normal > _MOST_NORMAL_RECORDS):
            continue
        chosen.append((found.patient, label, found.where))
    return chosen


def typical_beats(signal: NDArray[np.float64], label: str) -> NDArray[np.int64]:
    """R peaks of a ten-second lead II that carry the recording's label.

    Args:
        signal: shape (1000,), millivolt, 100 Hz.
        label: class of the recording.

    Returns:
        Positions, samples; without the first and the last beat.
    """
    detector = XQRS(sig=signal, fs=FS)
    detector.detect(verbose=False)
    peaks = np.asarray(detector.qrs_inds, dtype=np.int64)
    if len(peaks) < _MIN_BEATS:
        return np.empty(0, dtype=np.int64)
    calm = np.median(signal)
    peaks = np.array(
        [max(0, at - 6) + int(np.abs(signal[max(0, at - 6) : at + 7] - calm).argmax()) for at in peaks]
    )
    gaps = np.diff(peaks)
    usual = float(np.median(gaps))
    before, after = np.r_[usual, gaps], np.r_[gaps, usual]
    part = cut(signal, FS, peaks)[:, CENTRE - round(0.1 * RATE_HZ) : CENTRE + round(0.12 * RATE_HZ)].astype(
        np.float64
    )
    part -= part.mean(axis=1, keepdims=True)
    median = np.median(part, axis=0)
    alike = part @ median / np.maximum(np.linalg.norm(part, axis=1) * np.linalg.norm(median), 1e-9)
    if label == "PVC":
        chosen = (before < _EARLY * usual) & (alike < _UNLIKE)
    elif label == "PAC":
        chosen = (before < _EARLY * usual) & (after >= before) & (alike >= _LIKE)
    elif label == "Normal":
        chosen = (np.abs(before - usual) < _REGULAR * usual) & (alike >= _LIKE)
    else:
        chosen = alike >= _LIKE
    chosen[[0, -1]] = False
    found: NDArray[np.int64] = peaks[chosen]
    return found


def load(folder: Path, folds: frozenset[int], *, per_record: int = 4, quiet: bool = False) -> Beats:
    """Beats of lead II of the recordings of some folds.

    Args:
        folder: folder of the database at 100 Hz.
        folds: PTB-XL folds; people do not cross folds.
        per_record: at most so many beats of a recording.
        quiet: whether to hide the progress bar.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    packed = np.load(folder / "signals.npy", mmap_mode="r") if (folder / "signals.npy").exists() else None
    parts: list[Beats] = []
    for patient, label, where in tqdm(catalogue(folder, folds), desc="PTB-XL", disable=quiet):
        if packed is not None:
            signal = packed[where, _LEAD_II].astype(np.float64) * _MILLIVOLT
        else:
            signal = wfdb.rdsamp(str(folder / str(where)), channels=[_LEAD_II])[0][:, 0]
        if np.ptp(signal) < 0.1:  # millivolt; a lead that had come off
            continue
        peaks = typical_beats(signal, label)[:per_record]
        if len(peaks):
            parts.append(
                Beats(
                    windows=cut(signal, FS, peaks),
                    labels=np.full(len(peaks), label),
                    records=np.full(len(peaks), patient),
                    samples=peaks,
                )
            )
    return joined(parts)
