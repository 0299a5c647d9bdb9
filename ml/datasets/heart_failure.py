"""Heart failure clinical records: 299 patients of two hospitals in Faisalabad, with death during follow-up.

Source: Ahmad and others 2017, Chicco and Jurman, BMC Medical Informatics and Decision Making 2020;20:16; UCI 519, CC BY 4.0. The
public file ``heart_failure_clinical_records_dataset.csv``. All patients were 40 or older, had left ventricular systolic dysfunction
and earlier heart failure of NYHA class III or IV.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.clinical.features import FOLLOW_UP, NAMES
from ml.datasets.beats import DataNotFoundError

FOLDER = "clinical"
FILE = "heart_failure_clinical_records_dataset.csv"
_DIED = "DEATH_EVENT"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HeartFailure:
    """Records of patients.

    Attributes:
        values: in the order and units of ``ml.clinical.features.NAMES``, NaN where missing, shape (n, 11).
        follow_up_days: known only afterwards: never an input, shape (n,).
        died: 1 where the patient died during follow-up, else 0, shape (n,).
    """

    values: NDArray[np.float32]
    follow_up_days: NDArray[np.float32]
    died: NDArray[np.int64]


def number(cell: str) -> float:
    """A cell as a number; empty, ``?`` and NaN are missing.

    Raises:
        ValueError: when it is neither.
    """
    return float("nan") if cell.strip() in {"", "?"} else float(cell)


def load_heart_failure(folder: Path) -> HeartFailure:
    """Read the public file below ``clinical/``, or in the folder itself.

    Args:
        folder: holds ``clinical/heart_failure_clinical_records_dataset.csv``.

    Raises:
        DataNotFoundError: when the file is missing.
        ValueError: when a column is missing or a cell is no number.
    """
    path = next((here / FILE for here in (folder / FOLDER, folder) if (here / FILE).is_file()), None)
    if path is None:
        raise DataNotFoundError(
            f"no {FILE} in {folder / FOLDER}; download it from the UCI repository, dataset 519"
        )
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        wanted = [*NAMES, FOLLOW_UP, _DIED]
        missing = [name for name in wanted if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path}: expected columns {', '.join(wanted)}; missing: {', '.join(missing)}")
        table = np.array([[number(row[name] or "") for name in wanted] for row in reader], dtype=np.float64)
    return HeartFailure(
        values=table[:, : len(NAMES)].astype(np.float32),
        follow_up_days=table[:, -2].astype(np.float32),
        died=table[:, -1].astype(np.int64),
    )
