"""UCI heart disease: 920 patients of four hospitals, coronary disease found by angiography or not.

Source: Janosi and others 1988, UCI 45, CC BY 4.0; the public files ``processed.SITE.data``. ``?``, NaN and -9 are missing, and so are
a cholesterol or a resting pressure of 0, which Switzerland and Long Beach (va) wrote for "not measured".
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import DataNotFoundError
from ml.datasets.heart_failure import FOLDER, number

SITES = ("cleveland", "hungarian", "switzerland", "va")
FEATURES = (
    "age",
    "sex",
    "chest_pain",
    "resting_pressure",
    "cholesterol",
    "fasting_glucose_high",
    "resting_ecg",
    "greatest_heart_rate",
    "exercise_angina",
    "st_depression",
    "st_slope",
    "vessels",
    "thallium",
)
_NEVER_ZERO = (FEATURES.index("resting_pressure"), FEATURES.index("cholesterol"))
_MISSING = -9.0
_FOLDERS = (f"{FOLDER}/uci_heart_disease", "uci_heart_disease", FOLDER, ".")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HeartDisease:
    """Records of patients.

    Attributes:
        values: in the order of ``FEATURES``, NaN where missing, shape (n, 13).
        diseased: 1 where a vessel was narrowed by half or more, else 0, shape (n,).
        site: hospital of each patient, one of ``SITES``, shape (n,).
    """

    values: NDArray[np.float32]
    diseased: NDArray[np.int64]
    site: NDArray[np.str_]


def _read(path: Path) -> NDArray[np.float64]:
    """Rows of a file with its fourteen columns."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if any(len(row) != len(FEATURES) + 1 for row in rows):
        raise ValueError(f"{path}: expected {len(FEATURES) + 1} columns in every row")
    return np.array([[number(cell) for cell in row] for row in rows], dtype=np.float64)


def load_heart_disease(folder: Path) -> HeartDisease:
    """Read the public files of all four hospitals.

    Args:
        folder: holds ``clinical/uci_heart_disease/processed.SITE.data``.

    Raises:
        DataNotFoundError: when a file is missing.
        ValueError: when a file has other columns or a cell is no number.
    """
    tables, sites = [], []
    for site in SITES:
        paths = [folder / part / f"processed.{site}.data" for part in _FOLDERS]
        path = next((one for one in paths if one.is_file()), None)
        if path is None:
            raise DataNotFoundError(
                f"no processed.{site}.data in {paths[0].parent}; download it from the UCI repository, dataset 45"
            )
        tables.append(_read(path))
        sites += [site] * len(tables[-1])
    table = np.concatenate(tables)
    values = table[:, :-1]
    values[values == _MISSING] = np.nan
    for column in _NEVER_ZERO:
        values[values[:, column] == 0.0, column] = np.nan
    return HeartDisease(
        values=values.astype(np.float32),
        diseased=(table[:, -1] > 0).astype(np.int64),
        site=np.array(sites, dtype=np.str_),
    )
