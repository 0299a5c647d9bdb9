"""PTB-XL (Wagner and others 2020, PhysioNet, CC BY 4.0): ten seconds of twelve leads with their diagnostic superclasses."""

from __future__ import annotations

import ast
import csv
import dataclasses
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from tqdm import tqdm

from ml.datasets.beats import DataNotFoundError

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
FS = 100.0
_MILLIVOLT = 0.005
SAMPLES = 1000
_INDEPENDENT = 8
# I, II, V1 to V6 to the twelve: Einthoven and Goldberger.
_TWELVE_OF_EIGHT = np.zeros((12, _INDEPENDENT), dtype=np.float32)
_TWELVE_OF_EIGHT[:6, :2] = [(1, 0), (0, 1), (-1, 1), (-0.5, -0.5), (1, -0.5), (-0.5, 1)]
_TWELVE_OF_EIGHT[6:, 2:] = np.eye(6)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """Ten-second recordings with their superclasses.

    Attributes:
        signals: shape (n, 12, 1000), millivolt, 100 Hz, standard order.
        classes: 1 where a superclass is stated, shape (n, 5), order of ``SUPERCLASSES``; several may be.
        patients: shape (n,).
        folds: the database's stratified fold, 1 to 10, shape (n,). People do not cross folds.
    """

    signals: NDArray[np.float32]
    classes: NDArray[np.int64]
    patients: NDArray[np.str_]
    folds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    def of_folds(self, *folds: int) -> Recordings:
        """The recordings of some folds."""
        chosen = np.isin(self.folds, folds)
        return Recordings(**{f.name: getattr(self, f.name)[chosen] for f in dataclasses.fields(self)})


def twelve_of_eight(signals: NDArray[np.floating]) -> NDArray[np.float32]:
    """All leads from the independent ones.

    Args:
        signals: I, II, V1 to V6, shape (..., 8, n).

    Returns:
        Shape (..., 12, n), standard order.
    """
    return np.asarray(_TWELVE_OF_EIGHT @ signals, dtype=np.float32)


def _superclass_of_code(folder: Path) -> dict[str, str]:
    """Superclass of each diagnostic statement."""
    with (folder / "scp_statements.csv").open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        code = (rows.fieldnames or [""])[0]
        return {row[code]: row["diagnostic_class"] for row in rows if row["diagnostic_class"]}


def _stated(row: dict[str, str], of_code: dict[str, str]) -> list[int]:
    """Superclasses of a recording: whatever its statements say, at any likelihood, as in the benchmark of the authors."""
    if SUPERCLASSES[0] in row:
        return [int(float(row[name])) for name in SUPERCLASSES]
    there = {of_code.get(code) for code in ast.literal_eval(row["scp_codes"])}
    return [int(name in there) for name in SUPERCLASSES]


def load(folder: Path, folds: frozenset[int], *, quiet: bool = False) -> Recordings:
    """Recordings of some folds that have a superclass; those without one cannot be scored (as in the authors' benchmark).

    Args:
        folder: of the database at 100 Hz, as published, or packed into ``labels.csv`` and ``signals.npy``.
        folds: PTB-XL folds.
        quiet: whether to hide the progress bar.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    names = ("labels.csv", "ptbxl_database.csv")
    listing = next((folder / name for name in names if (folder / name).exists()), None)
    if listing is None:
        raise DataNotFoundError(f"no ptbxl_database.csv in {folder}; download PTB-XL from physionet.org")
    of_code = _superclass_of_code(folder) if (folder / "scp_statements.csv").exists() else {}
    packed = np.load(folder / "signals.npy", mmap_mode="r") if (folder / "signals.npy").exists() else None
    with listing.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if int(float(row["strat_fold"])) in folds]
    stated = [(row, classes) for row in rows if any(classes := _stated(row, of_code))]
    signals = np.zeros((len(stated), 12, SAMPLES), dtype=np.float32)
    for place, (row, _) in enumerate(tqdm(stated, desc="PTB-XL", disable=quiet)):
        if packed is not None:
            signals[place] = twelve_of_eight(packed[int(row["row"])].astype(np.float32) * _MILLIVOLT)
        else:
            signals[place] = wfdb.rdsamp(str(folder / row["filename_lr"]))[0].T
    return Recordings(
        signals=signals,
        classes=np.array([classes for _, classes in stated], dtype=np.int64).reshape(-1, len(SUPERCLASSES)),
        patients=np.array([f"ptbxl/{int(float(row['patient_id']))}" for row, _ in stated], dtype=np.str_),
        folds=np.array([int(float(row["strat_fold"])) for row, _ in stated], dtype=np.int64),
    )
